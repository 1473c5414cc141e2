"""Exaggeration: a mild, smooth warp of a whole drawing, as artists depart from a face.

Every stroke of a drawing goes through the same warp. Habits of the artist (larger eyes, a larger
mouth) are random per drawing, and so is how strongly the head's deviation from the average is
stressed. The direction of that deviation comes from the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic_faces.figure.anatomy import SIDES
from synthetic_faces.geometry.camera import Lattice
from synthetic_faces.scene import Scene

LARGEST_GROWTH = 0.06  # largest relative change of a feature's size
FURTHEST_MOVE = 0.055  # largest displacement of a point, in head units


@dataclass(frozen=True)
class Exaggeration:
    """A smooth warp of the canvas.

    unit: a head unit in pixels. centres (K, 2), reach (K,), both in pixels, and gain (K,): of the
    features that grow. axis: (2,), direction of the eye line. origin: (2,), between the eyes.
    jaw, skull, length: how much the jaw and the skull widen and the lower face lengthens.
    """

    unit: float
    origin: np.ndarray
    axis: np.ndarray
    centres: np.ndarray
    reach: np.ndarray
    gain: np.ndarray
    jaw: float
    skull: float
    length: float

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return canvas points (N, 2), in pixels, moved by the warp."""
        move = np.zeros_like(points)
        for centre, reach, gain in zip(self.centres, self.reach, self.gain):
            away = points - centre
            move += (gain * np.exp((away * away).sum(1) / (-2 * reach * reach)))[:, None] * away
        down = np.array([-self.axis[1], self.axis[0]])
        away = (points - self.origin) / self.unit
        u, v = away @ self.axis, away @ down
        near = u * np.exp(-((u / 1.7) ** 4))  # the shoulders and the far hair stay
        wider = self.jaw * np.exp(-(((v - 1.15) / 0.5) ** 2))
        wider += self.skull * np.exp(-(((v + 0.9) / 0.7) ** 2))
        t = np.clip((v - 0.2) / 1.4, 0, 1)
        lower = self.length * 1.4 * t * t * (3 - 2 * t) * np.exp(-((u / 1.7) ** 4))
        lower *= np.exp(-(np.clip(v - 1.7, 0, None) ** 2))
        move += self.unit * ((near * wider)[:, None] * self.axis + lower[:, None] * down)
        length = np.sqrt((move * move).sum(1, keepdims=True))
        return points + move * np.minimum(1, FURTHEST_MOVE * self.unit / np.maximum(length, 1e-9))


def exaggeration(scene: Scene, lattice: Lattice, rng: np.random.Generator) -> Exaggeration:
    """Return the warp of one drawing of a face on a canvas."""
    habit = rng.random(6)
    anatomy, shape = scene.anatomy, scene.parameters.shape
    eyes = [anatomy.eyes[side > 0].centre for side in SIDES]
    plane = np.array([*eyes, [0.0, anatomy.y_mouth], [0.0, anatomy.y_nose - 0.12]])
    centres = lattice.cells(scene.project(scene.surface.at(plane)))
    line = centres[1] - centres[0]
    unit = scene.camera.scale * lattice.side
    stress = 0.35 * habit[3]  # of a deviation is added to it

    def stressed(value: float, spread: float) -> float:
        return float(np.clip(stress * (value - 1) + spread, -LARGEST_GROWTH, LARGEST_GROWTH))

    return Exaggeration(
        unit=unit,
        origin=centres[:2].mean(0),
        axis=line / np.linalg.norm(line),
        centres=centres,
        reach=np.array([0.24, 0.24, 0.34, 0.26]) * unit,
        gain=np.array([habit[0], habit[0], 0.85 * habit[1], 0.6 * habit[2] - 0.15])
        * LARGEST_GROWTH,
        jaw=stressed(shape.jaw, 0.02 * (habit[4] - 0.5)),
        skull=stressed(shape.width, 0.04 * (habit[5] - 0.5)),
        length=stressed(shape.chin_length, 0.02 * (habit[4] - 0.5)),
    )
