"""Dark antialiased lines on white paper, at any width."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from sketchface_models.drawing_conventions import PAPER, REFERENCE_SIZE

CONTOUR_WIDTH = 2.0
"""Width of a contour's lines, in pixels on a picture of side `REFERENCE_SIZE`
(Cheng et al. 2022, section 4.2).

What code without a configuration draws with: the built-in edit sets and `draw_contour` alone. The
`contours` stage takes `contours.width` (conf/config.yaml), whose value is the same. The moved
contours of `augment` and of training are drawn by that stage and only moved."""
_AT_ONCE = 512  # segments
_CUTS = slice(None, -1), slice(1, None)


def draw_lines(
    lines: Iterable[np.ndarray],
    size: int,
    width_at_512: float = CONTOUR_WIDTH,
    darkness: Sequence[float] = (),
) -> np.ndarray:
    """Draw antialiased polylines on white paper. OpenCV's have whole widths only, one pixel off.

    Args:
        lines: each (N, 2) float, pixels, N >= 2.
        size: side of the picture in pixels.
        width_at_512: line width in pixels on a picture of side 512.
        darkness: of each line in [0, 1], 1 by default.

    Returns:
        (size, size) uint8.
    """
    width = width_at_512 * size / REFERENCE_SIZE
    ink = np.zeros(size * size)
    picture = np.full(size * size, PAPER, np.uint8)
    arrays = [np.asarray(line, float) for line in lines]
    if arrays:
        starts, ends = (np.concatenate([line[cut] for line in arrays]) for cut in _CUTS)
        dark = np.ones(len(arrays)) if not len(darkness) else np.asarray(darkness, float)
        dark = np.repeat(dark, [len(line) - 1 for line in arrays])
        for first in range(0, len(starts), _AT_ONCE):
            part = slice(first, first + _AT_ONCE)
            pixel, covers = _covered(size, starts[part], ends[part], width, dark[part])
            np.maximum.at(ink, pixel, covers)
            picture[pixel] = np.rint(PAPER * (1 - ink[pixel]))
    return picture.reshape(size, size)


def _covered(
    size: int, start: np.ndarray, end: np.ndarray, width: float, darkness: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels that straight lines with round ends cover, and the ink of each there.

    start, end: (S, 2); darkness: (S,). Looked at are, row by row, the pixels about each line.

    Returns:
        (P,) numbers of pixels, which may come several times, and ink in [0, 1].
    """
    reach = width / 2 + 1
    (ax, ay), (dx, dy) = start.T, (end - start).T
    length = np.maximum(dx * dx + dy * dy, 1e-12)
    top = np.clip(np.floor(np.minimum(ay, ay + dy) - reach), 0, size).astype(int)
    bottom = np.clip(np.ceil(np.maximum(ay, ay + dy) + reach), 0, size).astype(int)
    line, row = _ranges(top, bottom)
    lines = np.stack([ax, ay, dx, dy, length, darkness])
    ax, ay, dx, dy = lines[:4].take(line, axis=1)
    # The part of the line that is no more than `reach` above or below the row.
    y = row + 0.5 - ay
    level = np.abs(dy) < 1e-9
    rise = np.where(level, 1.0, dy)
    one, other = (np.clip((y + side) / rise, 0, 1) for side in (-reach, reach))
    one, other = np.where(level, 0.0, one) * dx, np.where(level, 1.0, other) * dx
    left = np.clip(np.floor(ax + np.minimum(one, other) - reach), 0, size).astype(int)
    right = np.clip(np.ceil(ax + np.maximum(one, other) + reach), 0, size).astype(int)
    span, column = _ranges(left, right)
    pixel = (row * size).take(span) + column
    ax, ay, dx, dy, length, darkness = lines.take(line.take(span), axis=1)
    x, y = column + 0.5 - ax, y.take(span)
    along = np.clip((x * dx + y * dy) / length, 0, 1)
    distance = np.hypot(x - along * dx, y - along * dy)
    # How much of a pixel-wide interval at `distance` lies within half a width of the line.
    covered = np.minimum(distance + 0.5, width / 2) - np.maximum(distance - 0.5, -width / 2)
    return pixel, darkness * np.clip(covered, 0, 1)


def _ranges(first: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return every whole number of each range [first, stop), after the range's index."""
    count = np.maximum(stop - first, 0)
    number = np.arange(len(count)).repeat(count)
    return number, np.arange(len(number)) - (count.cumsum() - count - first).repeat(count)
