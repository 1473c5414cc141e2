"""Boxes about the landmarks of faces: their size, how they overlap, what they cover.

A box is (2, 2) pixels: the upper left corner and the lower right one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

OVERLAP = 0.3
"""Two detections that share more than this part of the smaller box are one face."""
_HEAD_MARGIN = np.array([[0.3, 0.6], [0.3, 0.15]])
"""How far the head exceeds the box about the landmarks, in sides of that: on the left and above, on
the right and below."""


def box(landmarks: np.ndarray) -> np.ndarray:
    """Return the box about landmarks, (68, 2)."""
    return np.stack([landmarks.min(axis=0), landmarks.max(axis=0)])


def extent(landmarks: np.ndarray) -> float:
    """Return the longer side of the box about landmarks, pixels."""
    return float(np.ptp(landmarks, axis=0).max())


def area(box: np.ndarray) -> float:
    """Return a box's area, square pixels; 0 for an empty one."""
    return float(np.prod(np.maximum(box[1] - box[0], 0)))


def overlap(box: np.ndarray, other: np.ndarray) -> float:
    """Return the part of the smaller of two boxes that lies in the other."""
    return area(_common(box, other)) / max(min(area(box), area(other)), 1e-9)


def is_new(landmarks: np.ndarray, faces: Sequence[np.ndarray]) -> bool:
    """Return whether landmarks are those of none of the faces."""
    return all(overlap(box(landmarks), box(face)) <= OVERLAP for face in faces)


def covered(window: np.ndarray, faces: Sequence[np.ndarray]) -> float:
    """Return the largest part of a window that one face's head covers; 0 without faces."""
    parts = [area(_common(window, _head(box(face)))) / area(window) for face in faces]
    return max(parts, default=0.0)


def _head(box: np.ndarray) -> np.ndarray:
    margin = _HEAD_MARGIN * (box[1] - box[0])
    return np.stack([box[0] - margin[0], box[1] + margin[1]])


def _common(box: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.stack([np.maximum(box[0], other[0]), np.minimum(box[1], other[1])])
