"""Painting the mouth: lips, and between them teeth and tongue."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure.anatomy import Anatomy
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.looks.face_texture import FaceTexture, Window
from synthetic_faces.randomness import noise_patch

TEETH = (226, 217, 203)


def paint(texture: FaceTexture, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Paint the whole mouth, colour and label."""
    p, lips = anatomy.parameters, anatomy.lips
    upper = np.vstack([lips.upper_outer, lips.upper_inner[::-1]])
    lower = np.vstack([lips.lower_inner, lips.lower_outer[::-1]])
    hole = np.vstack([lips.upper_inner, lips.lower_inner[::-1]])
    window = Window(np.vstack([upper, lower]), 0.1)
    apart = p.mouth.opening > 0
    if apart:
        _inside(texture, anatomy, window, hole)
    shape = window.fill(upper).shape
    open_ = 1 - window.fill(hole) if apart else np.ones(shape, np.float32)
    painted = p.mouth.lipstick
    colour = (1 - painted) * natural(p.skin.tone) + painted * np.array(p.mouth.tint)
    # Furrows run down the lips; they show less under paint.
    furrows = 1 + (0.035 - 0.015 * painted) * noise_patch("strand", shape, rng.random(2))
    border = 0.016 * (1 - 0.7 * painted)
    for outline, shade, name in ((upper, 0.86, Label.UPPER_LIP), (lower, 1.0, Label.LOWER_LIP)):
        mask = (0.86 + 0.1 * painted) * window.fill(outline, border) * open_
        texture.blend(window, mask, shade * colour * furrows[..., None])
        texture.set_label(window, window.fill(outline), name)
        texture.gloss[window.slices] += (0.35 + 0.6 * painted) * window.fill(outline, 0.012)
    _depth(texture, anatomy, window, lower, open_)
    if apart:
        texture.set_label(window, window.fill(hole), Label.MOUTH)
        texture.darken(window, window.line(lips.upper_inner, 0.012, 0.006), 0.35)
    else:
        texture.darken(window, window.line(lips.upper_inner, 0.012, 0.005), 0.62)
        texture.darken(window, window.line(lips.upper_inner[6:-6], 0.03, 0.014), 0.3)
    for corner, side in ((lips.upper_inner[0], -1), (lips.upper_inner[-1], 1)):
        texture.darken(window, window.disc(corner - [-side * 0.008, 0], 0.02, 0.016), 0.45)


def natural(tone: tuple[float, float, float]) -> np.ndarray:
    """Return the colour of bare lips, (3,) sRGB: pink on light skin, brown to mauve on dark."""
    light = float(np.clip(np.mean(tone) / 215, 0, 1))
    dark_part, light_part = np.array([0.90, 0.82, 0.88]), np.array([0.83, 0.615, 0.61])
    factor = (1 - light) * dark_part + light * light_part
    return np.array(tone) * factor + [12, 8, 10]


def _depth(
    texture: FaceTexture, anatomy: Anatomy, window: Window, lower: np.ndarray, open_: np.ndarray
) -> None:
    """Shade the lips: darker to the corners and the seam, lighter on top of the lower lip."""
    lips = anatomy.lips
    half = lips.lower_outer[-1, 0]
    across = np.abs(window.from_point(np.zeros(2))[0])
    corners = smoothstep(0.45 * half, half, across)
    both = window.fill(np.vstack([lips.upper_outer, lips.lower_outer[::-1]]), 0.01) * open_
    texture.darken(window, both * corners, 0.22)
    ridge = 0.45 * lips.lower_inner[8:-8] + 0.55 * lips.lower_outer[8:-8]
    light = window.line(ridge, 0.03, 0.018) * window.fill(lower, 0.008) * open_
    texture.colour[window.slices] *= 1 + 0.14 * light[..., None]
    texture.gloss[window.slices] *= 1 + 0.8 * light
    # The lower lip shades the groove under it.
    texture.darken(window, window.line(lips.lower_outer[6:-6] - [0, -0.03], 0.03, 0.022), 0.14)


def _inside(texture: FaceTexture, anatomy: Anatomy, window: Window, hole: np.ndarray) -> None:
    """Paint the open mouth: dark, with the upper teeth and a little of the tongue."""
    lips, gap = anatomy.lips, anatomy.parameters.mouth.opening
    opening = window.fill(hole)
    texture.blend(window, opening, (52, 18, 20))
    tongue = np.array([0, lips.lower_inner[20, 1] - 0.02])
    glow = smoothstep(0.2, 0.05, window.distance(tongue)) * np.clip((gap - 0.08) / 0.08, 0, 1)
    texture.blend(window, 0.6 * opening * glow, (142, 66, 66))
    edge = lips.upper_inner.copy()
    s = np.linspace(-1, 1, len(edge))
    scallop = 0.006 * np.abs(np.sin(np.pi * edge[:, 0] / 0.075))
    edge[:, 1] += min(0.085, 0.80 * gap) * (1 - 0.45 * s**2) + scallop
    teeth = window.fill(np.vstack([lips.upper_inner - [0, 0.02], edge[::-1]]), 0.003) * opening
    fade = smoothstep(0.36, 0.1, np.abs(window.from_point(np.zeros(2))[0]))
    texture.blend(window, teeth * (0.25 + 0.72 * fade), TEETH)
    gaps = []
    for k in range(-5, 6):
        x = 0.075 * k * (1 - 0.035 * abs(k))
        y = np.interp(x, lips.upper_inner[:, 0], lips.upper_inner[:, 1])
        gaps.append(np.array([[x, y - 0.01], [x, y + 0.09]]))
    texture.darken(window, window.lines(gaps, 0.005, 0.003) * teeth, 0.3)
    texture.darken(window, window.line(lips.upper_inner, 0.034, 0.014) * opening, 0.55)
    texture.gloss[window.slices] *= 1 - 0.4 * opening
