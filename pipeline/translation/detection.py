"""The faces of a photo, also those that the detector overlooks in the whole of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.landmarks.detector import Choice, find_face, windows
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation.close_search import detect_small
from pipeline.translation.face_boxes import area, box, covered, extent, is_new
from sketchface_models.errors import SketchFaceError

Which = Literal["all", "largest", "central"]
CONFIDENT = 0.65
"""Least confidence of a face in a window: backgrounds of photos reach 0.6."""
MOST_COVERED = 0.65
"""Part of a window above which a large face leaves no room in it for another."""


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
            small = [] if faces else detect_small(self.largest, photo, [], 2)
            if small:
                faces = [chosen(small, photo, self.which)]
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


def chosen(faces: Sequence[np.ndarray], photo: np.ndarray, choose: Choice) -> np.ndarray:
    """Return the largest of small faces, or the one nearest to the photo's centre."""
    if choose == "largest":
        return max(faces, key=extent)
    centre = np.array([photo.shape[1], photo.shape[0]]) / 2
    return min(faces, key=lambda face: float(np.hypot(*(box(face).mean(axis=0) - centre))))


def detect_all(detector: FaceMesh, photo: np.ndarray) -> list[np.ndarray]:
    """Return the landmarks of every face, (68, 2) float32, pixels, from left to right.

    Faces that fill a quarter of the longer side are detected in the whole photo, those that fill an
    eighth in windows of it that a larger face leaves free, smaller ones as `close_search` says.
    Where no detection is confident, the largest counts.
    """
    in_photo = [(face.landmarks, face.score) for face in detector.detect_all(photo)]
    large = [landmarks for landmarks, score in in_photo if score >= CONFIDENT]
    in_windows = [
        (face.landmarks + np.array([left, top], np.float32), face.score)
        for top, left, side in windows(*photo.shape[:2])
        if covered(np.array([[left, top], [left + side, top + side]]), large) <= MOST_COVERED
        for face in detector.detect_all(photo[top : top + side, left : left + side])
    ]
    # Half a face at a window's edge is smaller than the whole one in the next window.
    in_windows.sort(key=lambda candidate: -area(box(candidate[0])))
    faces: list[np.ndarray] = []
    for landmarks, confidence in in_photo + in_windows:
        if confidence >= CONFIDENT and is_new(landmarks, faces):
            faces.append(landmarks)
    faces += detect_small(detector, photo, faces, 2)
    doubtful = [landmarks for landmarks, _ in in_photo or in_windows]
    faces = faces or sorted(doubtful, key=lambda landmarks: -area(box(landmarks)))[:1]
    return sorted(faces, key=lambda landmarks: float(landmarks[:, 0].mean()))
