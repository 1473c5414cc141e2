"""Looking closer: faces too small for the detector in the whole of a photo.

MediaPipe's detector looks at 128 x 128 pixels, and misses faces that fill less than about a quarter
of the longer side. Where it finds none, it is shown windows of half that side, which overlap by
half: what fills an eighth is found too.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipeline.landmarks.detector import Detector


def find_face(detector: Detector, photo: np.ndarray) -> np.ndarray | None:
    """The landmarks of the chosen face of a photo, else of the largest in any window of it.

    Args:
        detector: of one face.
        photo: (H, W, 3) uint8 RGB.

    Returns:
        (68, 2) float32, pixels of the whole photo; None if no face is found.
    """
    whole = detector.detect(photo)
    if whole is not None:
        return whole.landmarks
    found = []
    for top, left, side in windows(*photo.shape[:2]):
        detection = detector.detect(photo[top : top + side, left : left + side])
        if detection is not None:
            found.append(detection.landmarks + np.array([left, top], np.float32))
    # Half a face at a window's edge is smaller than the whole one in the next window.
    return max(found, key=_extent, default=None)


def windows(height: int, width: int) -> Iterator[tuple[int, int, int]]:
    """(top, left, side) of squares of half the longer side, which may reach over the shorter."""
    side = max(height, width) // 2
    if side < 32:  # nothing to be seen in so few pixels
        return
    for top in _starts(height, side):
        for left in _starts(width, side):
            yield top, left, side


def _starts(length: int, side: int) -> list[int]:
    """Where windows begin along one side: half overlapping, the last one ending with it."""
    last = max(0, length - side)
    count = 1 + -(-last * 2 // side)
    return [round(last * number / max(1, count - 1)) for number in range(count)]


def _extent(landmarks: np.ndarray) -> float:
    return float(np.ptp(landmarks, axis=0).prod())
