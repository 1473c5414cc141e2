"""Depth of a face from its mesh (z-buffered, nearest bright, on black), and from any z."""

from __future__ import annotations

import numpy as np

from face_geometry.raster import rasterise
from pipeline.depth.surround import add_surroundings
from pipeline.landmarks.face_mesh import VERTICES
from pipeline.landmarks.mesh_topology import face_triangles


def mesh_depth(
    mesh: np.ndarray, size: int, surround: float = 0.0, normalise: str = "face"
) -> np.ndarray:
    """Draw the depth map of a face.

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
        z = add_surroundings(surface, z)
    if normalise == "picture":
        visible = z[np.isfinite(z)]
        nearest, farthest = visible.min(initial=nearest), visible.max(initial=farthest)
        surround = 0.0
    return to_depth(z, nearest, farthest, surround)


def to_depth(z: np.ndarray, nearest: float, farthest: float, surround: float) -> np.ndarray:
    """Map z of a face and what lies behind it to depth in [0, 1].

    The face is stretched over its own range, as 3DDFA_V2 does; with `surround` 0 this is its depth
    picture. Otherwise the range's far end is `surround`, and from there depth falls towards 0, at
    first with the same slope: what lies behind the face is darker, but not gone.

    Args:
        z: (H, W) float, in any unit, smaller is nearer; +inf where there is nothing.
        nearest: z of the face's nearest point, which becomes 1.
        farthest: z of its farthest.
        surround: in [0, 1).

    Returns:
        (H, W) float32; 0 where there is nothing.
    """
    # 0 at the nearest point of the face, 1 at its farthest, more behind it.
    # In place: at these sizes fresh memory costs more than what is done with it.
    away = z - nearest
    away /= max(farthest - nearest, 1e-9)
    slope = 1 - surround
    depth = slope * away
    np.subtract(1, depth, out=depth)
    if surround:
        beyond = away > 1
        behind = np.maximum(np.subtract(away, 1, out=away), 0, out=away)
        behind *= slope
        behind += surround
        np.copyto(depth, np.divide(surround**2, behind, out=behind), where=beyond)
    clipped: np.ndarray = np.clip(depth, 0, 1, out=depth).astype(np.float32, copy=False)
    return clipped
