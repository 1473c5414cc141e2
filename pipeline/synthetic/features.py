"""Painting eyes, brows, nostrils and lips on the canvas, colour and label together."""

from __future__ import annotations

import numpy as np

from pipeline.synthetic import labels
from pipeline.synthetic.anatomy import SIDES, Anatomy, Eye
from pipeline.synthetic.canvas import LEFT, SCALE, Canvas, Window
from pipeline.synthetic.curves import smoothstep, spline
from pipeline.synthetic.parameters import RGB


def paint(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """All features, in the order of their labels: later ones cover earlier ones."""
    _nose(canvas, anatomy)
    for side in SIDES:
        eye = anatomy.eyes[side > 0]
        _lids(canvas, anatomy, eye, side)
        _eyeball(canvas, anatomy, eye, labels.L_EYE if side > 0 else labels.R_EYE)
        _lashes(canvas, anatomy, eye, side)
    for side in SIDES:
        _brow(canvas, anatomy, side, rng)
    _mouth(canvas, anatomy)


def _nose(canvas: Canvas, anatomy: Anatomy) -> None:
    window = Window(anatomy.nose, 0.1)
    canvas.name(window, window.fill(anatomy.nose), labels.NOSE)
    h, y = anatomy.nose_half, anatomy.y_nose
    for side, nostril in zip(SIDES, anatomy.nostrils):
        canvas.darken(window, window.fill(nostril, 0.010), 0.72)
        wing = [
            (h * 0.82, y - 0.165),
            (h * 1.06, y - 0.1),
            (h * 1.0, y - 0.03),
            (h * 0.74, y - 0.01),
        ]
        curve = spline(np.array(wing) * [side, 1], 20)
        canvas.darken(window, window.line(curve, 0.014, 0.014), 0.32)
    base = spline(np.array([(-0.1, y + 0.0), (0, y + 0.018), (0.1, y + 0.0)]), 12)
    canvas.darken(window, window.line(base, 0.02, 0.016), 0.3)


def _lids(canvas: Canvas, anatomy: Anatomy, eye: Eye, side: int) -> None:
    """Crease, shadow and the darker rim around the opening."""
    e = anatomy.parameters.eyes
    window = Window(np.vstack([eye.upper, eye.lower]), 0.16)
    lift = (0.028 + 0.038 * e.crease) * e.size
    bow = np.sin(np.linspace(0, np.pi, len(eye.upper)))[:, None]
    crease = eye.upper - np.array([0, 1]) * (lift * (0.45 + 0.55 * bow)) + [side * 0.01, 0]
    if e.shadow > 0:
        lid = np.vstack([eye.upper, (crease - [0, 0.035])[::-1]])
        canvas.blend(window, 0.45 * e.shadow * window.fill(lid, 0.018), (92, 62, 62))
    canvas.darken(window, window.line(crease[3:-3], 0.014, 0.008), 0.22 + 0.22 * e.crease)
    canvas.darken(window, window.line(eye.lower[2:-2] - [0, -0.014], 0.016, 0.010), 0.16)
    canvas.darken(window, window.line(eye.upper - [0, 0.01], 0.03, 0.02), 0.2)


def _eyeball(canvas: Canvas, anatomy: Anatomy, eye: Eye, label: int) -> None:
    p = anatomy.parameters
    outline = np.vstack([eye.upper, eye.lower[::-1]])
    window = Window(outline, 0.05)
    opening = window.fill(outline)
    away = window.distance(eye.centre)
    white = np.array([222, 215, 210], np.float32) * (1.02 - 0.9 * away[..., None] ** 1.5)
    pink = smoothstep(0.11, 0.21, away)[..., None]
    white = white * (1 - pink * np.array([0.05, 0.16, 0.14], np.float32))
    ball = white
    r = window.distance(eye.iris)
    radius = eye.iris_radius
    colour = np.array(p.eyes.iris, np.float32)
    ring = (0.62 + 0.6 * smoothstep(0.95 * radius, 0.35 * radius, r))[..., None]
    ring = ring * (1 - 0.55 * smoothstep(0.78 * radius, radius, r)[..., None])
    edge = 0.006
    inside = smoothstep(radius + edge, radius - edge, r)[..., None]
    ball = ball + inside * (colour * ring * 1.15 - ball)
    pupil = smoothstep(0.42 * radius + edge, 0.42 * radius - edge, r)[..., None]
    ball = ball + pupil * (np.array([12, 10, 10], np.float32) - ball)
    # The upper lid shades the ball below it.
    shade = window.line(eye.upper - [0, -0.012], 0.05, 0.016)
    ball = ball * (1 - 0.5 * shade[..., None])
    canvas.blend(window, opening, ball)
    azimuth = np.radians(p.light.azimuth)
    spot = eye.iris + radius * np.array([0.42 * np.sin(azimuth), -0.38])
    glint = window.disc(spot, 0.20 * radius, 0.004) * opening
    canvas.blend(window, 0.95 * glint, (255, 255, 255))
    canvas.gloss[window.slices] *= 1 - 0.7 * opening
    canvas.name(window, opening, label)


def _lashes(canvas: Canvas, anatomy: Anatomy, eye: Eye, side: int) -> None:
    e = anatomy.parameters.eyes
    window = Window(np.vstack([eye.upper, eye.lower]), 0.12)
    dark: RGB = (26, 18, 16)
    canvas.blend(
        window, (0.5 + 0.5 * e.lashes) * window.line(eye.upper, 0.014 + 0.014 * e.lashes), dark
    )
    canvas.blend(window, 0.25 * e.lashes * window.line(eye.lower, 0.01), dark)
    for k in range(1, 17, 2):
        root = eye.upper[k]
        reach = 0.045 * e.lashes * (1 - k / 22)
        tip = root + reach * np.array([side * (1.1 - 0.07 * k), -0.9])
        canvas.blend(window, 0.7 * e.lashes * window.line(np.stack([root, tip]), 0.006), dark)


def _brow(canvas: Canvas, anatomy: Anatomy, side: int, rng: np.random.Generator) -> None:
    p = anatomy.parameters
    spine = anatomy.brows[side > 0]
    centre, half = spine[:, :2], spine[:, 2:]
    outline = np.vstack([centre - half * [0, 1], (centre + half * [0, 1])[::-1]])
    window = Window(outline, 0.06)
    shape = window.fill(outline)
    canvas.name(window, shape, labels.R_BROW if side < 0 else labels.L_BROW)
    grey = 0.45 * p.hair.grey
    colour = (1 - grey) * 0.8 * np.array(p.hair.colour) + grey * 150
    colour = np.minimum(colour, 0.62 * np.array(p.skin.tone) + 8)
    density = p.brows.density
    canvas.blend(window, 0.6 * density * window.fill(outline, 0.014), colour)
    strokes = np.zeros_like(shape)
    for t, across in zip(np.linspace(0, 1, 46), rng.uniform(-0.9, 0.7, 46)):
        k = t * (len(spine) - 1)
        i = min(int(k), len(spine) - 2)
        x, y, h = spine[i] + (k - i) * (spine[i + 1] - spine[i])
        lean = np.radians(78 - 68 * t**0.7)
        direction = np.array([side * np.cos(lean), -np.sin(lean) * (1 if across > -0.4 else -0.3)])
        root = np.array([x, y + across * h])
        hair = np.stack([root, root + (0.035 + 0.8 * h) * direction])
        strokes = np.maximum(strokes, window.line(hair, 0.008))
    soft = window.fill(outline, 0.010) ** 0.6
    canvas.blend(window, (0.35 + 0.6 * density) * strokes * soft, 0.75 * colour)
    canvas.gloss[window.slices] *= 1 - 0.8 * shape


def _mouth(canvas: Canvas, anatomy: Anatomy) -> None:
    p, lips = anatomy.parameters, anatomy.lips
    upper = np.vstack([lips.upper_outer, lips.upper_inner[::-1]])
    lower = np.vstack([lips.lower_inner, lips.lower_outer[::-1]])
    hole = np.vstack([lips.upper_inner, lips.lower_inner[::-1]])
    window = Window(np.vstack([upper, lower]), 0.1)
    if p.mouth.opening > 0:
        _inside(canvas, anatomy, window, hole)
    tone = np.array(p.skin.tone, np.float32)
    natural = tone * [0.86, 0.62, 0.62] + np.array([10, 4, 8])
    paint = p.mouth.lipstick
    colour = (1 - paint) * natural + paint * np.array(p.mouth.tint)
    blur = 0.010 * (1 - 0.7 * paint)
    covered = window.fill(hole) if p.mouth.opening > 0 else 0.0
    for outline, shade, label in ((upper, 0.88, labels.UPPER_LIP), (lower, 1.0, labels.LOWER_LIP)):
        canvas.blend(window, 0.9 * window.fill(outline, blur) * (1 - covered), shade * colour)
        canvas.name(window, window.fill(outline), label)
        canvas.gloss[window.slices] += 0.5 * (0.5 + paint) * window.fill(outline, 0.01)
    if p.mouth.opening > 0:
        canvas.name(window, window.fill(hole), labels.MOUTH)
        canvas.darken(window, window.line(lips.upper_inner, 0.012, 0.006), 0.35)
    else:
        canvas.darken(window, window.line(lips.upper_inner, 0.016, 0.006), 0.85)
    for corner, side in ((lips.upper_inner[0], -1), (lips.upper_inner[-1], 1)):
        canvas.darken(window, window.disc(corner - [-side * 0.008, 0], 0.022, 0.016), 0.5)


def _inside(canvas: Canvas, anatomy: Anatomy, window: Window, hole: np.ndarray) -> None:
    """The open mouth: dark, with the upper teeth and a hint of the lower ones and the tongue."""
    lips, gap = anatomy.lips, anatomy.parameters.mouth.opening
    opening = window.fill(hole)
    canvas.blend(window, opening, (58, 20, 22))
    tongue = np.array([0, lips.lower_inner[20, 1] - 0.02])
    glow = smoothstep(0.2, 0.05, window.distance(tongue)) * np.clip((gap - 0.08) / 0.08, 0, 1)
    canvas.blend(window, 0.6 * opening * glow, (150, 70, 70))
    edge = lips.upper_inner.copy()
    s = np.linspace(-1, 1, len(edge))
    edge[:, 1] += min(0.085, 0.80 * gap) * (1 - 0.45 * s**2) + 0.004
    teeth = window.fill(np.vstack([lips.upper_inner - [0, 0.02], edge[::-1]])) * opening
    away = np.abs((np.arange(opening.shape[1]) + window.low[0]) / SCALE + LEFT)
    fade = smoothstep(0.40, 0.16, away)[None, :]
    canvas.blend(window, teeth * (0.35 + 0.65 * fade), (236, 230, 220))
    for k in range(-4, 5):
        x = 0.065 * k * (1 - 0.03 * abs(k))
        y = np.interp(x, lips.upper_inner[:, 0], lips.upper_inner[:, 1])
        gapline = np.array([[x, y], [x, y + 0.075]])
        canvas.darken(window, window.line(gapline, 0.006) * teeth, 0.16)
    canvas.darken(window, window.line(lips.upper_inner, 0.03, 0.014) * opening, 0.5)
    canvas.gloss[window.slices] *= 1 - 0.5 * opening
