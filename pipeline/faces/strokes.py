"""Dark antialiased lines on white paper, at any width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sketchface_models.augment import PAPER, REFERENCE_SIZE

_AT_ONCE = 512  # segments
_CUTS = slice(None, -1), slice(1, None)


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
    drawn = [np.asarray(line, float) for line in lines]
    if drawn:
        starts, ends = (np.concatenate([line[cut] for line in drawn]) for cut in _CUTS)
        dark = np.ones(len(drawn)) if not len(darkness) else np.asarray(darkness, float)
        dark = np.repeat(dark, [len(line) - 1 for line in drawn])
        for first in range(0, len(starts), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            _add_segments(ink, starts[part], ends[part], width, dark[part])
    return np.round(PAPER * (1 - ink)).astype(np.uint8)


def _add_segments(
    ink: np.ndarray, start: np.ndarray, end: np.ndarray, width: float, darkness: np.ndarray
) -> None:
    """Darken `ink` (H, W, in [0, 1]) where straight lines with round ends cover it.

    start, end: (S, 2); darkness: (S,). Looked at is every pixel in the box around each line.
    """
    reach = width / 2 + 1
    size = np.array(ink.shape[::-1])
    low = np.clip(np.floor(np.minimum(start, end) - reach), 0, size).astype(int)
    high = np.clip(np.ceil(np.maximum(start, end) + reach), 0, size).astype(int)
    columns, rows = (high - low).T
    count = columns * rows
    number = np.repeat(np.arange(len(count)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    column = low[number, 0] + within % columns[number]
    row = low[number, 1] + within // columns[number]
    x, y = column + 0.5 - start[number, 0], row + 0.5 - start[number, 1]
    dx, dy = (end - start).T
    length = np.maximum(dx * dx + dy * dy, 1e-12)
    dx, dy = dx[number], dy[number]
    along = np.clip((x * dx + y * dy) / length[number], 0, 1)
    distance = np.hypot(x - along * dx, y - along * dy)
    # How much of a pixel-wide interval at `distance` lies within half a width of the line.
    covered = np.minimum(distance + 0.5, width / 2) - np.maximum(distance - 0.5, -width / 2)
    covers = darkness[number] * np.clip(covered, 0, 1)
    np.maximum.at(ink.reshape(-1), row * ink.shape[1] + column, covers)
