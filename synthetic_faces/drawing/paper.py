"""Paper: its tone, its stains, and the grain that light strokes touch only the tops of."""

from __future__ import annotations

import cv2
import numpy as np

from synthetic_faces.looks.noise import SIDE, patch

GRAPHITE = 26  # the darkest a pencil gets, of 255
STAIN = 1.1  # grey levels of unevenness
COARSE = 2  # pixels a cell of it


def on_paper(page: np.ndarray, size: int, sheet: np.ndarray) -> np.ndarray:
    """A drawing (S, S) uint8, 255 = empty, on paper: (size, size) uint8.

    sheet: (3,) in [0, 1), which paper: how white it is, and where it was cut.
    """
    ink = 1 - cv2.resize(page, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    tooth = _tiled("fine", size, sheet[1:])
    coarse = _tiled("cloud", -(-size // COARSE), sheet[1:])
    stain = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    tone = np.float32(248 + 4 * sheet[0]) + STAIN * stain + 0.6 * tooth
    caught = ink * np.clip(1 + 0.30 * tooth * (1.05 - ink), 0.25, 1.4)
    drawn = tone - (tone - GRAPHITE) * np.clip(caught, 0, 1)
    return np.clip(np.round(drawn), 0, 255).astype(np.uint8)


def _tiled(kind: str, size: int, offset: np.ndarray) -> np.ndarray:
    """(size, size) noise, repeated where its texture is smaller."""
    side = min(size, SIDE)
    again = -(-size // side)
    return np.tile(patch(kind, (side, side), offset), (again, again))[:size, :size]
