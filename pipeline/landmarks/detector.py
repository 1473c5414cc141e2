"""What a landmark detector returns, and how one face of a photo is chosen.

MediaPipe's detector looks at 128 x 128 pixels, and misses faces that fill less than about a quarter
of the longer side. Where it finds none, `find_face` shows it windows of half that side, which
overlap by half: faces that fill an eighth are detected too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

Choice = Literal["largest", "central"]


@dataclass(frozen=True)
class Detection:
    """One detected face. Pixels: x right, y down, where pixel i covers [i, i + 1).

    landmarks: (68, 2) float32, the iBUG points.
    score: the face detector's confidence, in [0, 1].
    faces: number of faces detected in the photo.
    mesh: (478, 3) float32; z towards the back (smaller is nearer); the last 10 vertices are the
    irises'. None from a detector that knows the landmarks alone.
    """

    landmarks: np.ndarray
    score: float
    faces: int
    mesh: np.ndarray | None


class Detector(Protocol):
    """What every landmark backend offers."""

    def detect(self, photo: np.ndarray) -> Detection | None:
        """Return the chosen face of a photo, (H, W, 3) uint8 RGB; None without a face."""

    def best_score(self, photo: np.ndarray) -> float | None:
        """Return the confidence in the likeliest face, however low; None without a candidate."""


def face_index(boxes: np.ndarray, width: int, height: int, choose: Choice) -> int:
    """Return the index of the face to use.

    Args:
        boxes: (N, 4) float, pixels: left, top, right, bottom of N >= 1 faces.
        width: of the photo, pixels.
        height: of the photo, pixels.
        choose: largest: by area, to a whole per cent of the photo's; of equally large ones the
            most central. central: nearest to the centre, to a whole per cent of the longer side;
            of equally near ones the largest.
    """
    low, high = np.asarray(boxes, float)[:, :2], np.asarray(boxes, float)[:, 2:]
    area = np.prod(high - low, axis=1) / (width * height)
    away = np.hypot(*((low + high) / 2 - np.array([width, height]) / 2).T) / max(width, height)
    if choose == "largest":
        order = np.lexsort((away, -np.round(100 * area)))
    else:
        order = np.lexsort((-area, np.round(100 * away)))
    return int(order[0])


def find_face(detector: Detector, photo: np.ndarray) -> np.ndarray | None:
    """Return the landmarks of a photo's chosen face, else of the largest in any window.

    Args:
        detector: of one face.
        photo: (H, W, 3) uint8 RGB.

    Returns:
        (68, 2) float32, pixels of the whole photo; None without a face.
    """
    whole = detector.detect(photo)
    if whole is not None:
        return whole.landmarks
    candidates = []
    for top, left, side in windows(*photo.shape[:2]):
        detection = detector.detect(photo[top : top + side, left : left + side])
        if detection is not None:
            candidates.append(detection.landmarks + np.array([left, top], np.float32))
    # Half a face at a window's edge is smaller than the whole one in the next window.
    return max(candidates, key=_extent, default=None)


def windows(height: int, width: int, parts: int = 2) -> Iterator[tuple[int, int, int]]:
    """Yield (top, left, side) of squares that overlap by half; they may exceed the shorter side.

    Args:
        height: of the photo, pixels.
        width: of the photo, pixels.
        parts: how many squares fit into the longer side.
    """
    side = max(height, width) // parts
    if side < 32:  # nothing to be seen in so few pixels
        return
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield top, left, side


def _starts(length: int, side: int) -> list[int]:
    """Return where windows begin along one side: half overlapping, the last ending with it."""
    last = max(0, length - side)
    count = 1 + -(-last * 2 // side)
    return [round(last * number / max(1, count - 1)) for number in range(count)]


def _extent(landmarks: np.ndarray) -> float:
    return float(np.ptp(landmarks, axis=0).prod())
