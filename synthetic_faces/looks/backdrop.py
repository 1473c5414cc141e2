"""Backdrops: a plain wall, a wall lit unevenly, or a room out of focus."""

from __future__ import annotations

import cv2
import numpy as np

from synthetic_faces.face_parameters import Light
from synthetic_faces.looks.lighting import linear
from synthetic_faces.randomness import noise_at

BACKDROP_SIDE = 64  # side at which a backdrop is made; nothing in it is sharper


def backdrop(light: Light, side: int, rng: np.random.Generator) -> np.ndarray:
    """Paint the backdrop: (side, side, 3) linear float32.

    `plain` is one colour; `gradient` runs from `background` to `background_far` along
    `backdrop_angle`; `shapes` has blurred furniture and lights before such a wall.
    """
    near, far = linear(light.background), linear(light.background_far)
    if light.backdrop == "plain":
        return np.tile(near, (side, side, 1))
    field = _wall(light, near, far)
    if light.backdrop == "shapes":
        field = _room(field, near, far, rng)
    return cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC)


def _wall(light: Light, near: np.ndarray, far: np.ndarray) -> np.ndarray:
    """Paint a wall lit from one side, slightly cloudy."""
    y, x = np.mgrid[0:BACKDROP_SIDE, 0:BACKDROP_SIDE].astype(np.float32) / BACKDROP_SIDE
    angle = np.radians(light.backdrop_angle)
    ramp = 0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    at = light.backdrop_angle / 360
    ramp += 0.14 * noise_at("cloud", x * 0.2 + at, y * 0.2 + 0.37 * at)
    mix = np.clip(ramp, 0, 1)[..., None]
    return cv2.GaussianBlur((1 - mix) * near + mix * far, (0, 0), 2.5)


def _room(
    field: np.ndarray, near: np.ndarray, far: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Paint blurred upright and level edges (doors, shelves) and a few discs of light."""
    room = field.copy()
    for _ in range(int(rng.integers(2, 6))):
        across = rng.random() < 0.7
        start, width = rng.uniform(-4, BACKDROP_SIDE), rng.uniform(4, 26)
        top, bottom = sorted(rng.uniform(-10, BACKDROP_SIDE + 10, 2))
        low, high = (int(np.clip(v, 0, BACKDROP_SIDE)) for v in (start, start + width))
        first, last = (int(np.clip(v, 0, BACKDROP_SIDE)) for v in (top, bottom))
        area = (slice(first, last), slice(low, high))
        if not across:
            area = area[::-1]
        mix = rng.uniform(0, 1)
        paint = ((1 - mix) * near + mix * far) * np.exp(rng.normal(0, 0.75))
        tint = 1 + 0.35 * rng.uniform(-1, 1, 3)
        room[area] += rng.uniform(0.5, 1) * (np.minimum(paint * tint, 0.9) - room[area])
    room = cv2.GaussianBlur(room.astype(np.float32), (0, 0), rng.uniform(1.4, 3.2))
    lights = np.zeros_like(room)
    for _ in range(int(rng.integers(0, 7)) if rng.random() < 0.6 else 0):
        centre = tuple(int(v) for v in rng.uniform(0, 16 * BACKDROP_SIDE, 2))
        radius = int(16 * rng.uniform(1.5, 5))
        colour = tuple(float(v) for v in rng.uniform(0.05, 0.3) * (1 + rng.uniform(-0.6, 0.6, 3)))
        cv2.circle(lights, centre, radius, colour, -1, cv2.LINE_AA, 4)
    return room + cv2.GaussianBlur(lights, (0, 0), 0.9)
