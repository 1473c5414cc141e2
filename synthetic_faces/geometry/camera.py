"""From head coordinates to the samples of a canvas: pose, perspective, framing, sampling.

A canvas is a picture at a finer resolution: `step` samples a pixel along each side. One of its
samples falls exactly on the centre of each pixel of the picture. So what is read there (labels,
depth, normals) is exact, and what is averaged around it (photo, drawing) is centred.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketchface_models.errors import SketchFaceError
from synthetic_faces.face_parameters import View

PIVOT = np.array([0.0, 0.5, -0.1])  # where the skull sits on the neck
NECK_PIVOT = np.array([0.0, 2.2, -0.4])
DISTANCE = 11.0  # head units, about 80 cm: a portrait lens
OUTER_EYE_DISTANCE = 1.282  # outer-eye distance of the average head


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Return (3, 3) from degrees: + yaw to the image's right, + pitch up, + roll clockwise."""
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return tilt @ nod @ turn


class Camera:
    """Maps head points to the world and world points to the picture.

    Pictures are measured in widths here: (0, 0) is the top left corner, (1, 1) the bottom right.
    """

    def __init__(self, view: View, eye_line: np.ndarray) -> None:
        """eye_line: (N, 3) points of the head whose mean is placed where `view` has the eyes."""
        self.head = rotation(view.yaw, view.pitch, view.roll)
        self.torso = rotation(0.35 * view.yaw, 0.15 * view.pitch, 0.2 * view.roll)
        self.scale = view.eye_distance / OUTER_EYE_DISTANCE
        self.shift = np.zeros(2)
        projected = self.project(self.to_world(eye_line)).mean(0)
        self.shift = np.array([view.eye_x, view.eye_y]) - projected

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """Pose head points (..., 3)."""
        return (points - PIVOT) @ self.head.T + PIVOT

    def torso_to_world(self, points: np.ndarray) -> np.ndarray:
        """Pose points (..., 3) of the shoulders, which follow the head only a little."""
        return (points - NECK_PIVOT) @ self.torso.T + NECK_PIVOT

    def project(self, world: np.ndarray) -> np.ndarray:
        """Project world points (..., 3) to the picture (..., 2)."""
        factor = self.scale * DISTANCE / (DISTANCE + 1 - world[..., 2:])
        return world[..., :2] * factor + self.shift


@dataclass(frozen=True)
class Lattice:
    """The sampling of a canvas.

    size: side of the picture. step: canvas samples a picture pixel, along each side.
    """

    size: int
    step: int

    @property
    def side(self) -> int:
        """Side of the canvas."""
        return self.size * self.step

    @property
    def _shift(self) -> float:
        # Picture pixel i has its centre at (i + 0.5) * step samples from the edge.
        return 0.5 * (self.step % 2)

    def cells(self, points: np.ndarray) -> np.ndarray:
        """Convert picture points (..., 2) in widths to canvas coordinates, integers at samples."""
        return points * self.side - self._shift

    def centres(self, canvas: np.ndarray) -> np.ndarray:
        """Read a canvas (side, side, ...) at the centres of the picture's pixels."""
        return canvas[self.step // 2 :: self.step, self.step // 2 :: self.step]


def lattice(size: int) -> Lattice:
    """Return the sampling of a picture of side `size`: finer for small pictures.

    Raises:
        SketchFaceError: for a size that is no whole number of pixels.
    """
    if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
        raise SketchFaceError(f"size: {size!r}; allowed: a whole number of pixels, 1 or more")
    return Lattice(size, 4 if size <= 96 else 2 if size <= 1024 else 1)


def reduce(canvas: np.ndarray, size: int) -> np.ndarray:
    """Average over each picture pixel: (side, side, ...) float32 -> (size, size, ...)."""
    step = canvas.shape[0] // size
    if step % 2 == 0:
        # Half a sample to the left and half to the right of each: centred on sample step / 2.
        canvas = cv2.blur(canvas, (2, 2), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
