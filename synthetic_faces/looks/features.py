"""Painting all features on the face texture, colour and label; nose and brows are here."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure.anatomy import SIDES, Anatomy
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.geometry.shapes import spline
from synthetic_faces.looks import eyes, lips
from synthetic_faces.looks.face_texture import FaceTexture, Window

BROW_HAIRS = 84  # of one brow, in three tones


def paint(texture: FaceTexture, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Paint all features; later ones cover earlier ones."""
    _nose(texture, anatomy)
    eyes.paint(texture, anatomy, rng)
    _brows(texture, anatomy, rng)
    lips.paint(texture, anatomy, rng)


def _nose(texture: FaceTexture, anatomy: Anatomy) -> None:
    window = Window(anatomy.nose, 0.1)
    texture.set_label(window, window.fill(anatomy.nose), Label.NOSE)
    h, y = anatomy.nose_half, anatomy.y_nose
    for side, nostril in zip(SIDES, anatomy.nostrils):
        texture.darken(window, window.fill(nostril, 0.012), 0.74)
        wing = [
            (h * 0.82, y - 0.165),
            (h * 1.06, y - 0.1),
            (h * 1.0, y - 0.03),
            (h * 0.74, y - 0.01),
        ]
        curve = spline(np.array(wing) * [side, 1], 20)
        texture.darken(window, window.line(curve, 0.02, 0.02), 0.26)
    base = spline(np.array([(-0.1, y + 0.0), (0, y + 0.018), (0.1, y + 0.0)]), 12)
    texture.darken(window, window.line(base, 0.02, 0.016), 0.3)


def _hairs(spine: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Return curved hairs (BROW_HAIRS, 3, 2): upright at the nose, then lying back.

    Those of both edges turn to the middle.
    """
    t = rng.permutation((np.arange(BROW_HAIRS) + rng.random(BROW_HAIRS)) / BROW_HAIRS)
    across = rng.uniform(-0.8, 0.95, BROW_HAIRS)
    long = rng.uniform(0.8, 1.25, BROW_HAIRS)
    position = t * (len(spine) - 1)
    x, y, half = (np.interp(position, np.arange(len(spine)), spine[:, k]) for k in range(3))
    slope = np.gradient(spine[:, 1], side * spine[:, 0])
    run = np.interp(position, np.arange(len(spine)), slope)
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


def _brows(texture: FaceTexture, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Paint both eyebrows hair by hair, colour and label."""
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
        texture.set_label(window, shape, Label.R_BROW if side < 0 else Label.L_BROW)
        inner = 0.9 * half * [0, 1]
        core = np.vstack([centre - inner, (centre + inner)[::-1]])
        texture.blend(
            window, 0.5 * density * window.fill(core, 0.022), 0.5 * (colour + p.skin.tone)
        )
        texture.blend(window, 0.42 * density * window.fill(core, 0.012), colour)
        hairs = _hairs(spine, side, rng)
        third = len(hairs) // 3
        tones = ((0.45, 1.25), (0.6, 0.9), (0.75, 0.62))
        for k, (strength, shade) in enumerate(tones):
            strokes = window.lines(hairs[k * third : (k + 1) * third], 0.006)
            texture.blend(window, (strength * (0.4 + 0.6 * density)) * strokes, shade * colour)
        texture.gloss[window.slices] *= 1 - 0.8 * shape
