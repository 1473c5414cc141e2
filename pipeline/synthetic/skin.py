"""Painting the skin: colour, mottling, freckles, moles, lines of age and whiskers."""

from __future__ import annotations

import functools

import cv2
import numpy as np

from pipeline.synthetic.anatomy import SIDES, Anatomy
from pipeline.synthetic.canvas import Canvas, Window, plane
from pipeline.synthetic.curves import smoothstep, spline
from pipeline.synthetic.noise import sample


def paint(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Lay the skin over the whole canvas."""
    skin = anatomy.parameters.skin
    light = float(np.mean(skin.tone)) / 255
    offset = rng.random(2)
    x, y = plane()
    mottle = _noise("cloud", 0.35, offset) * 0.022 + _noise("fine", 0.9, offset) * 0.014
    canvas.colour *= cv2.merge([1 + mottle] * 3)
    flush = skin.redness * light * _flush(anatomy, x[:1], y[:, :1])
    canvas.colour += cv2.merge([6 * flush, -17 * flush, -15 * flush])
    canvas.gloss *= 0.55 + 0.75 * _oily(x[:1], y[:, :1])
    _freckles(canvas, anatomy, rng)
    for mx, my, radius in skin.moles:
        at = np.array([[mx, my]])
        window = Window(at, 0.06)
        canvas.darken(window, window.disc(at[0], radius, 0.004), 0.55)
    _age(canvas, anatomy)
    _whiskers(canvas, anatomy, x, y)


def _noise(kind: str, frequency: float, offset: np.ndarray) -> np.ndarray:
    x, y = plane()
    return sample(kind, x * frequency + offset[0], y * frequency + offset[1])


def _flush(anatomy: Anatomy, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where blood shows: cheeks, nose, chin. x: (1, W), y: (H, 1); returns (H, W)."""
    cheeks = _spot(np.abs(x), y, (0.58, 0.45), (0.26, 0.24))
    nose = 0.8 * _spot(x, y, (0.0, anatomy.y_nose - 0.13), (0.2, 0.16))
    chin = 0.35 * _spot(x, y, (0.0, anatomy.y_chin - 0.2), (0.2, 0.14))
    return cheeks + nose + chin


def _oily(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where skin shines: forehead, ridge of the nose, cheekbones; shaped as in `_flush`."""
    forehead = _spot(x, y, (0.0, -0.6), (0.45, 0.25))
    nose = 1.2 * _spot(x, y, (0.0, 0.3), (0.1, 0.3))
    cheeks = 0.8 * _spot(np.abs(x), y, (0.6, 0.28), (0.16, 0.13))
    return forehead + nose + cheeks


def _spot(
    x: np.ndarray, y: np.ndarray, centre: tuple[float, float], size: tuple[float, float]
) -> np.ndarray:
    across = np.exp(-(((x - centre[0]) / size[0]) ** 2))
    return across * np.exp(-(((y - centre[1]) / size[1]) ** 2))


def _freckles(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> None:
    amount = anatomy.parameters.skin.freckles
    count = int(150 * amount)
    x = rng.normal(0, 0.42, count)
    y = rng.normal(0.33, 0.2, count)
    radius = rng.uniform(0.006, 0.014, count)
    if count == 0:
        return
    points = np.stack([x, y], 1)
    window = Window(points, 0.03)
    canvas.darken(window, window.dots(points, radius, 0.004), 0.3)


def _age(canvas: Canvas, anatomy: Anatomy) -> None:
    """Furrows of the forehead, crow's feet, the fold beside the mouth, rings under the eyes."""
    p = anatomy.parameters
    old = max(p.skin.age - 0.35, 0) / 0.65
    smile = max(p.mouth.smile, 0)
    for side in SIDES:
        centre = anatomy.eyes[side > 0].centre
        ring = centre + np.array([[-0.17, 0.1], [-0.05, 0.145], [0.08, 0.14], [0.17, 0.1]])
        window = Window(ring, 0.12)
        canvas.darken(window, window.line(spline(ring, 24), 0.07, 0.03), 0.08 + 0.2 * p.eyes.bags)
        fold = anatomy.lips.upper_inner[40 if side > 0 else 0]
        nose = np.array([side * anatomy.nose_half * 1.12, anatomy.y_nose - 0.1])
        points = np.array(
            [nose, 0.5 * (nose + fold) + [side * 0.09, -0.015], fold - [-side * 0.11, 0.0]]
        )
        window = Window(points, 0.08)
        strength = 0.06 + 0.14 * smile + 0.22 * old
        canvas.darken(window, window.line(spline(points, 24), 0.016, 0.014), strength)
        for k in range(3):
            angle = side * (0.1 + 0.28 * (k - 1))
            start = anatomy.eyes[side > 0].outer - [-side * 0.06, 0.0]
            end = start + 0.13 * np.array([side * np.cos(angle), 0.3 * (k - 1)])
            window = Window(np.stack([start, end]), 0.05)
            lines = window.line(np.stack([start, end]), 0.009, 0.006)
            canvas.darken(window, lines, 0.25 * old + 0.15 * old * smile)
    for k in range(3):
        x = np.linspace(-0.5, 0.5, 30)
        points = np.stack([x, -0.5 - 0.11 * k + 0.02 * np.cos(7 * x + k)], 1)
        window = Window(points, 0.06)
        canvas.darken(window, window.line(points, 0.010, 0.010), 0.26 * old)


@functools.cache
def _pores() -> np.ndarray:
    return np.clip(0.5 + 0.5 * _noise("fine", 1.7, np.zeros(2)), 0, 1)


def beard_mask(anatomy: Anatomy, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Where a beard grows, in [0, 1]: sideburns, jaw, chin; a band of cheek below the lips."""
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
    """Where a moustache grows, in [0, 1]: from the nose to the upper lip, past the corners."""
    lips = anatomy.lips
    side = np.abs(x)
    low = np.interp(side, lips.upper_outer[20:, 0], lips.upper_outer[20:, 1]) + 0.012
    low = low + smoothstep(0.36, 0.46, side) * 0.1
    high = anatomy.y_nose + 0.035 + 0.28 * side**1.3 + smoothstep(0.3, 0.46, side) * 0.02
    band = smoothstep(0, 0.035, y - high) * smoothstep(0, -0.03, y - low)
    return band * smoothstep(0.5, 0.42, side)


def _whiskers(canvas: Canvas, anatomy: Anatomy, x: np.ndarray, y: np.ndarray) -> None:
    hair = anatomy.parameters.hair
    if hair.beard <= 0 and hair.moustache <= 0:
        return
    mask = np.maximum(
        hair.beard * beard_mask(anatomy, x, y), hair.moustache * moustache_mask(anatomy, x, y)
    )
    strands = sample("strand", x * 0.75 + 0.02 * np.sin(9 * y), y * 0.5)
    full = max(hair.beard, hair.moustache) > 0.6
    texture = 0.85 + 0.25 * strands if full else 0.55 + 0.6 * _pores()
    alpha = np.clip(mask * texture, 0, 0.96)[..., None]
    grey = np.array([176, 172, 168], np.float32)
    colour = (1 - 0.7 * hair.grey) * np.array(hair.colour, np.float32) + 0.7 * hair.grey * grey
    shade = colour * (0.95 + 0.15 * strands[..., None])
    canvas.colour += alpha * (shade - canvas.colour)
    canvas.gloss *= 1 - 0.8 * alpha[..., 0]
