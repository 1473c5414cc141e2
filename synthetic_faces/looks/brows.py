"""Painting eyebrows hair by hair."""

from __future__ import annotations

import numpy as np

from synthetic_faces import labels
from synthetic_faces.figure.anatomy import SIDES, Anatomy
from synthetic_faces.looks.canvas import Canvas, Window

HAIRS = 84  # of one brow, in three tones


def paint(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> None:
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
        canvas.name(window, shape, labels.R_BROW if side < 0 else labels.L_BROW)
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
