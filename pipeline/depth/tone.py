"""From distances to depth pictures: which distance becomes which grey."""

from __future__ import annotations

import numpy as np


def toned(z: np.ndarray, nearest: float, farthest: float, surround: float) -> np.ndarray:
    """Depth in [0, 1] of a face and what lies behind it.

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
    toned: np.ndarray = np.clip(depth, 0, 1, out=depth).astype(np.float32, copy=False)
    return toned
