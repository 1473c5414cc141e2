"""Anti-aliased shapes on single-channel canvases; coordinates in pixels, with fractions."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SHIFT = 4  # cv2 takes sixteenths of a pixel


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(np.asarray(points) * 2**SHIFT).astype(np.int32)


def fill(canvas: np.ndarray, outlines: Sequence[np.ndarray], value: float) -> None:
    """Fill closed outlines, each (N, 2), with a value."""
    cv2.fillPoly(canvas, [_fixed(o) for o in outlines], (value,), cv2.LINE_AA, SHIFT)


def lines(
    canvas: np.ndarray, paths: Sequence[np.ndarray] | np.ndarray, width: int, value: float
) -> None:
    """Draw open paths, each (N, 2), or together (M, N, 2), of a whole width in pixels."""
    fixed = list(_fixed(paths)) if isinstance(paths, np.ndarray) else [_fixed(p) for p in paths]
    cv2.polylines(canvas, fixed, False, (value,), width, cv2.LINE_AA, SHIFT)


def disc(canvas: np.ndarray, centre: np.ndarray, radius: float, value: float) -> None:
    """Fill a disc."""
    x, y = (int(v) for v in _fixed(centre))
    cv2.circle(canvas, (x, y), round(radius * 2**SHIFT), (value,), -1, cv2.LINE_AA, SHIFT)
