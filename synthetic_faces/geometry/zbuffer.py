"""A z-buffer: which triangle each pixel sees, in numpy, and what the scene looks like there.

All triangles are cut into horizontal spans at once, and all spans into pixels at once. Of the
candidates for a pixel the nearest is kept. Only covered pixels are visited.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic_faces.geometry.camera import Camera, Lattice
from synthetic_faces.geometry.shapes import stretches

EDGE = np.float32(1e-4)  # pixels by which triangles overlap, so that no seam opens between them
SLIVER = np.float32(0.004)  # twice the area in pixels below which a triangle counts as one point


@dataclass(frozen=True)
class Hits:
    """The visible surface: per covered pixel, its triangle and where in it.

    pixel: (P,) flat index, ascending. triangle: (P,). weight: (P, 3) barycentric. depth: (P,).
    """

    pixel: np.ndarray
    triangle: np.ndarray
    weight: np.ndarray
    depth: np.ndarray


def rasterise(xy: np.ndarray, z: np.ndarray, faces: np.ndarray, side: int) -> Hits:
    """Return the nearest triangle at each pixel centre of a side x side picture.

    xy: (V, 2) in pixels, integers at pixel centres. z: (V,), larger is nearer. faces: (M, 3).
    """
    corner = np.ascontiguousarray(faces.T)
    x, y = (
        np.take(xy[:, 0].astype(np.float32), corner),
        np.take(xy[:, 1].astype(np.float32), corner),
    )
    triangle, row, start, length = _spans(x, y, side)
    plane = _plane(x, y, np.take(z.astype(np.float32), corner))
    # Depth along a span is a straight line.
    across = np.take(plane[1], triangle)
    first = np.take(plane[0], triangle) + across * start.astype(np.float32)
    first += np.take(plane[2], triangle) * row.astype(np.float32)
    span = np.repeat(np.arange(len(length), dtype=np.int32), length)
    before = (np.cumsum(length) - length).astype(np.int32)
    number = np.arange(len(span), dtype=np.int32)
    pixel = np.take(row * side + start - before, span) + number
    depth = np.take(across, span) * (number - np.take(before, span)).astype(np.float32)
    depth += np.take(first, span)
    buffer = np.full(side * side, -np.inf, np.float32)
    np.maximum.at(buffer, pixel, depth)
    best = np.flatnonzero(depth == buffer[pixel])
    owner = np.full(side * side, -1, np.int32)
    owner[pixel[best]] = best
    covered = np.flatnonzero(owner >= 0)
    nearest = owner[covered]
    winner = np.take(triangle, np.take(span, nearest))
    weight = _weights(x, y, winner, covered, side)
    return Hits(covered, winner, weight, depth[nearest])


def _spans(x: np.ndarray, y: np.ndarray, side: int) -> tuple[np.ndarray, ...]:
    """Cut triangles with corners x, y, each (3, M), into horizontal runs of pixels.

    Returns, per run, its triangle, row, first column and number of pixels.
    """
    (x0, x1, x2), (y0, y1, y2) = _by_height(x, y)
    top, bend, end = (np.ceil(np.clip(level, 0, side)).astype(np.int32) for level in (y0, y1, y2))
    end += (end == y2) & (end < side)  # a row through the lowest corner counts
    # Above and below the middle corner: the long edge on one hand, a short one on the other.
    first = np.concatenate([top, bend])
    count = np.concatenate([bend, end]) - first
    long = _slope(x0, y0, x2, y2)
    short = np.concatenate([_slope(x0, y0, x1, y1), _slope(x1, y1, x2, y2)])
    level = first.astype(np.float32)
    many = len(top)
    one = np.concatenate([x0, x0]) + np.concatenate([long, long]) * (
        level - np.concatenate([y0, y0])
    )
    other = np.concatenate([x0, x1]) + short * (level - np.concatenate([y0, y1]))
    part = np.repeat(np.arange(2 * many, dtype=np.int32), count)
    before = (np.cumsum(count) - count).astype(np.int32)
    below = np.arange(len(part), dtype=np.int32) - np.take(before, part)
    triangle = np.where(part < many, part, part - many)
    down = below.astype(np.float32)
    a = np.take(one, part) + np.take(long, triangle) * down
    b = np.take(other, part) + np.take(short, part) * down
    right = np.floor(np.minimum(np.maximum(a, b) + EDGE, side - 1)).astype(np.int32)
    left = np.ceil(np.maximum(np.minimum(a, b) - EDGE, 0)).astype(np.int32)
    length = right - left + 1
    full = np.flatnonzero(length > 0)
    row = np.take(first, part) + below
    return tuple(np.take(values, full) for values in (triangle, row, left, length))


def _by_height(x: np.ndarray, y: np.ndarray) -> tuple[tuple[np.ndarray, ...], ...]:
    """Sort corners (3, M) from the highest to the lowest."""
    (x0, x1, x2), (y0, y1, y2) = x, y
    for _ in range(2):
        down = y0 <= y1
        x0, x1 = np.where(down, x0, x1), np.where(down, x1, x0)
        y0, y1 = np.minimum(y0, y1), np.maximum(y0, y1)
        down = y1 <= y2
        x1, x2 = np.where(down, x1, x2), np.where(down, x2, x1)
        y1, y2 = np.minimum(y1, y2), np.maximum(y1, y2)
    return (x0, x1, x2), (y0, y1, y2)


def _slope(xa: np.ndarray, ya: np.ndarray, xb: np.ndarray, yb: np.ndarray) -> np.ndarray:
    """Return how far an edge moves to the right a row; 0 for a level edge."""
    rise = yb - ya
    return np.where(rise > 1e-6, (xb - xa) / np.maximum(rise, np.float32(1e-6)), np.float32(0))


def _plane(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return constant, x- and y-slope of each triangle's depth; corners each (3, M)."""
    ax, ay, bx, by = x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0]
    az, bz = z[1] - z[0], z[2] - z[0]
    area = ax * by - ay * bx
    inverse = 1 / np.where(np.abs(area) > SLIVER, area, np.float32(np.inf))
    across, down = (az * by - bz * ay) * inverse, (bz * ax - az * bx) * inverse
    return z[0] - across * x[0] - down * y[0], across, down


def _weights(
    x: np.ndarray, y: np.ndarray, winner: np.ndarray, pixel: np.ndarray, side: int
) -> np.ndarray:
    """Return barycentric weights (P, 3) of pixels in their triangles."""
    row, column = np.divmod(pixel.astype(np.int32), np.int32(side))
    ax, ay, bx, by = x[1] - x[0], y[1] - y[0], x[2] - x[0], y[2] - y[0]
    area = ax * by - ay * bx
    inverse = 1 / np.where(np.abs(area) > SLIVER, area, np.float32(np.inf))
    table = np.stack([x[0], y[0], ax * inverse, ay * inverse, bx * inverse, by * inverse], axis=1)
    x0, y0, ax, ay, bx, by = np.ascontiguousarray(np.take(table, winner, axis=0).T)
    px, py = column.astype(np.float32) - x0, row.astype(np.float32) - y0
    weight = np.empty((len(pixel), 3), np.float32)
    second, third = px * by - py * bx, ax * py - ay * px
    weight[:, 0], weight[:, 1], weight[:, 2] = 1 - second - third, second, third
    return weight


@dataclass(frozen=True)
class Geometry:
    """What each covered pixel of a canvas shows. P covered pixels, in scan order; side: its side.

    pixel: (P,) flat index. part: (P,) `Part`. depth: (P,) world z. normal, tangent: (P, 3) in the
    world, tangent along hair. plane: (P, 2) coordinates on the part. strand: (P, 2). hair: (P,).
    inner: (P,) bool, the inside of an open surface. z: (side, side) world z, -inf for nothing.
    """

    lattice: Lattice
    pixel: np.ndarray
    part: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    tangent: np.ndarray
    plane: np.ndarray
    strand: np.ndarray
    hair: np.ndarray
    inner: np.ndarray
    z: np.ndarray

    @property
    def side(self) -> int:
        """Side of the canvas."""
        return self.lattice.side

    def cells(self, points: np.ndarray) -> np.ndarray:
        """Convert picture points (..., 2) in widths to canvas coordinates, integers at samples."""
        return self.lattice.cells(points)

    def map(self, values: np.ndarray, empty: float = 0.0) -> np.ndarray:
        """Spread per-pixel values (P, ...) over the canvas (side, side, ...)."""
        full = np.full((self.side * self.side, *values.shape[1:]), empty, values.dtype)
        full[self.pixel] = values
        return full.reshape(self.side, self.side, *values.shape[1:])


def visible(
    camera: Camera, geometry: Geometry, world: np.ndarray, reach: float = 0.05
) -> list[np.ndarray]:
    """Return the visible parts of a world line (N, 3), in canvas pixels.

    reach: how far, in head units, something may lie before the line without hiding it.
    """
    at = geometry.cells(camera.project(world))
    cell = np.round(at).astype(int)
    inside = ((cell >= 0) & (cell < geometry.side)).all(1)
    cell = np.clip(cell, 0, geometry.side - 1)
    is_visible = inside & (world[:, 2] > geometry.z[cell[:, 1], cell[:, 0]] - reach)
    return stretches(at, is_visible)
