"""The photograph: materials under light before a backdrop."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.synthetic.lighting import Illumination
from pipeline.synthetic.materials import Material, linear
from pipeline.synthetic.mesh import Part
from pipeline.synthetic.noise import sample
from pipeline.synthetic.parameters import Parameters
from pipeline.synthetic.scene import Geometry

WRAP = np.array([0.30, 0.16, 0.12], np.float32)  # light bleeds through skin, red the farthest


def shade(parameters: Parameters, g: Geometry, m: Material, light: Illumination) -> np.ndarray:
    """Linear colour (P, 3) of every covered pixel."""
    facing = g.normal @ light.key
    sky = light.open * (0.8 - 0.28 * g.normal[:, 1])
    back = (light.key * [-1, 0.3, 1]).astype(np.float32)
    fill = 0.16 * np.clip(g.normal @ back, 0, None) * light.open
    soft = (g.part != Part.TORSO).astype(np.float32)
    shine = np.clip(g.normal @ light.half, 0, 1)
    shine2 = shine * shine
    sharp = shine2**7  # shine**14
    gloss = (0.055 * sharp + 0.10 * sharp**4) * m.gloss * light.lit
    hairy = np.flatnonzero(m.hair > 0)
    tress = _tress(parameters, g, m, light, hairy, facing[hairy], sky[hairy])
    share = m.hair[hairy]
    colour = np.empty_like(m.colour)
    # Channel by channel: numpy is slow over an axis of three.
    for c in range(3):
        wrap = WRAP[c] * soft
        diffuse = np.clip((facing + wrap) / (1 + wrap), 0, None) * light.lit
        lit = diffuse * light.key_colour[c] + sky * light.sky_colour[c] + fill
        channel = m.colour[:, c] * lit + gloss * light.key_colour[c]
        channel[hairy] += share * (tress[c] - channel[hairy])
        colour[:, c] = channel
    return colour


def _tress(
    parameters: Parameters,
    g: Geometry,
    m: Material,
    light: Illumination,
    here: np.ndarray,
    facing: np.ndarray,
    sky: np.ndarray,
) -> list[np.ndarray]:
    """Three channels of hair: thin cylinders (Kajiya & Kay 1989, eqs. 14 and 16) on a surface."""
    noise = sample("strand", g.strand[here, 0] * 0.5, g.strand[here, 1] * 0.1)
    # The tangent, tilted by noise; only its products with two directions are needed.
    tangent, normal = g.tangent[here], g.normal[here]
    along = tangent @ light.key + 0.14 * noise * (normal @ light.key)
    half = tangent @ light.half + 0.14 * noise * (normal @ light.half)
    wrapped = np.clip((facing + 0.35) / 1.35, 0, 1) * light.lit[here]
    diffuse = (0.25 + 0.75 * np.sqrt(np.clip(1 - along**2, 0, 1))) * wrapped
    glow = np.clip(1 - half**2, 0, 1) ** 20
    smooth = 1 - 0.8 * parameters.hair.curl
    shine = smooth * (0.05 * glow + 0.04 * glow**4) * wrapped * (~g.inner[here])
    albedo = m.colour[here].T
    brightest = np.maximum(albedo.max(0), 1e-3)
    return [
        1.15 * albedo[c] * (diffuse * light.key_colour[c] + 0.9 * sky * light.sky_colour[c])
        + shine * (0.5 + 0.5 * albedo[c] / brightest) * light.key_colour[c]
        for c in range(3)
    ]


def backdrop(parameters: Parameters, side: int) -> np.ndarray:
    """(side, side, 3) linear: a wall lit unevenly, out of focus."""
    light = parameters.light
    small = 48
    y, x = np.mgrid[0:small, 0:small].astype(np.float32) / small
    angle = 2 * np.pi * light.backdrop
    ramp = 0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    cloud = 0.16 * sample("cloud", x * 0.2 + light.backdrop, y * 0.2 + 0.37 * light.backdrop)
    mix = np.clip(ramp + cloud, 0, 1)[..., None]
    field = (1 - mix) * linear(light.background) + mix * linear(light.background_far)
    field *= 1 - 0.35 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)[..., None]
    field = cv2.GaussianBlur(field.astype(np.float32), (0, 0), 2.0)
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)


def develop(canvas: np.ndarray, size: int, grain: np.ndarray) -> np.ndarray:
    """Linear canvas (S, S, 3) -> (size, size, 3) uint8: reduce, soft shoulder, gamma, grain."""
    reduced = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    reduced = np.maximum(reduced, 0) * 1.08
    # Highlights roll off instead of clipping.
    toned = np.where(reduced < 0.6, reduced, 0.6 + 0.4 * (1 - np.exp(-(reduced - 0.6) / 0.4)))
    encoded = 255 * toned ** np.float32(1 / 2.2) + grain
    return np.clip(np.round(encoded), 0, 255).astype(np.uint8)
