"""Beard and moustache: where they grow, and their hair painted over the skin."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure.anatomy import Anatomy
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.looks.face_texture import (
    TEXELS_ACROSS,
    TEXELS_DOWN,
    FaceTexture,
    enlarged,
    plane,
)
from synthetic_faces.randomness import noise_at, noise_patch


def beard_mask(anatomy: Anatomy, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return where a beard grows, in [0, 1]: sideburns, jaw, chin, cheek below the lips."""
    side = np.abs(x)
    edge = np.interp(
        side,
        [0, 0.1, 0.34, 0.45, 0.62, 0.78, 0.88, 1.1],
        [0.36, 0.27, 0.26, 0.1, 0.0, -0.22, -0.6, -0.8],
    )
    cheek = smoothstep(-0.05, 0.07, y - anatomy.y_mouth - edge)
    soul = 0.9 * np.exp(-((x / 0.06) ** 4)) * smoothstep(0.16, 0.24, y - anatomy.y_mouth)
    corner = np.exp(-(((side - 0.47) / 0.08) ** 2)) * smoothstep(-0.1, 0.06, y - anatomy.y_mouth)
    return np.clip(np.maximum(np.maximum(cheek, soul), corner), 0, 1)


def moustache_mask(anatomy: Anatomy, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return where a moustache grows, in [0, 1]: from nose to upper lip, past the corners."""
    lips = anatomy.lips
    side = np.abs(x)
    low = np.interp(side, lips.upper_outer[20:, 0], lips.upper_outer[20:, 1]) + 0.012
    low = low + smoothstep(0.36, 0.46, side) * 0.1
    high = anatomy.y_nose + 0.035 + 0.28 * side**1.3 + smoothstep(0.3, 0.46, side) * 0.02
    band = smoothstep(0, 0.035, y - high) * smoothstep(0, -0.03, y - low)
    return band * smoothstep(0.5, 0.42, side)


def paint(texture: FaceTexture, anatomy: Anatomy) -> None:
    """Paint beard and moustache over the skin; colour and gloss change, labels do not."""
    hair = anatomy.parameters.hair
    if hair.beard <= 0 and hair.moustache <= 0:
        return
    x, y = plane()
    rough = x[::3, ::3], y[::3, ::3]
    mask = hair.beard * beard_mask(anatomy, *rough)
    mask = np.maximum(mask, hair.moustache * moustache_mask(anatomy, *rough))
    mask = enlarged(mask.astype(np.float32))
    strands = noise_at("strand", x * 0.75 + 0.02 * np.sin(9 * y), y * 0.5)
    if max(hair.beard, hair.moustache) > 0.6:
        density = 0.85 + 0.25 * strands
    else:
        density = 0.55 + 0.3 * np.clip(
            1 + noise_patch("fine", (TEXELS_DOWN, TEXELS_ACROSS), np.zeros(2)), 0, 2
        )
    alpha = np.clip(mask * density, 0, 0.96)
    grey = np.array([176, 172, 168], np.float32)
    colour = (1 - 0.7 * hair.grey) * np.array(hair.colour, np.float32) + 0.7 * hair.grey * grey
    shade = (0.95 + 0.15 * strands[..., None]) * colour
    texture.colour += alpha[..., None] * (shade - texture.colour)
    texture.gloss *= 1 - 0.8 * alpha
