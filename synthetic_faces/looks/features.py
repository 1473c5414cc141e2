"""Painting eyes, brows, nostrils and lips on the canvas, colour and label together."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure.anatomy import SIDES, Anatomy
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.geometry.shapes import spline
from synthetic_faces.looks import eyes, lips
from synthetic_faces.looks.face_texture import Canvas, Window


def paint(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """All features, in the order of their labels: later ones cover earlier ones."""
    _nose(canvas, anatomy)
    eyes.paint(canvas, anatomy, rng)
    _brows(canvas, anatomy, rng)
    lips.paint(canvas, anatomy, rng)


def _nose(canvas: Canvas, anatomy: Anatomy) -> None:
    window = Window(anatomy.nose, 0.1)
    canvas.name(window, window.fill(anatomy.nose), Label.NOSE)
    h, y = anatomy.nose_half, anatomy.y_nose
    for side, nostril in zip(SIDES, anatomy.nostrils):
        canvas.darken(window, window.fill(nostril, 0.012), 0.74)
        wing = [
            (h * 0.82, y - 0.165),
            (h * 1.06, y - 0.1),
            (h * 1.0, y - 0.03),
            (h * 0.74, y - 0.01),
        ]
        curve = spline(np.array(wing) * [side, 1], 20)
        canvas.darken(window, window.line(curve, 0.02, 0.02), 0.26)
    base = spline(np.array([(-0.1, y + 0.0), (0, y + 0.018), (0.1, y + 0.0)]), 12)
    canvas.darken(window, window.line(base, 0.02, 0.016), 0.3)


HAIRS = 84  # of one brow, in three tones


def _hairs(spine: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Curved hairs (HAIRS, 3, 2): upright at the nose, then lying back.

    Those of both edges turn to the middle.
    """
    t = rng.permutation((np.arange(HAIRS) + rng.random(HAIRS)) / HAIRS)
    across = rng.uniform(-0.8, 0.95, HAIRS)
    long = rng.uniform(0.8, 1.25, HAIRS)
    place = t * (len(spine) - 1)
    x, y, half = (np.interp(place, np.arange(len(spine)), spine[:, k]) for k in range(3))
    slope = np.gradient(spine[:, 1], side * spine[:, 0])
    run = np.interp(place, np.arange(len(spine)), slope)
    lean = np.radians(76 - 66 * np.clip(1.35 * t, 0, 1) ** 0.8)
    # From the lower edge hairs rise; from the upper one, past the start, they fall.
    rise = np.sin(lean) * np.interp(across, [-0.8, -0.2, 0.4], [-0.25, 0.35, 1.0])
    rise = np.where(t < 0.18, np.sin(lean), rise)
    ahead = np.cos(lean)
    length = (0.03 + 0.62 * half) * long
    root = np.stack([x, y + across * half], 1)
    step = np.stack([side * ahead, ahead * run - rise], 1) * length[:, None]
    bend = np.stack([side * 0.25 * length, 0.22 * length * np.sign(rise)], 1)
    return np.stack([root, root + 0.55 * step, root + step + bend], 1)


def _brows(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Both eyebrows, colour and label."""
    p = anatomy.parameters
    grey = 0.45 * p.hair.grey
    colour = (1 - grey) * 0.8 * np.array(p.hair.colour) + grey * 140
    # Never lighter than the skin, and never quite black: light passes between the hairs.
    colour = np.minimum(colour, 0.60 * np.array(p.skin.tone) + 6)
    density = p.brows.density
    for side in SIDES:
        spine = anatomy.brows[side > 0]
        centre, half = spine[:, :2], spine[:, 2:]
        outline = np.vstack([centre - half * [0, 1], (centre + half * [0, 1])[::-1]])
        window = Window(outline, 0.05)
        shape = window.fill(outline)
        canvas.name(window, shape, Label.R_BROW if side < 0 else Label.L_BROW)
        inner = 0.9 * half * [0, 1]
        core = np.vstack([centre - inner, (centre + inner)[::-1]])
        canvas.blend(window, 0.5 * density * window.fill(core, 0.022), 0.5 * (colour + p.skin.tone))
        canvas.blend(window, 0.42 * density * window.fill(core, 0.012), colour)
        hairs = _hairs(spine, side, rng)
        third = len(hairs) // 3
        tones = ((0.45, 1.25), (0.6, 0.9), (0.75, 0.62))
        for k, (strength, shade) in enumerate(tones):
            strokes = window.lines(hairs[k * third : (k + 1) * third], 0.006)
            canvas.blend(window, (strength * (0.4 + 0.6 * density)) * strokes, shade * colour)
        canvas.gloss[window.slices] *= 1 - 0.8 * shape
