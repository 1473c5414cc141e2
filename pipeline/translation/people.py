"""Everybody in a photo, also those whom the detector overlooks in the whole of it."""

from __future__ import annotations

import numpy as np

from pipeline.landmarks.detector import windows
from pipeline.landmarks.face_mesh import FaceMesh

_SAME = 0.3  # part of the smaller box that two views of one face share
_SURE = 0.65  # confidence: in backgrounds of photos things are like a face with up to 0.6


def everyone(detector: FaceMesh, photo: np.ndarray) -> list[np.ndarray]:
    """The faces of a photo, from left to right.

    Faces that fill a quarter of the longer side are found in the whole photo, those that fill an
    eighth in windows of it. Where the detector is sure of none, the largest counts.

    Args:
        detector: of faces.
        photo: (H, W, 3) uint8 RGB.

    Returns:
        Landmarks of each, (68, 2) float32, pixels.
    """
    far = [(face.landmarks, face.score) for face in detector.detect_all(photo)]
    near = [
        (face.landmarks + np.array([left, top], np.float32), face.score)
        for top, left, side in windows(*photo.shape[:2])
        for face in detector.detect_all(photo[top : top + side, left : left + side])
    ]
    # Half a face at a window's edge is smaller than the whole one in the next window.
    near.sort(key=lambda each: -_area(_box(each[0])))
    found: list[np.ndarray] = []
    for landmarks, score in far + near:
        if score >= _SURE and not any(
            _shared(_box(landmarks), _box(other)) > _SAME for other in found
        ):
            found.append(landmarks)
    likely = [landmarks for landmarks, _ in far or near]
    found = found or sorted(likely, key=lambda each: -_area(_box(each)))[:1]
    return sorted(found, key=lambda each: float(each[:, 0].mean()))


def _box(landmarks: np.ndarray) -> np.ndarray:
    """(2, 2): the upper left corner and the lower right one."""
    return np.stack([landmarks.min(axis=0), landmarks.max(axis=0)])


def _area(box: np.ndarray) -> float:
    return float(np.prod(np.maximum(box[1] - box[0], 0)))


def _shared(one: np.ndarray, other: np.ndarray) -> float:
    """Part of the smaller of two boxes that lies in the other."""
    both = np.stack([np.maximum(one[0], other[0]), np.minimum(one[1], other[1])])
    return _area(both) / max(min(_area(one), _area(other)), 1e-9)
