"""Painting eyes, brows, nostrils and lips on the canvas, colour and label together."""

from __future__ import annotations

import numpy as np

from synthetic_faces import labels
from synthetic_faces.figure.anatomy import SIDES, Anatomy
from synthetic_faces.geometry.curves import spline
from synthetic_faces.looks import brows, eyes, lips
from synthetic_faces.looks.canvas import Canvas, Window


def paint(canvas: Canvas, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """All features, in the order of their labels: later ones cover earlier ones."""
    _nose(canvas, anatomy)
    eyes.paint(canvas, anatomy, rng)
    brows.paint(canvas, anatomy, rng)
    lips.paint(canvas, anatomy, rng)


def _nose(canvas: Canvas, anatomy: Anatomy) -> None:
    window = Window(anatomy.nose, 0.1)
    canvas.name(window, window.fill(anatomy.nose), labels.NOSE)
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
