"""Test faces that a shipped parser learned from: their scores would say nothing.

The parsers label test faces and judge generated ones. The perceptual hashes of the photos that
they learned from, or were chosen by, ship with their weights; a test face whose photo is one of
them, in this framing or mirrored, is not scored, and is named among the missing ones.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np

from pipeline.common.images import decode
from pipeline.common.shards import iter_rows
from pipeline.faces.duplicates import photo_hash
from sketchface_models.errors import SketchFaceError
from sketchface_models.pretrained.parsers import PARSER_FOLDER

FILE = "learned_from.json"
DISTANCE = 34
"""Bits of 255 in which two hashes of one photo differ at most; those of different people differ in
62 or more (see `pipeline/faces/duplicates.py`)."""
REASON = "a shipped parser learned from this face"


def learned_faces(data: Path, ids: Collection[str], folder: Path = PARSER_FOLDER) -> set[str]:
    """Return which faces a shipped parser learned from.

    Args:
        data: folder with the stages' folders.
        ids: of test faces; those without a photo were not learned from.
        folder: of the parsers, with the hashes.

    Raises:
        SketchFaceError: if the list of hashes is missing or damaged.
    """
    learned = _learned_hashes(folder / FILE)
    return {
        row["id"]
        for row in iter_rows(data / "faces", ["id", "photo"])
        if row["id"] in ids and row["photo"] and _is_among(decode(row["photo"]["bytes"]), learned)
    }


def _is_among(photo: np.ndarray, learned: np.ndarray) -> bool:
    """Return whether a photo, (H, W) or (H, W, 3) uint8, has one of the hashes, (N, 256) bits."""
    rgb = photo if photo.ndim == 3 else np.repeat(photo[..., None], 3, axis=2)
    for picture in (rgb, rgb[:, ::-1]):
        own = photo_hash(np.ascontiguousarray(picture))
        if own is not None:
            bits = np.unpackbits(np.frombuffer(own, np.uint8))
            if (learned != bits).sum(axis=1).min() <= DISTANCE:
                return True
    return False


def _learned_hashes(path: Path) -> np.ndarray:
    try:
        hashes = json.loads(path.read_text(encoding="utf-8"))["photos"]
        packed = np.array([list(bytes.fromhex(each)) for each in hashes], np.uint8)
        return np.unpackbits(packed.reshape(-1, 32), axis=1)
    except (OSError, ValueError, KeyError, TypeError):
        raise SketchFaceError(f"{path}: missing or damaged; install the package again") from None
