"""Painting the skin: colour, mottling, freckles, moles and lines of age."""

from __future__ import annotations

import cv2
import numpy as np

from synthetic_faces.figure.anatomy import SIDES, Anatomy
from synthetic_faces.geometry.shapes import smoothstep, spline
from synthetic_faces.looks.face_texture import (
    BOTTOM,
    LEFT,
    RIGHT,
    TEXELS_ACROSS,
    TEXELS_DOWN,
    TOP,
    FaceTexture,
    Window,
    enlarged,
)
from synthetic_faces.randomness import noise_patch

SKIN_CELL = 6  # texels a cell of the fields that vary slowly


def paint(texture: FaceTexture, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Paint the skin over the whole texture."""
    skin = anatomy.parameters.skin
    offset = rng.random((4, 2))
    pores = 0.010 + 0.024 * skin.pores
    texture.colour *= _zones(anatomy, offset[:2])
    grain = 1 + pores * noise_patch("pores", (TEXELS_DOWN, TEXELS_ACROSS), offset[2])
    texture.colour *= cv2.merge([grain] * 3)
    shine = enlarged(0.45 + 0.8 * _oily(*_coarse()))
    # Pores break up the highlight.
    texture.gloss *= shine * (
        1 + 7 * pores * noise_patch("pores", (TEXELS_DOWN, TEXELS_ACROSS), offset[3])
    )
    _freckles(texture, anatomy, rng)
    for mx, my, radius in skin.moles:
        at = np.array([[mx, my]])
        window = Window(at, 0.06)
        texture.darken(window, window.disc(at[0], radius, 0.004), 0.55)
    _age(texture, anatomy, rng)


def _coarse() -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates of a coarse grid over the texture: x (1, W), y (H, 1), float32."""
    x = LEFT + (RIGHT - LEFT) * (np.arange(TEXELS_ACROSS // SKIN_CELL, dtype=np.float32) + 0.5) / (
        TEXELS_ACROSS // SKIN_CELL
    )
    y = TOP + (BOTTOM - TOP) * (np.arange(TEXELS_DOWN // SKIN_CELL, dtype=np.float32) + 0.5) / (
        TEXELS_DOWN // SKIN_CELL
    )
    return x[None, :], y[:, None]


def _zones(anatomy: Anatomy, offset: np.ndarray) -> np.ndarray:
    """Return a factor (TEXELS_DOWN, TEXELS_ACROSS, 3) on the tone of the skin.

    Forehead, middle and jaw lean to golden, red and blue. Blood shows less through dark skin,
    which varies in depth instead.
    """
    p = anatomy.parameters
    x, y = _coarse()
    shape = (TEXELS_DOWN // SKIN_CELL, TEXELS_ACROSS // SKIN_CELL)
    light = float(np.clip(np.mean(p.skin.tone) / 210, 0, 1))
    blood = (0.35 + 0.65 * p.skin.redness) * (0.3 + 0.7 * light) * _flush(anatomy, x, y)
    rouge = (0.25 + 0.75 * light) * p.skin.blush
    blush = rouge * _spot(np.abs(x) - 0.1 * y, y, (0.58, 0.40), (0.27, 0.22))
    blotch = _blotches("cloud", shape, offset[0])
    depth = 0.03 * _blotches("cloud", shape, offset[1])
    golden = 0.05 * _spot(x, y, (0.0, -0.6), (0.6, 0.3))
    below, above = _by_the_eyes(anatomy, x, y)
    rings = (0.05 + 0.12 * p.eyes.bags) * below
    sockets = 0.10 * above
    ruddy = np.clip(blood * (1 + 0.25 * blotch) + 0.16 * blotch * light, -0.3, 1.6)
    low = smoothstep(anatomy.y_mouth - 0.2, anatomy.y_chin, y) * np.ones_like(x)
    even = 1 + depth - 0.02 * low
    red = even + 0.025 * ruddy - 0.9 * rings - 0.75 * sockets - 0.04 * low + 0.02 * blush
    green = even - 0.085 * ruddy - 1.15 * rings - 1.15 * sockets + 0.1 * golden - 0.15 * blush
    blue = even - 0.07 * ruddy - 0.95 * rings - 1.15 * sockets - golden - 0.10 * blush
    return enlarged(cv2.merge([red, green, blue]).astype(np.float32))


def _by_the_eyes(anatomy: Anatomy, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the thin skin under and over the eyes lies; shaped as in `_flush`."""
    below = above = np.zeros((y.size, x.size), np.float32)
    for eye in anatomy.eyes:
        across, down = (float(part) for part in eye.centre)
        below = below + _spot(x, y, (across, down + 0.11), (0.19, 0.085))
        above = above + _spot(x, y, (across, down - 0.06), (0.22, 0.12))
    return below, above


def _blotches(kind: str, shape: tuple[int, int], offset: np.ndarray) -> np.ndarray:
    """Return cloudy noise on the coarse grid, of about unit variance."""
    cells = noise_patch(kind, (2 * shape[0], 2 * shape[1]), offset)
    return cells[::2, ::2]


def _flush(anatomy: Anatomy, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return where blood shows: cheeks, nose, chin. x: (1, W), y: (H, 1); result: (H, W)."""
    cheeks = _spot(np.abs(x), y, (0.54, 0.46), (0.34, 0.28))
    nose = 0.85 * _spot(x, y, (0.0, anatomy.y_nose - 0.13), (0.22, 0.16))
    chin = 0.4 * _spot(x, y, (0.0, anatomy.y_chin - 0.2), (0.2, 0.14))
    return cheeks + nose + chin


def _oily(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return where skin shines: forehead, nose, cheekbones; shaped as in `_flush`."""
    forehead = _spot(x, y, (0.0, -0.6), (0.45, 0.25))
    nose = 1.2 * _spot(x, y, (0.0, 0.3), (0.1, 0.3))
    cheeks = 0.8 * _spot(np.abs(x), y, (0.6, 0.28), (0.16, 0.13))
    return forehead + nose + cheeks


def _spot(
    x: np.ndarray, y: np.ndarray, centre: tuple[float, float], size: tuple[float, float]
) -> np.ndarray:
    across = np.exp(-(((x - centre[0]) / size[0]) ** 2))
    return across * np.exp(-(((y - centre[1]) / size[1]) ** 2))


def _freckles(texture: FaceTexture, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Paint freckles over nose and cheeks: many faint ones, few dark ones."""
    amount = anatomy.parameters.skin.freckles
    if amount <= 0:
        return
    for many, size, dark in ((230, 0.0055, 0.12), (120, 0.0065, 0.18), (30, 0.0085, 0.24)):
        count = int(many * amount) + 1
        points = np.stack([rng.normal(0, 0.44, count), rng.normal(0.3, 0.2, count)], 1)
        radius = size * rng.uniform(0.7, 1.5, count)
        window = Window(points, 0.03)
        texture.darken(window, window.dots(points, radius, 0.004), dark * (0.7 + 0.3 * amount))


def _age(texture: FaceTexture, anatomy: Anatomy, rng: np.random.Generator) -> None:
    """Paint folds beside the mouth, lines of age, and furrows of age or of moving brows."""
    p = anatomy.parameters
    old = max(p.skin.age - 0.3, 0) / 0.7
    smile = max(p.mouth.smile, 0)
    for side in SIDES:
        corner = anatomy.lips.upper_inner[-1 if side > 0 else 0]
        nose = np.array([side * anatomy.nose_half * 1.12, anatomy.y_nose - 0.1])
        middle = 0.5 * (nose + corner) + [side * 0.09, -0.015]
        fold = spline(np.array([nose, middle, corner - [-side * 0.11, 0.0]]), 24)
        _crease(texture, [fold], 0.018, 0.06 + 0.13 * smile + 0.22 * old)
        if old > 0:
            feet = _crows_feet(anatomy, side, rng)
            _crease(texture, feet, 0.008, old * (0.3 + 0.25 * smile))
            down = corner + np.array([[side * 0.03, 0.05], [side * 0.07, 0.2]])
            _crease(texture, [down], 0.014, 0.18 * old)
    brows = p.brows
    knit, raised = brows.frown, max(0.5 * (brows.raise_inner + brows.raise_outer), 0.0)
    if old > 0 or knit > 0.2:
        top = -0.2 - 0.14 * knit
        frown = [np.array([[side * 0.075, top], [side * 0.06, -0.12]]) for side in SIDES]
        _crease(texture, frown, 0.010, max(0.2 * old, 0.3 * knit))
    if old > 0 or raised > 0.3:
        _crease(texture, _furrows(rng), 0.010, max(0.24 * old, 0.2 * raised))


def _crease(texture: FaceTexture, folds: list[np.ndarray], width: float, amount: float) -> None:
    """Paint folds of skin (N, 2): dark lines, deepest in the middle, below light ridges."""
    window = Window(np.vstack(folds), 0.06)
    cores = [fold[len(fold) // 5 : len(fold) - len(fold) // 5] for fold in folds]
    mask = 0.55 * window.lines(folds, width, 0.6 * width)
    mask += 0.45 * window.lines(cores, 1.4 * width, 1.1 * width)
    texture.darken(window, mask, amount)
    rolls = [core - [0, 1.5 * width] for core in cores]
    roll = window.lines(rolls, 1.6 * width, width)
    texture.colour[window.slices] *= 1 + 0.25 * amount * roll[..., None]


def _crows_feet(anatomy: Anatomy, side: int, rng: np.random.Generator) -> list[np.ndarray]:
    start = anatomy.eyes[side > 0].outer - [-side * 0.05, 0.0]
    feet = []
    for turn in (-24, -4, 16, 34):
        angle = np.radians(turn + rng.uniform(-5, 5))
        ahead = np.array([side * np.cos(angle), np.sin(angle)])
        root, tip = start + 0.03 * ahead, start + rng.uniform(0.11, 0.18) * ahead
        feet.append(spline(np.stack([root, 0.5 * (root + tip) + [0, 0.01], tip]), 10))
    return feet


def _furrows(rng: np.random.Generator) -> list[np.ndarray]:
    """Return lines across the forehead, some of them short."""
    x = np.linspace(-0.5, 0.5, 30)
    furrows = []
    for k in range(4):
        wave = rng.normal(0, 0.010, 4)
        bend = sum(size * np.cos((n + 1) * 3 * x + k) for n, size in enumerate(wave))
        first, last = rng.integers(0, 10), rng.integers(20, 30)
        line = np.stack([x, -0.47 - 0.085 * k - 0.05 * x**2 + bend], 1)
        furrows.append(line[first:last])
    return furrows
