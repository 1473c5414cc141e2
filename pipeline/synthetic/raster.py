"""A z-buffer rasteriser for small triangles, in numpy.

All triangles with boxes of similar size are tested at once against every pixel of such a box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
    """Nearest triangle at each pixel centre of a side x side picture.

    xy: (V, 2) in pixels, integers at pixel centres. z: (V,), larger is nearer. faces: (M, 3).
    """
    corner = xy[faces].astype(np.float32)
    a, b, c = corner[:, 0], corner[:, 1], corner[:, 2]
    low = np.ceil(np.clip(np.minimum(np.minimum(a, b), c), 0, side)).astype(np.int32)
    high = np.floor(np.clip(np.maximum(np.maximum(a, b), c), -1, side - 1)).astype(np.int32)
    box = high - low + 1
    extent, reach = np.minimum(box[:, 0], box[:, 1]), np.maximum(box[:, 0], box[:, 1])
    z_face = z[faces].astype(np.float32)
    parts, lower = [], 0
    for upper in (1, 2, 3, 4, 6, 9, 16, 40, 120, side):
        chosen = np.flatnonzero((extent > 0) & (reach > lower) & (reach <= upper))
        lower = upper
        if len(chosen):
            parts.append(_cover(corner[chosen], z_face[chosen], low[chosen], upper, side, chosen))
    pixel, triangle, weight, depth = (np.concatenate(part) for part in zip(*parts))
    buffer = np.full(side * side, -np.inf, np.float32)
    np.maximum.at(buffer, pixel, depth)
    best = np.flatnonzero(depth == buffer[pixel])
    owner = np.full(side * side, -1, np.int64)
    owner[pixel[best]] = best
    kept = owner[owner >= 0]
    return Hits(pixel[kept], triangle[kept], weight[kept], depth[kept])


def _cover(
    corner: np.ndarray, z: np.ndarray, low: np.ndarray, box: int, side: int, number: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All (pixel, triangle, weights, depth) of triangles whose boxes are at most `box` wide."""
    step = np.arange(box, dtype=np.float32)
    origin = low.astype(np.float32)
    ax, ay = corner[:, 0, 0] - origin[:, 0], corner[:, 0, 1] - origin[:, 1]
    bx, by = corner[:, 1, 0] - origin[:, 0], corner[:, 1, 1] - origin[:, 1]
    cx, cy = corner[:, 2, 0] - origin[:, 0], corner[:, 2, 1] - origin[:, 1]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    inverse = np.where(np.abs(area) > 1e-9, 1 / np.where(area == 0, 1, area), 0)
    # Barycentric weights are affine in x and y.
    first = _plane(bx, by, cx, cy, inverse, step)
    second = _plane(cx, cy, ax, ay, inverse, step)
    third = 1 - first - second
    inside = (first >= -1e-5) & (second >= -1e-5) & (third >= -1e-5) & (inverse != 0)[:, None, None]
    which, row, column = np.nonzero(inside)
    x, y = low[which, 0] + column, low[which, 1] + row
    seen = (x < side) & (y < side)
    which, row, column, x, y = which[seen], row[seen], column[seen], x[seen], y[seen]
    weight = np.stack([w[which, row, column] for w in (first, second, third)], axis=1)
    depth = np.einsum("pk,pk->p", weight, z[which])
    return y.astype(np.int64) * side + x, number[which], weight, depth


def _plane(
    px: np.ndarray,
    py: np.ndarray,
    qx: np.ndarray,
    qy: np.ndarray,
    inverse: np.ndarray,
    step: np.ndarray,
) -> np.ndarray:
    """Weight of the corner opposite edge p-q over a box: (M, box, box)."""
    dx, dy = -(qy - py) * inverse, (qx - px) * inverse
    constant = (px * qy - py * qx) * inverse
    across = dx[:, None] * step
    down = dy[:, None] * step + constant[:, None]
    return down[:, :, None] + across[:, None, :]
