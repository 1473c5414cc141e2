"""Random numbers that depend on (seed, id, purpose) and on nothing else."""

from __future__ import annotations

import hashlib

import numpy as np


def face_id(id: int | str) -> str:
    """Name of a face: 17 is `synthetic-000017`; a text is its own name."""
    return f"synthetic-{id:06d}" if isinstance(id, int) else id


def stream(seed: int, id: int | str, purpose: str) -> np.random.Generator:
    """A counter-based generator (Philox) keyed by a hash of seed, id and purpose.

    No other face, no order of calls and no other purpose can shift its numbers.
    """
    digest = hashlib.sha256(f"{seed}/{face_id(id)}/{purpose}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))
