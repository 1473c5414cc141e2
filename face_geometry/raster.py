"""A z-buffer for triangle meshes."""

from __future__ import annotations

import numpy as np

_SLACK = 1e-7  # pixels; a centre on a shared edge must not fall between two triangles by rounding


def rasterise(vertices: np.ndarray, triangles: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the nearest surface at each pixel centre, by z-buffer.

    The picture is an orthographic view along z, so that z is linear within a triangle: its value
    at a pixel is the mean of the corners' z weighted by the barycentric coordinates.

    Args:
        vertices: (N, 3) float; x and y in pixels, pixel i covers [i, i + 1); smaller z is nearer.
        triangles: (M, 3) int, in either orientation; those without area are skipped.
        size: (width, height).

    Returns:
        (height, width) float64: the smallest z over each pixel's centre, +inf where nothing is.
    """
    width, height = size
    corners = np.asarray(vertices, np.float64)[triangles]  # (M, 3 corners, xyz)
    edges = corners[:, 1:] - corners[:, :1]
    area = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
    corners, edges, area = corners[area != 0], edges[area != 0], area[area != 0]
    (dx, dy, dz), (ex, ey, ez) = edges[:, 0].T, edges[:, 1].T
    slope_x, slope_y = (dz * ey - ez * dy) / area, (dx * ez - ex * dz) / area
    x0, y0, z0 = corners[:, 0].T
    z = corners[..., 2]
    number, y, low, high = _spans(corners[..., :2], width, height)
    # Of each span its triangle's, one by one: large pieces of fresh memory cost more than the rest.
    planes = (slope_x, slope_y, z0 - slope_x * x0, y0, z.min(axis=1), z.max(axis=1))
    slope_x, slope_y, start, y0, least, most = (plane.take(number) for plane in planes)
    start += slope_y * (y + 0.5 - y0)  # z where each span's row crosses x = 0
    count, x = _expanded(low, high)
    z = start.repeat(count) + slope_x.repeat(count) * (x + 0.5)
    # Slivers have steep slopes: what rounding does to them must stay between the corners.
    np.clip(z, least.repeat(count), most.repeat(count), out=z)
    nearest = np.full(width * height, np.inf)
    np.minimum.at(nearest, (y * width).repeat(count) + x, z)
    return nearest.reshape(height, width)


def _spans(
    flat: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of pixel centres in triangles: triangle, row, first and last column, (S,) each.

    A row lies between the edge from the upper corner to the lower, and one of those that meet in
    the middle corner.

    flat: (M, 3, 2) corners. Spans that cover no centre have a last column before the first.
    """
    order = flat[..., 1].argsort(axis=1)
    (ax, ay), (bx, by), (cx, cy) = np.take_along_axis(flat, order[..., None], 1).transpose(1, 2, 0)
    first, last = _centres(ay, cy, height)
    count, y = _expanded(first, last)
    number = np.arange(len(flat)).repeat(count)
    # A level edge has no part in it: it ends on the other two.
    middle = np.where(by == cy, np.inf, np.where(by == ay, -np.inf, by))
    lower = y + 0.5 >= middle.take(number)
    x = _crossing((ax, ay, cx - ax, cy - ay), number, y)
    upper_and_lower = ((ax, bx), (ay, by), (bx - ax, cx - bx), (by - ay, cy - by))
    halves = tuple(np.concatenate(half) for half in upper_and_lower)
    other = _crossing(halves, number + lower * len(flat), y)
    return number, y, *_centres(np.minimum(x, other), np.maximum(x, other), width)


def _crossing(edges: tuple[np.ndarray, ...], number: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return where edges cross the centres of rows `y`.

    edges: start x and y, extent along both. number: of the edge, (S,).
    """
    x0, y0, dx, dy = (values.take(number) for values in edges)
    part = (y + 0.5 - y0) / dy
    crossing: np.ndarray = np.clip(part, 0, 1, out=part)
    crossing *= dx
    crossing += x0
    return crossing


def _centres(low: np.ndarray, high: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and last pixel of [0, limit) whose centre lies between `low` and `high`."""
    first = np.clip(np.ceil(low - 0.5 - _SLACK), 0, limit).astype(int)
    return first, np.clip(np.floor(high - 0.5 + _SLACK), -1, limit - 1).astype(int)


def _expanded(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the length of each range `first` to `last`, and all its whole numbers in turn."""
    count = np.maximum(last - first + 1, 0)
    return count, np.arange(count.sum()) - (count.cumsum() - count - first).repeat(count)
