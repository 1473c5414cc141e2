"""Where a drawing's lines go in the square that the network reads.

A generator has learned from contours of faces whose eyes and mouth lie at fixed points. So a drawn
face is turned, scaled and shifted until its own lie there, wherever on the page it was. The
landmark detector, which was made for photos, finds eyes and mouth in most line drawings; where it
does not, the box about all lines is brought to the box about the average training contour.

Training moves its contours a little. A drawing that lies within that of its place on the page is
left there, to the pixel.
"""

from __future__ import annotations

import numpy as np

from face_geometry import align
from face_geometry.align import Framing
from face_geometry.polylines import draw_lines
from pipeline.landmarks.detector import Detector
from pipeline.translation.line_drawing import LineDrawing

CONTOUR_BOX = np.array([[-1.05, -0.36], [1.05, 1.72]])
"""Upper left and lower right corner of the average contour, from the middle between the eyes, in
distances from there to the mouth. Means over 60 photos of CelebAMask-HQ and 24 built-in faces,
which differ by 0.1."""
NATURAL_SCALE = 1.1
"""Faces of one framing are larger or smaller than each other by so much: such a difference in size
is the face's own."""
_DETECTION_SIDE = 512
_DETECTION_WIDTH = 3.0  # of lines, pixels; thinner ones are overlooked more often
_DETECTION_PARTS = (0.5, 0.6, 0.4, 0.75)  # of that side that the drawing fills, in this order


def fit_page(width: int, height: int, size: int) -> np.ndarray:
    """Return the transform (2, 3) that centres a page in a square, its margins with it."""
    scale = size / max(width, height)
    shift = (size - scale * np.array([width, height])) / 2
    return np.column_stack([np.eye(2) * scale, shift])


def place(
    drawing: LineDrawing,
    framing: Framing,
    size: int,
    moved: tuple[float, float],
    detector: Detector,
) -> np.ndarray:
    """Return the transform (2, 3) of a drawing from pixels of its page to those of the square.

    Args:
        drawing: with lines.
        framing: of the training photos.
        size: side of the square, pixels.
        moved: how far training moves contours: part of the side, and degrees.
        detector: of landmarks.
    """
    target, page = framing.target(size), fit_page(drawing.width, drawing.height, size)
    features = eyes_and_mouth(drawing, detector)
    if features is None:
        placed = _by_box(drawing, target)
    else:
        placed = align.similarity(features, target)
    return page if _is_near(page, placed, target, size, moved) else placed


def eyes_and_mouth(drawing: LineDrawing, detector: Detector) -> np.ndarray | None:
    """Return eyes and mouth of a drawing, (3, 2) pixels of its page, as the detector sees them."""
    low, high = _box(drawing)
    for part in _DETECTION_PARTS:
        scale = part * _DETECTION_SIDE / (high - low).max()
        shift = _DETECTION_SIDE / 2 - scale * (low + high) / 2
        lines = [line * scale + shift for line in drawing.lines]
        picture = draw_lines(lines, _DETECTION_SIDE, _DETECTION_WIDTH)
        face = detector.detect(np.repeat(picture[..., None], 3, axis=2))
        if face is not None:
            return align.eyes_and_mouth((face.landmarks - shift) / scale)
    return None


def _box(drawing: LineDrawing) -> np.ndarray:
    """Return the upper left and the lower right corner, (2, 2)."""
    points = np.concatenate(drawing.lines)
    return np.stack([points.min(axis=0), points.max(axis=0)])


def _by_box(drawing: LineDrawing, target: np.ndarray) -> np.ndarray:
    """Scale and shift the box about the lines to that of the average contour."""
    box = _box(drawing)
    middle = target[:2].mean(axis=0)
    wanted = middle + CONTOUR_BOX * np.hypot(*(target[2] - middle))
    extent, wanted_extent = np.diff(box, axis=0)[0], np.diff(wanted, axis=0)[0]
    scale = (extent @ wanted_extent) / (extent @ extent)  # least squares, without distortion
    shift = wanted.mean(axis=0) - scale * box.mean(axis=0)
    return np.column_stack([np.eye(2) * scale, shift])


def _is_near(
    page: np.ndarray, placed: np.ndarray, target: np.ndarray, size: int, moved: tuple[float, float]
) -> bool:
    """Return whether `placed` differs from `page` by no more than training moves contours."""
    back = align.transform_points(target, _inverse(placed))
    change = align.similarity(align.transform_points(back, page), target)
    scale = float(np.sqrt(np.linalg.det(change[:, :2])))
    degrees = abs(float(np.degrees(np.arctan2(change[1, 0], change[0, 0]))))
    centre = target.mean(axis=0)
    shift = np.abs(align.transform_points(centre[None], change)[0] - centre).max() / size
    return shift <= moved[0] and degrees <= moved[1] and 1 / NATURAL_SCALE <= scale <= NATURAL_SCALE


def _inverse(transform: np.ndarray) -> np.ndarray:
    matrix = np.linalg.inv(transform[:, :2])
    return np.column_stack([matrix, -matrix @ transform[:, 2]])
