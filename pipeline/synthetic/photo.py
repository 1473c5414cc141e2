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
    sky = (light.open * (0.8 - 0.28 * g.normal[:, 1]))[:, None] * light.sky_colour
    fill = 0.16 * np.clip(g.normal @ (light.key * [-1, 0.3, 1]).astype(np.float32), 0, None)
    skin = g.part != Part.TORSO
    wrap = np.where(skin[:, None], WRAP, 0.0)
    diffuse = np.clip((facing[:, None] + wrap) / (1 + wrap), 0, None) * light.lit[:, None]
    colour = m.colour * (diffuse * light.key_colour + sky + (fill * light.open)[:, None])
    shine = np.clip(g.normal @ light.half, 0, 1)
    gloss = (0.055 * shine**14 + 0.10 * shine**60) * m.gloss * light.lit
    colour = colour + gloss[:, None] * light.key_colour
    hairy = np.flatnonzero(m.hair > 0)
    if len(hairy):
        tress = _tress(parameters, g, m, light, hairy, facing[hairy], sky[hairy])
        colour[hairy] += m.hair[hairy, None] * (tress - colour[hairy])
    return colour


def _tress(
    parameters: Parameters,
    g: Geometry,
    m: Material,
    light: Illumination,
    here: np.ndarray,
    facing: np.ndarray,
    sky: np.ndarray,
) -> np.ndarray:
    """Hair as thin cylinders (Kajiya & Kay 1989, eqs. 14 and 16), tempered by the surface."""
    noise = sample("strand", g.strand[here, 0] * 0.5, g.strand[here, 1] * 0.1)[:, None]
    tangent = g.tangent[here] + 0.14 * noise * g.normal[here]
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    along, half = tangent @ light.key, tangent @ light.half
    wrapped = np.clip((facing + 0.35) / 1.35, 0, 1) * light.lit[here]
    diffuse = (0.25 + 0.75 * np.sqrt(np.clip(1 - along**2, 0, 1))) * wrapped
    glow = np.sqrt(np.clip(1 - half**2, 0, 1))
    smooth = 1 - 0.8 * parameters.hair.curl
    shine = smooth * (0.05 * glow**40 + 0.04 * glow**160) * wrapped * (~g.inner[here])
    albedo = m.colour[here]
    tinted = 0.5 + 0.5 * albedo / np.maximum(albedo.max(1, keepdims=True), 1e-3)
    lit = diffuse[:, None] * light.key_colour + 0.9 * sky
    return albedo * lit * 1.15 + shine[:, None] * tinted * light.key_colour


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
