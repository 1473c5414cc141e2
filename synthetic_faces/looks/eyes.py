"""Painting eyes: the lids and their shadow, the ball with its iris, the lashes."""

from __future__ import annotations

import numpy as np

from synthetic_faces.face_parameters import RGB
from synthetic_faces.figure.anatomy import SIDES, Anatomy, Eye
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.looks.face_texture import FaceTexture, Window
from synthetic_faces.randomness import noise_at

WHITE = (206, 196, 188)  # of the eye; far from white, even in good light
LASH: RGB = (24, 17, 15)


def paint(texture: FaceTexture, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Paint both eyes, colour and label."""
    turn = rng.random()
    for side in SIDES:
        eye = anatomy.eyes[side > 0]
        _lids(texture, anatomy, eye, side)
        if eye.shut:
            _lashes(texture, anatomy, eye, side)
            continue
        name = Label.L_EYE if side > 0 else Label.R_EYE
        outline = np.vstack([eye.upper, eye.lower[::-1]])
        window = Window(outline, 0.05)
        opening = window.fill(outline, 0.003)
        texture.blend(window, opening, _ball(anatomy, eye, window, turn))
        for spot, radius, strength in _glints(anatomy, eye):
            glint = window.disc(spot, radius, 0.005) * opening
            texture.blend(window, strength * glint, (255, 255, 255))
        texture.gloss[window.slices] *= 1 - 0.7 * opening
        texture.set_label(window, window.fill(outline), name)
        _lashes(texture, anatomy, eye, side)


def _lids(texture: FaceTexture, anatomy: Anatomy, eye: Eye, side: int) -> None:
    """Paint crease, shadow and the darker rim around the opening."""
    e = anatomy.parameters.eyes
    window = Window(np.vstack([eye.upper, eye.lower]), 0.11)
    crease = eye.crease - [-side * 0.01, 0]
    if e.shadow > 0:
        lid = np.vstack([eye.upper, (crease - [0, 0.035])[::-1]])
        texture.blend(window, 0.5 * e.shadow * window.fill(lid, 0.02), (92, 62, 62))
    folds = (0.26 + 0.34 * e.crease) * window.line(crease[3:-3], 0.012, 0.006)
    folds += 0.10 * window.line(crease[2:-2] - [0, 0.014], 0.03, 0.016)
    folds += 0.24 * window.line(eye.upper - [0, 0.01], 0.03, 0.018)
    # The rim of the lower lid is wet and pale; below it the lid rolls into shade.
    folds += 0.13 * window.line(eye.lower[2:-2] - [0, -0.03], 0.02, 0.014)
    texture.darken(window, folds, 1.0)
    texture.blend(window, 0.3 * window.line(eye.lower[3:-3] - [0, -0.008], 0.008, 0.004), WHITE)


def _ball(anatomy: Anatomy, eye: Eye, window: Window, turn: float) -> np.ndarray:
    """Return the colour of the eyeball over a window: (H, W, 3) sRGB."""
    p = anatomy.parameters
    away = window.distance(eye.centre)
    # A globe: it darkens toward its edges, and reddens toward its corners.
    white = np.array(WHITE, np.float32) * (1.04 - 2.3 * away[..., None] ** 1.8)
    pink = smoothstep(0.09, 0.21, away)[..., None]
    white = white * (1 - pink * np.array([0.04, 0.16, 0.15], np.float32))
    nook = smoothstep(0.055, 0.02, window.distance(eye.inner))[..., None]
    white = white + 0.75 * nook * (np.array([176, 112, 104], np.float32) - white)
    r = window.distance(eye.iris) / eye.iris_radius
    edge = 0.006 / eye.iris_radius
    inside = smoothstep(1 + 1.6 * edge, 1 - 1.6 * edge, r)[..., None]
    ball = white + inside * (_iris(p.eyes.iris, eye, window, r, turn) - white)
    pupil = smoothstep(0.40 + edge, 0.40 - edge, r)[..., None]
    ball = ball * (1 - 0.94 * pupil)
    # The upper lid and its lashes shade the ball below them.
    shade = 0.62 * window.line(eye.upper - [0, -0.014], 0.056, 0.018)
    shade = shade + 0.22 * window.line(eye.lower - [0, 0.004], 0.016, 0.008)
    return np.asarray(ball * (1 - np.clip(shade, 0, 0.8)[..., None]))


def _iris(colour: RGB, eye: Eye, window: Window, r: np.ndarray, turn: float) -> np.ndarray:
    """Return the colour of the iris: fibres, light centre, dark ring, light opposite the lamp.

    r: (H, W) distance from its centre in radii. Returns sRGB (H, W, 3).
    """
    middle = window.from_point(eye.iris)
    angle = np.arctan2(middle[1], middle[0]) / (2 * np.pi)
    fibres = noise_at("strand", angle * 0.25 + turn, 0.012 * r + turn)
    glow = np.clip(middle[1] / eye.iris_radius + 0.25, 0, 1) * smoothstep(1.0, 0.55, r)
    shade = 0.80 + 0.30 * smoothstep(0.85, 0.42, r) + 0.10 * fibres + 0.55 * glow
    shade = shade * (1 - 0.68 * smoothstep(0.70, 0.98, r))
    warm = 0.22 * smoothstep(0.68, 0.45, r)[..., None]
    base = np.array(colour, np.float32)
    amber = np.array([128, 88, 46], np.float32) * (np.mean(base) / 100)
    return np.asarray((base + warm * (amber - base)) * shade[..., None])


def _glints(anatomy: Anatomy, eye: Eye) -> list[tuple[np.ndarray, float, float]]:
    """Return reflections of the lamps: position, radius and strength of each."""
    light, radius = anatomy.parameters.light, eye.iris_radius
    lamps = [(light.azimuth, light.elevation, min(light.key, 1), 0.13 + 0.1 * light.softness)]
    lamps.append((light.fill_azimuth, light.fill_elevation, min(1.2 * light.fill, 0.45), 0.14))
    glints = []
    for azimuth, elevation, strength, size in lamps:
        across, up = np.sin(np.radians([azimuth, elevation]))
        at = eye.iris + radius * np.array([0.5 * across, -0.16 - 0.34 * up])
        glints.append((at, size * radius, float(strength)))
    return glints


def _lashes(texture: FaceTexture, anatomy: Anatomy, eye: Eye, side: int) -> None:
    e = anatomy.parameters.eyes
    window = Window(np.vstack([eye.upper, eye.lower]), 0.08)
    dark = (0.55 + 0.42 * e.lashes) * window.line(eye.upper, 0.013 + 0.014 * e.lashes, 0.004)
    # Toward the temple the fringe thickens.
    dark = np.maximum(dark, 0.8 * window.line(eye.upper[:12] - [0, 0.004], 0.018, 0.006))
    dark += 0.3 * e.lashes * window.line(eye.lower - [0, -0.006], 0.010, 0.004)
    texture.blend(window, np.minimum(dark, 1), LASH)
    k = np.arange(24)[:, None]
    root = eye.upper[:24]
    reach = 0.05 * (0.35 + 0.65 * e.lashes) * (1 - k / 34)
    fan = np.hstack([side * (1.0 - 0.062 * k), np.full_like(reach, -0.85)])
    tip = root + reach * (fan - [0, 0.25])
    upper = np.stack([root, root + 0.6 * reach * fan, tip], 1)
    k = np.arange(2, 22, 3)[:, None]
    root = eye.lower[2:22:3] - [0, -0.006]
    fan = np.hstack([side * (0.6 - 0.05 * k), np.full(k.shape, 0.8)])
    lower = np.stack([root, root + 0.02 * (0.3 + e.lashes) * fan], 1)
    texture.blend(window, (0.2 + 0.55 * e.lashes) * window.lines(upper, 0.006), LASH)
    texture.blend(window, (0.38 * e.lashes) * window.lines(lower, 0.005), LASH)
