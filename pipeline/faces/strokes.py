"""Dark antialiased lines on white paper, at any width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from sketchface_models.augment import PAPER, REFERENCE_SIZE


def draw_lines(
    lines: Iterable[np.ndarray],
    size: int,
    width_at_512: float = 2.0,
    darkness: Sequence[float] = (),
) -> np.ndarray:
    """Antialiased polylines on white paper. OpenCV's have whole widths only, one pixel off.

    Args:
        lines: each (N, 2) float, pixels, N >= 2.
        size: side of the picture in pixels.
        width_at_512: line width in pixels on a picture of side 512.
        darkness: of each line in [0, 1], 1 by default.

    Returns:
        (size, size) uint8.
    """
    width = width_at_512 * size / REFERENCE_SIZE
    ink = np.zeros((size, size))
    for number, line in enumerate(lines):
        points = np.asarray(line, float)
        for start, end in pairwise(points):
            _add_segment(ink, start, end, width, darkness[number] if len(darkness) else 1.0)
    return np.round(PAPER * (1 - ink)).astype(np.uint8)


def _add_segment(
    ink: np.ndarray, start: np.ndarray, end: np.ndarray, width: float, darkness: float
) -> None:
    """Darken `ink` (H, W, in [0, 1]) where a straight line with round ends covers it."""
    reach = width / 2 + 1
    low = np.maximum(np.floor(np.minimum(start, end) - reach), 0).astype(int)
    high = np.minimum(np.ceil(np.maximum(start, end) + reach), ink.shape[::-1]).astype(int)
    if (high <= low).any():
        return
    x = np.arange(low[0], high[0]) + 0.5 - start[0]
    y = np.arange(low[1], high[1])[:, None] + 0.5 - start[1]
    dx, dy = end - start
    along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
    distance = np.hypot(x - along * dx, y - along * dy)
    # How much of a pixel-wide interval at `distance` lies within half a width of the line.
    covered = np.minimum(distance + 0.5, width / 2) - np.maximum(distance - 0.5, -width / 2)
    window = ink[low[1] : high[1], low[0] : high[0]]
    np.maximum(window, darkness * np.clip(covered, 0, 1), out=window)
