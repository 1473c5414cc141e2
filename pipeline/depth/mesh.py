"""Depth of a face from its mesh: z-buffered, nearest bright, on black."""

from __future__ import annotations

import numpy as np

from face_geometry.raster import face_triangles, rasterise
from pipeline.depth.surround import behind
from pipeline.depth.tone import toned
from pipeline.landmarks.detector import VERTICES


def mesh_depth(
    mesh: np.ndarray, size: int, surround: float = 0.0, normalise: str = "face"
) -> np.ndarray:
    """Depth map of a face.

    Args:
        mesh: (468 or 478, 3) float, pixels, smaller z is nearer.
        size: side of the picture in pixels.
        surround: depth, in [0, 1), of the face's far end, behind which hair, neck and shoulders
            lie; 0 draws the face alone.
        normalise: face: 1 at the face's nearest vertex and `surround` at its farthest, as 3DDFA_V2
            does with 0. picture: 1 at the nearest point and 0 at the farthest of all that is drawn.

    Returns:
        (size, size) float32 in [0, 1]: 0 in the background.
    """
    surface = mesh[:VERTICES].astype(np.float64)
    z = rasterise(surface, face_triangles(), (size, size))
    nearest, farthest = surface[:, 2].min(), surface[:, 2].max()
    if surround:
        z = behind(surface, z)
    if normalise == "picture":
        drawn = z[np.isfinite(z)]
        nearest, farthest = drawn.min(initial=nearest), drawn.max(initial=farthest)
        surround = 0.0
    return toned(z, nearest, farthest, surround)
