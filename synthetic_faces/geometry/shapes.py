"""Smooth curves through a few points, stretches of paths, and anti-aliased shapes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

SUBPIXEL_BITS = 4  # cv2 takes sixteenths of a pixel


def pchip(knots: np.ndarray, values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Interpolate with a monotone cubic (Fritsch and Butland 1984), which never overshoots.

    Unlike SciPy's, the slope at each end is that of the outermost chord.

    knots: (K,) ascending. values: (K,) or (K, C). x: (N,). Returns (N,) or (N, C).
    """
    values = np.asarray(values, float)
    flat = values.ndim == 1
    values = values[:, None] if flat else values
    step = np.diff(knots)[:, None]
    slope = np.diff(values, axis=0) / step
    tangent = np.zeros_like(values)
    left, right = slope[:-1], slope[1:]
    weight_left, weight_right = 2 * step[1:] + step[:-1], step[1:] + 2 * step[:-1]
    same_sign = left * right > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        harmonic = (weight_left + weight_right) / (weight_left / left + weight_right / right)
    tangent[1:-1] = np.where(same_sign, harmonic, 0.0)
    tangent[0], tangent[-1] = slope[0], slope[-1]
    i = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
    h = step[i]
    t = ((np.clip(x, knots[0], knots[-1]) - knots[i])[:, None]) / h
    result = (
        (1 + 2 * t) * (1 - t) ** 2 * values[i]
        + t * (1 - t) ** 2 * h * tangent[i]
        + t**2 * (3 - 2 * t) * values[i + 1]
        + t**2 * (t - 1) * h * tangent[i + 1]
    )
    return result[:, 0] if flat else result


def spline(points: np.ndarray, count: int) -> np.ndarray:
    """Sample a Catmull-Rom curve through points (K, D): (count, D)."""
    points = np.asarray(points, float)
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    position = np.linspace(0, len(points) - 1, count)
    i = np.minimum(position.astype(int), len(points) - 2)
    t = (position - i)[:, None]
    a, b, c, d = (padded[i + k] for k in range(4))
    return 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )


def stretches(points: np.ndarray, keep: np.ndarray, least: int = 2) -> list[np.ndarray]:
    """Return the runs of a path (N, D) where `keep` (N,) holds, of at least `least` points each."""
    cuts = np.flatnonzero(np.diff(keep.astype(np.int8))) + 1
    runs = zip(np.split(points, cuts), np.split(keep, cuts), strict=True)
    return [run for run, kept in runs if kept[0] and len(run) >= least]


def smoothstep(low: float | np.ndarray, high: float | np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return 0 below `low`, 1 above `high` and a cubic between; `low` may exceed `high`."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.round(np.asarray(points) * 2**SUBPIXEL_BITS).astype(np.int32)


def fill(canvas: np.ndarray, outlines: Sequence[np.ndarray], value: float) -> None:
    """Fill closed outlines, each (N, 2), with a value."""
    cv2.fillPoly(canvas, [_fixed(o) for o in outlines], (value,), cv2.LINE_AA, SUBPIXEL_BITS)


def lines(
    canvas: np.ndarray, paths: Sequence[np.ndarray] | np.ndarray, width: int, value: float
) -> None:
    """Draw open paths, each (N, 2), or together (M, N, 2), of a whole width in pixels."""
    fixed = list(_fixed(paths)) if isinstance(paths, np.ndarray) else [_fixed(p) for p in paths]
    cv2.polylines(canvas, fixed, False, (value,), width, cv2.LINE_AA, SUBPIXEL_BITS)


def disc(canvas: np.ndarray, centre: np.ndarray, radius: float, value: float) -> None:
    """Fill a disc."""
    x, y = (int(v) for v in _fixed(centre))
    cv2.circle(
        canvas, (x, y), round(radius * 2**SUBPIXEL_BITS), (value,), -1, cv2.LINE_AA, SUBPIXEL_BITS
    )
