"""Lines that landmark contours lack: hair, whiskers, wrinkles, ears and graffiti."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import cv2
import numpy as np

from synthetic_faces.doodles.hand import Hand
from synthetic_faces.drawing.feature_lines import Features, Line
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.geometry.shapes import spline, stretches
from synthetic_faces.looks.whiskers import beard_mask, moustache_mask
from synthetic_faces.rendering import Rendering

Lines = list[Line]
CLEAR = 24 / 512
"""Hair, whiskers, wrinkles and ears keep this far from the eyes, in widths of the picture: more
than half of the 37 pixels of 512 that the fifth layer sees (Cheng et al. 2022)."""


def extra(kind: str, face: Rendering, features: Features, random: np.random.Generator) -> Lines:
    """Return lines of one kind on a rendered face, clear of its eyes (graffiti excepted).

    features: the lines of the face by feature.
    """
    lines = _KINDS[kind](face, features, random)
    return lines if kind == "graffiti" else _clear(lines, face.landmarks / face.size)


def _clear(lines: Lines, points: np.ndarray) -> Lines:
    """Return the parts of lines that lie outside the boxes round both eyes."""
    parts = []
    for line in lines:
        keep = np.ones(len(line.points), bool)
        for eye in (points[36:42], points[42:48]):
            low, high = eye.min(0) - CLEAR, eye.max(0) + CLEAR
            keep &= ~((line.points > low) & (line.points < high)).all(1)
        for part in stretches(line.points, keep):
            parts.append(Line(part, line.width, line.pressure, line.taper))
    return parts


def _hair(face: Rendering, features: Features, random: np.random.Generator) -> Lines:
    """Return the outline of the hair, and locks that run along it."""
    lines = list(features["hair"])
    mask = (face.labels == Label.HAIR).astype(np.uint8)
    depth = cv2.GaussianBlur(
        cv2.distanceTransform(mask, cv2.DIST_L2, 5), (0, 0), max(1.0, face.size / 120)
    )
    spacing = face.size / 22
    for level in np.arange(0.8, 5.0, 1.0) * spacing:
        rings, _ = cv2.findContours(
            (depth > level).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE
        )
        for ring in rings:
            if len(ring) > 1.5 * spacing:
                lines += _locks(ring[:, 0, :] + 0.5, face.size, random)
    return lines


def _locks(ring: np.ndarray, size: int, random: np.random.Generator) -> Lines:
    """Cut a closed path (N, 2), in pixels, into smoothed pieces with gaps between them."""
    window = max(3, size // 64) | 1
    kernel = np.ones(window) / window
    padded = np.pad(ring, ((window, window), (0, 0)), "wrap")
    smooth = np.stack([np.convolve(padded[:, k], kernel, "same") for k in (0, 1)], axis=1)
    smooth = smooth[window:-window] / size
    lines, start = [], 0
    while start < len(smooth) - size // 40:
        stop = start + int(size * random.uniform(0.05, 0.16))
        part = smooth[start:stop:4]
        if len(part) > 2:
            lines.append(Line(part, 2.8, 0.6, 0.8))
        start = stop + int(size * random.uniform(0.01, 0.06))
    return lines


def _on_face(face: Rendering, points: np.ndarray) -> np.ndarray:
    """Project points (..., 2) of the face plane to the picture, in widths."""
    scene = face.subject.scene
    return scene.project(scene.surface.at(points))


def _whiskers(face: Rendering, features: Features, random: np.random.Generator) -> Lines:
    """Return short hairs where the face has a moustache or a beard."""
    anatomy, hair = face.subject.scene.anatomy, face.parameters.hair
    lines: Lines = []
    for amount, mask, wide, high, step, length in (
        (hair.moustache, moustache_mask, 0.5, (anatomy.y_nose, anatomy.y_mouth + 0.1), 0.045, 0.10),
        (hair.beard, beard_mask, 0.98, (0.1, anatomy.y_chin), 0.10, 0.13),
    ):
        if amount <= 0:
            continue
        x, y = np.meshgrid(np.arange(-wide, wide, step), np.arange(*high, step))
        x = x.ravel() + random.uniform(-0.5, 0.5, x.size) * step
        y = y.ravel() + random.uniform(-0.5, 0.5, y.size) * step
        inside = mask(anatomy, x, y) > 0.55
        inside &= np.abs(x) < 0.93 * face.subject.scene.surface.profile(y)[0]
        root = np.stack([x, y], axis=1)[inside]
        fan = np.stack([(2.2 if step < 0.06 else 0.4) * root[:, 0], np.ones(len(root))], axis=1)
        tip = root + length * fan / np.linalg.norm(fan, axis=1, keepdims=True)
        bend = 0.5 * (root + tip) + random.normal(0, 0.012, root.shape)
        for hairs in np.stack([root, bend, tip], axis=1):
            lines.append(Line(_on_face(face, spline(hairs, 7)), 2.6, 0.75))
    return lines


def _wrinkles(face: Rendering, features: Features, random: np.random.Generator) -> Lines:
    """Return lines of the forehead, folds from nose to mouth, brackets beside it."""
    anatomy = face.subject.scene.anatomy
    lines = []
    x = np.linspace(-1, 1, 30)
    top = -0.52 - face.parameters.brows.height
    for k in range(int(random.integers(2, 5))):
        half, waves = random.uniform(0.3, 0.5), random.uniform(1.5, 3.0)
        y = top - 0.085 * k + 0.014 * np.cos(waves * x + random.uniform(0, 6)) + 0.02 * x**2
        line = np.stack([half * x + random.normal(0, 0.03), y], axis=1)
        lines.append(Line(_on_face(face, line), 2.8, 0.7, 0.8))
    for side in (-1, 1):
        corner = anatomy.lips.upper_inner[40 if side > 0 else 0]
        start = np.array([side * 1.2 * anatomy.nose_half, anatomy.y_nose - 0.1])
        aside, down = random.uniform(0.09, 0.14), random.uniform(-0.02, 0.06)
        end = np.array([corner[0] + side * aside, corner[1] + down])
        middle = 0.5 * (start + end) + [side * random.uniform(0.04, 0.09), 0.0]
        fold = spline(np.stack([start, middle, end]), 20)
        lines.append(Line(_on_face(face, fold), 3.0, 0.75, 0.8))
        if random.random() < 0.6:
            low = corner + np.array([[0.06, 0.08], [0.09, 0.18], [0.06, 0.28]]) * [side, 1]
            lines.append(Line(_on_face(face, spline(low, 12)), 2.6, 0.6, 0.8))
    return lines


def _ears(face: Rendering, features: Features, random: np.random.Generator) -> Lines:
    """Return both ears: the outline, and the rim inside it."""
    lines = []
    points = face.landmarks / face.size
    unit = (points[45, 0] - points[36, 0]) / 2.564  # half of it is a head unit
    size = 2 * unit * face.parameters.shape.ear_size
    for side, (top, low) in ((-1, (points[0], points[2])), (1, (points[16], points[14]))):
        outer = np.array([(0.0, -0.12), (0.12, -0.27), (0.22, -0.16), (0.19, 0.1), (0.08, 0.3)])
        outer = np.vstack([outer * [side * size, size] + 0.5 * (top + 0.5 * (top + low)), low])
        loop = spline(np.vstack([outer, 0.4 * top + 0.6 * low]), 32)
        lines.append(Line(loop, 3.6, 0.8, 0.3))
        middle = outer[:5].mean(0)
        rim = middle + 0.55 * (outer[:5] - middle) + random.normal(0, 0.002, 2)
        lines.append(Line(spline(rim, 20), 2.8, 0.6))
    return lines


def _graffiti(face: Rendering, features: Features, random: np.random.Generator) -> Lines:
    """Return scribbles unrelated to the face; the first crosses the eye corner."""
    hand = Hand(random, 1.0)
    corner = face.landmarks[36] / face.size
    lines = []
    for number in range(int(random.integers(4, 9))):
        size = random.uniform(0.06, 0.16)
        shape = _SHAPES[int(random.integers(len(_SHAPES)))](hand, size)
        # A point of the first shape is put on the corner.
        middle = random.uniform(0.12, 0.88, 2)
        if number == 0:
            middle = corner - shape[int(random.integers(len(shape)))]
        lines.append(Line(np.clip(shape + middle, 0.01, 0.99), 3.6, 0.9, 0.2))
    return lines


def _spiral(hand: Hand, size: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi * hand.random.uniform(2, 4), 70)
    radius = size * angle / angle[-1]
    return hand.trace(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))


def _zigzag(hand: Hand, size: float) -> np.ndarray:
    x = np.linspace(-size, size, int(hand.random.integers(5, 11)))
    high = hand.random.uniform(0.3, 1.0) * size
    return hand.zigzag(np.stack([x, 0 * x - high], 1), np.stack([x, 0 * x + high], 1))


def _star(hand: Hand, size: float) -> np.ndarray:
    angle = np.radians(144) * np.arange(6) - np.pi / 2 + hand.random.uniform(-0.4, 0.4)
    corners = size * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    sides = [np.linspace(a, b, 8) for a, b in itertools.pairwise(corners)]
    return hand.trace(np.concatenate(sides))


def _heart(hand: Hand, size: float) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, 40)
    x = np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 16
    return hand.trace(size * np.stack([x, y], axis=1))


def _wave(hand: Hand, size: float) -> np.ndarray:
    x = np.linspace(-1.6 * size, 1.6 * size, 50)
    y = 0.35 * size * np.sin(x / size * hand.random.uniform(4, 9))
    angle = hand.random.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return hand.trace(np.stack([x, y], axis=1) @ turn.T)


def _box(hand: Hand, size: float) -> np.ndarray:
    corners = size * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1), (1, 1)])
    sides = [np.linspace(a, b, 8) for a, b in itertools.pairwise(corners)]
    return hand.trace(np.concatenate(sides))


_SHAPES: tuple[Callable[[Hand, float], np.ndarray], ...] = (
    _spiral,
    _zigzag,
    _star,
    _heart,
    _wave,
    _box,
)
_KINDS: dict[str, Callable[[Rendering, Features, np.random.Generator], Lines]] = {
    "hair": _hair,
    "whiskers": _whiskers,
    "wrinkles": _wrinkles,
    "ears": _ears,
    "graffiti": _graffiti,
}
