"""Everybody in a photo, also those whom the detector overlooks in the whole of it."""

from __future__ import annotations

import numpy as np

from pipeline.faces.closer import windows
from pipeline.faces.detector import FaceMesh

_SAME = 0.3  # part of the smaller box that two views of one face share


def everyone(detector: FaceMesh, photo: np.ndarray) -> list[np.ndarray]:
    """The faces of a photo, from left to right.

    Faces that fill a quarter of the longer side are found in the whole photo, those that fill an
    eighth in windows of it (see `closer`).

    Args:
        detector: of faces.
        photo: (H, W, 3) uint8 RGB.

    Returns:
        Landmarks of each, (68, 2) float32, pixels.
    """
    found = [face.landmarks for face in detector.detect_all(photo)]
    closer = [
        face.landmarks + np.array([left, top], np.float32)
        for top, left, side in windows(*photo.shape[:2])
        for face in detector.detect_all(photo[top : top + side, left : left + side])
    ]
    # Half a face at a window's edge is smaller than the whole one in the next window.
    for landmarks in sorted(closer, key=lambda each: -float(_area(_box(each)))):
        if not any(_shared(_box(landmarks), _box(other)) > _SAME for other in found):
            found.append(landmarks)
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
