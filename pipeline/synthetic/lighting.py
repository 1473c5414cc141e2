"""Light on surfaces: key, sky and fill, soft shadows and ambient occlusion from the z-buffer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.synthetic.parameters import Light
from pipeline.synthetic.scene import Geometry


@dataclass(frozen=True)
class Illumination:
    """Light that reaches each covered pixel.

    key: (3,), direction to the key light. half: (3,), half-way vector to the viewer. lit: (P,) part
    of the key light that is not shadowed. open: (P,) part of the sky that is not occluded.
    key_colour, sky_colour: (3,) linear.
    """

    key: np.ndarray
    half: np.ndarray
    lit: np.ndarray
    open: np.ndarray
    key_colour: np.ndarray
    sky_colour: np.ndarray


def illuminate(light: Light, geometry: Geometry, scale: float) -> Illumination:
    """Light of a scene; `scale` is the head unit in pixels of the canvas."""
    azimuth, elevation = np.radians([light.azimuth, light.elevation])
    key = np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            -np.sin(elevation),
            np.cos(azimuth) * np.cos(elevation),
        ],
        np.float32,
    )
    half = key + np.array([0, 0, 1], np.float32)
    warm = np.array([1 + light.warmth, 1.0, 1 - light.warmth], np.float32)
    cool = np.array([1 - 0.5 * light.warmth, 1.0, 1 + 0.6 * light.warmth], np.float32)
    shadow, occlusion = _screen_space(geometry, key, scale)
    return Illumination(
        key=key,
        half=half / np.linalg.norm(half),
        lit=1 - shadow,
        open=1 - occlusion,
        key_colour=light.key * warm,
        sky_colour=light.ambient * cool,
    )


def _screen_space(
    geometry: Geometry, key: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Shadow and occlusion in [0, 1] of each covered pixel, found on a coarse z-buffer."""
    side = geometry.side
    small = 192
    unit = scale * small / side
    covered = np.isfinite(geometry.z)
    filled = np.where(covered, geometry.z, -3.0).astype(np.float32)
    z = cv2.resize(filled, (small, small), interpolation=cv2.INTER_AREA)
    shadow = _march(z, key, unit)
    mask = (z > -2.5).astype(np.float32)
    occlusion = np.zeros_like(z)
    for reach, weight in ((0.09, 0.9), (0.3, 0.75)):
        sigma = reach * unit
        around = cv2.GaussianBlur(z * mask, (0, 0), sigma) / (
            cv2.GaussianBlur(mask, (0, 0), sigma) + 1e-3
        )
        occlusion = occlusion + weight * np.clip((around - z) / (2.2 * reach), 0, 0.55)
    both = [
        cv2.resize(field, (side, side), interpolation=cv2.INTER_LINEAR).ravel()[geometry.pixel]
        for field in (shadow, np.clip(occlusion, 0, 0.85))
    ]
    return both[0], both[1]


def _march(z: np.ndarray, key: np.ndarray, unit: float) -> np.ndarray:
    """Soft shadow: walk from each pixel toward the light and see what stands in the way."""
    side = z.shape[0]
    shadow = np.zeros_like(z)
    for distance in (0.05, 0.08, 0.12, 0.17, 0.23, 0.3, 0.4, 0.52, 0.68, 0.9):
        dx, dy = key[0] * distance * unit, key[1] * distance * unit
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        there = cv2.warpAffine(
            z,
            move,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        over = there - (z + key[2] * distance)
        blocked = np.clip((over - 0.015) / (0.03 + 0.12 * distance), 0, 1) * (over < 0.9)
        shadow = np.maximum(shadow, blocked * (1 - 0.35 * distance))
    return cv2.GaussianBlur(shadow, (0, 0), 1.2)
