"""Small faces, as in photos of groups: searched in ever smaller windows.

The detector looks at 128 x 128 pixels, and overlooks faces that fill less than a tenth of what it
is shown. So where a search has shown nothing, or faces near that limit, windows of half the side
come next. Of so many windows some seem to show a face where there is none: what is detected is
looked at once more, from near, and must then be certain.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.landmarks.detector import windows
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation.face_boxes import box, extent, is_new, overlap

CERTAIN = 0.8
"""Least confidence of a small face that is seen from near."""
NEAR_LIMIT = 0.15
"""Extent of a face, in sides of the window, below which others may be overlooked: at 0.09 all are.
"""
LEAST_WINDOW = 96
"""Side of the smallest window, pixels: faces of 14 pixels."""
MOST_PARTS = 16
"""Windows in the photo's longer side at most; half as many where nothing is detected."""
_NEAR = 2.8  # side of the near look, in extents of the face


def detect_small(
    detector: FaceMesh,
    photo: np.ndarray,
    faces: Sequence[np.ndarray],
    parts: int,
) -> list[np.ndarray]:
    """Return the landmarks of small faces besides those that are known.

    Args:
        detector: of faces.
        photo: (H, W, 3) uint8 RGB.
        faces: landmarks of the known faces, (68, 2) float32 pixels of the photo.
        parts: how many of the windows that show them fit into the photo's longer side.

    Returns:
        (68, 2) float32 pixels of each; none where the known faces are not small.
    """
    height, width = photo.shape[:2]
    small: list[np.ndarray] = []
    extents = [extent(face) for face in faces]
    while _may_be_more(extents, max(height, width), parts):
        parts *= 2
        for top, left, side in windows(height, width, parts):
            for face in detector.detect_all(photo[top : top + side, left : left + side]):
                landmarks = face.landmarks + np.array([left, top], np.float32)
                if is_new(landmarks, [*faces, *small]):
                    near = _from_near(detector, photo, landmarks)
                    if near is not None and is_new(near, [*faces, *small]):
                        small.append(near)
        extents += map(extent, small)
    return small


def _may_be_more(extents: Sequence[float], longer: int, parts: int) -> bool:
    """Return whether windows of half the side may show faces besides those of these extents."""
    if longer // (2 * parts) < LEAST_WINDOW:
        return False
    if not extents:
        return 2 * parts < MOST_PARTS
    return 2 * parts <= MOST_PARTS and min(extents) < NEAR_LIMIT * (longer // parts)


def _from_near(detector: FaceMesh, photo: np.ndarray, landmarks: np.ndarray) -> np.ndarray | None:
    """Return a face's landmarks seen from near, (68, 2); None where there is no certain face."""
    side = round(_NEAR * extent(landmarks))
    left, top = np.maximum(np.rint(box(landmarks).mean(axis=0) - side / 2), 0).astype(int)
    corner = np.array([left, top], np.float32)
    for face in detector.detect_all(photo[top : top + side, left : left + side]):
        near = face.landmarks + corner
        if face.score >= CERTAIN and overlap(box(near), box(landmarks)) > 0.5:
            return near
    return None
