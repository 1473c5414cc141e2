"""Errors of landmarks and depth against exact ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from face_geometry.ibug import CHAINS

OUTER_EYES = (36, 45)
POSES = ((0.0, 10.0), (10.0, 20.0), (20.0, 30.0), (30.0, 90.0))
"""Bins of the head's turn to either side, in degrees."""


def landmark_error(detected: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return the distance of each landmark from the exact one, in exact outer-eye distances.

    The normalisation of 300-W (Sagonas et al. 2016).

    Args:
        detected: (68, 2) pixels.
        exact: (68, 2) pixels.

    Returns:
        (68,) float.
    """
    right, left = exact[list(OUTER_EYES)]
    return np.linalg.norm(detected - exact, axis=1) / np.linalg.norm(left - right)


@dataclass(frozen=True)
class PoseErrors:
    """The landmark errors of faces that are turned by `low` to `high` degrees.

    offered, detected: numbers of faces. mean, worst: over the detected ones, and the 95th
    percentile of their means; NaN where none is. parts: mean by chain of landmarks.
    """

    low: float
    high: float
    offered: int
    detected: int
    mean: float
    worst: float
    parts: Mapping[str, float]


def by_pose(turns: Sequence[float], errors: Sequence[np.ndarray | None]) -> list[PoseErrors]:
    """Group landmark errors by how far the head is turned.

    Args:
        turns: of each face, degrees to either side.
        errors: of each face, (68,), or None without a detection.
    """
    rows = []
    for low, high in POSES:
        chosen = [e for turn, e in zip(turns, errors, strict=True) if low <= abs(turn) < high]
        known = np.array([e for e in chosen if e is not None]).reshape(-1, 68)
        means = known.mean(axis=1)
        parts = {
            name: float(known[:, first : last + 1].mean()) if len(known) else np.nan
            for name, (first, last, _) in CHAINS.items()
        }
        mean, worst = np.nan, np.nan
        if len(known):
            mean, worst = float(means.mean()), float(np.percentile(means, 95))
        rows.append(PoseErrors(low, high, len(chosen), len(known), mean, worst, parts))
    return rows


def depth_error(depth: np.ndarray, exact: np.ndarray, face: np.ndarray) -> float:
    """Return the root mean square error of depth within a face, whatever its scale and shift.

    The scale and shift that fit best in least squares are taken away (Ranftl et al. 2022,
    section 5), and the rest is divided by the exact depth's standard deviation there: 0 is exact,
    1 as good as a flat picture.

    Args:
        depth: (H, W) float.
        exact: (H, W) float.
        face: (H, W) bool, where to compare.

    Raises:
        ValueError: if the exact depth does not vary there.
    """
    x, y = depth[face].astype(np.float64), exact[face].astype(np.float64)
    if not len(y) or y.std() == 0:
        raise ValueError("the exact depth is the same all over the face")
    x, y = x - x.mean(), y - y.mean()
    scale = (x @ y) / max(x @ x, 1e-12)
    return float(np.sqrt(((scale * x - y) ** 2).mean()) / y.std())
