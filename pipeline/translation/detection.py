"""The faces of a photo, also those that the detector overlooks in the whole of it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.landmarks.detector import find_face, windows
from pipeline.landmarks.face_mesh import FaceMesh
from sketchface_models.errors import SketchFaceError

Which = Literal["all", "largest", "central"]
OVERLAP = 0.3
"""Two detections that share more than this part of the smaller box are one face."""
CONFIDENT = 0.65
"""Least confidence of a face in a window: backgrounds of photos reach 0.6."""


class FaceDetection:
    """Detects the faces of photos; detectors start when first needed.

    Args:
        which: of several faces; None where photos are not searched.
    """

    def __init__(self, which: Which) -> None:
        self.which = which

    def __call__(self, photo: np.ndarray, path: Path) -> list[np.ndarray]:
        """Return the landmarks of each face, (68, 2) float32, pixels, from left to right.

        Args:
            photo: (H, W, 3) uint8 RGB.
            path: of the photo, for messages.

        Raises:
            SketchFaceError: if there is no face.
        """
        if self.which == "all":
            faces = detect_all(self.largest, photo)
        else:
            face = find_face(self.largest if self.which == "largest" else self.central, photo)
            faces = [] if face is None else [face]
        if not faces:
            raise SketchFaceError(f"{path}: no face found; crop it nearer to the face")
        return faces

    @cached_property
    def largest(self) -> FaceMesh:
        """The detector that prefers the largest of several faces."""
        return FaceMesh(choose="largest")

    @cached_property
    def central(self) -> FaceMesh:
        """The detector that prefers the face nearest to the centre."""
        return FaceMesh(choose="central")


def detect_all(detector: FaceMesh, photo: np.ndarray) -> list[np.ndarray]:
    """Return the landmarks of every face, (68, 2) float32, pixels, from left to right.

    Faces that fill a quarter of the longer side are detected in the whole photo, those that fill an
    eighth in windows of it. Where no detection is confident, the largest counts.
    """
    in_photo = [(face.landmarks, face.score) for face in detector.detect_all(photo)]
    in_windows = [
        (face.landmarks + np.array([left, top], np.float32), face.score)
        for top, left, side in windows(*photo.shape[:2])
        for face in detector.detect_all(photo[top : top + side, left : left + side])
    ]
    # Half a face at a window's edge is smaller than the whole one in the next window.
    in_windows.sort(key=lambda detection: -_area(_box(detection[0])))
    faces: list[np.ndarray] = []
    for landmarks, confidence in in_photo + in_windows:
        repeated = any(_overlap(_box(landmarks), _box(face)) > OVERLAP for face in faces)
        if confidence >= CONFIDENT and not repeated:
            faces.append(landmarks)
    doubtful = [landmarks for landmarks, _ in in_photo or in_windows]
    faces = faces or sorted(doubtful, key=lambda landmarks: -_area(_box(landmarks)))[:1]
    return sorted(faces, key=lambda landmarks: float(landmarks[:, 0].mean()))


def _box(landmarks: np.ndarray) -> np.ndarray:
    """(2, 2): the upper left corner and the lower right one."""
    return np.stack([landmarks.min(axis=0), landmarks.max(axis=0)])


def _area(box: np.ndarray) -> float:
    return float(np.prod(np.maximum(box[1] - box[0], 0)))


def _overlap(box: np.ndarray, other: np.ndarray) -> float:
    """Part of the smaller of two boxes that lies in the other."""
    both = np.stack([np.maximum(box[0], other[0]), np.minimum(box[1], other[1])])
    return _area(both) / max(min(_area(box), _area(other)), 1e-9)
