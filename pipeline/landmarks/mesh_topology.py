"""The vertices of MediaPipe's face mesh: its triangles, and the rings around its parts."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict

import numpy as np

from pipeline.landmarks.face_mesh import import_remedy
from sketchface_models.errors import SketchFaceError

# Lids and lips: rings of vertices around holes in the tessellation, each from one corner round to
# the other along the upper edge and back along the lower.
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382)
INNER_LIP = (
    *(78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    *(324, 318, 402, 317, 14, 87, 178, 88, 95),
)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
NOSE = (
    *(168, 122, 174, 198, 49, 48, 64, 98, 97, 2),
    *(326, 327, 294, 278, 279, 420, 399, 351),
)
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (336, 296, 334, 293, 300, 276, 283, 282, 295, 285)
UPPER_LIP = (
    *(61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    *INNER_LIP[10::-1],
)
LOWER_LIP = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    *INNER_LIP[10:],
    INNER_LIP[0],
)


@functools.cache
def face_triangles() -> np.ndarray:
    """Return the triangles of the 468-vertex face mesh, eyes and mouth closed: (898, 3) int.

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
