"""Random numbers that depend on (seed, id, purpose) and on nothing else."""

from __future__ import annotations

import hashlib

import numpy as np

from sketchface_models.errors import SketchFaceError


def face_id(id: int | str) -> str:
    """Name of a face: 17, or numpy's 17, is `synthetic-000017`; a text is its own name.

    Raises:
        SketchFaceError: for anything else, and for numbers below 0.
    """
    if isinstance(id, str):
        return id
    if not isinstance(id, int | np.integer) or isinstance(id, bool) or id < 0:
        raise SketchFaceError(f"face id: {id!r}; allowed: a text, or a whole number, 0 or more")
    return f"synthetic-{id:06d}"


def stream(seed: int, id: int | str, purpose: str) -> np.random.Generator:
    """A counter-based generator (Philox) keyed by a hash of seed, id and purpose.

    No other face, no order of calls and no other purpose can shift its numbers.
    """
    digest = hashlib.sha256(f"{seed}/{face_id(id)}/{purpose}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))
