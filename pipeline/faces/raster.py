"""A z-buffer for triangle meshes, and the triangles of MediaPipe's face mesh."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict

import numpy as np

from pipeline.faces.detector import import_remedy
from sketchface_models.errors import SketchFaceError

# Lids and lips: rings of vertices around holes in the tessellation, each from one corner round to
# the other along the upper edge and back along the lower.
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382)
INNER_LIP = (
    *(78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    *(324, 318, 402, 317, 14, 87, 178, 88, 95),
)


def rasterise(vertices: np.ndarray, triangles: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest surface at each pixel centre, by z-buffer.

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
    flat, z = corners[..., :2], corners[..., 2]
    area = _cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0])
    flat, z, area = flat[area != 0], z[area != 0], area[area != 0]
    number, x, y = _candidates(flat, width, height)
    # Corners as seen from the pixel's centre: (K, 3, 2), one row for each triangle and pixel.
    a, b, c = np.moveaxis(flat[number] - np.stack([x, y], axis=1)[:, None] - 0.5, 1, 0)
    weight = np.stack([_cross(b, c), _cross(c, a), _cross(a, b)]) / area[number]
    # A centre on a shared edge must not fall between the two triangles by rounding.
    inside = weight.min(axis=0) >= -1e-9
    depth = (weight[:, inside] * z[number[inside]].T).sum(axis=0)
    nearest = np.full(width * height, np.inf)
    np.minimum.at(nearest, (y * width + x)[inside], depth)
    return nearest.reshape(height, width)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _candidates(
    flat: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pixel in the bounding box of each triangle: triangle's number, x and y, (K,) each."""
    limit = np.array([width, height])
    low = np.clip(np.floor(flat.min(axis=1)), 0, limit).astype(int)
    high = np.clip(np.ceil(flat.max(axis=1)), 0, limit).astype(int)
    columns, rows = (high - low).T
    count = columns * rows
    number = np.repeat(np.arange(len(flat)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    x = low[number, 0] + within % columns[number]
    y = low[number, 1] + within // columns[number]
    return number, x, y


@functools.cache
def face_triangles() -> np.ndarray:
    """The triangles of the 468-vertex face mesh, eyes and mouth closed: (898, 3) int.

    MediaPipe publishes the tessellation as a set of edges. Every three that join three vertices
    are a triangle, but for the two rings around a nostril, whose edges have two triangles already.

    Raises:
        SketchFaceError: if mediapipe cannot be imported.
    """
    try:
        from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION
    except ImportError as error:
        raise SketchFaceError(import_remedy(error)) from None

    neighbours: dict[int, set[int]] = defaultdict(set)
    for a, b in FACEMESH_TESSELATION:
        neighbours[a].add(b)
        neighbours[b].add(a)
    rings = {
        (a, b, c)
        for a in neighbours
        for b in neighbours[a]
        for c in neighbours[a] & neighbours[b]
        if a < b < c
    }
    faces_at = Counter(edge for ring in rings for edge in _edges(ring))
    triangles = {ring for ring in rings if any(faces_at[edge] < 3 for edge in _edges(ring))}
    closed = [piece for hole in (RIGHT_EYE, LEFT_EYE, INNER_LIP) for piece in _close(hole)]
    return np.array(sorted(triangles) + closed)


def _edges(ring: tuple[int, int, int]) -> tuple[tuple[int, int], ...]:
    a, b, c = ring
    return (a, b), (b, c), (a, c)


def _close(hole: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """A strip of triangles across a ring, from its upper edge to its lower."""
    half = len(hole) // 2
    upper, lower = hole[: half + 1], (hole[0], *hole[: half - 1 : -1])
    strip = []
    for i in range(half):
        strip.append((upper[i], upper[i + 1], lower[i + 1]))
        strip.append((upper[i], lower[i], lower[i + 1]))
    return [corners for corners in strip if len(set(corners)) == 3]
