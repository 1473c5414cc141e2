"""Where a drawing's lines, or a parsing map, go in the square that the network reads.

A generator has learned from contours of faces whose eyes and mouth lie at fixed points. So a drawn
face is turned, scaled and shifted until its own lie there, wherever on the page it was. The
landmark detector, which was made for photos, finds them in most line drawings; where it does not,
the box about all lines is brought to the box about the average training contour.

Training contours end at the brows and the jaw. So where landmarks are found, lines of hair, neck
and shoulders, of which the generator knows nothing, are left out.

Training moves its contours a little. A drawing that lies on its page within that of where it would
be brought is left there, to the pixel: so a change of one line changes that line alone. A map shows
where eyes and mouth are; it is brought to the same points, or left, though training moves no maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
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
NATURAL_SCALE, NATURAL_SHIFT, NATURAL_TURN = 1.15, 0.02, 2.0
"""How much faces of one framing differ in size, in place (part of the side) and in turn (degrees),
besides what training adds: such a difference is the face's own."""
FACE_MARGIN = 0.25
"""How far beyond the hull of its landmarks a line belongs to the face, in distances between the
outer corners of the eyes. Clean contours lose nothing at 0.2, rough ones no chin at 0.25."""
_SHORTEST = 0.05  # piece of a line that is kept where it was cut, same unit
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
    moves: tuple[float, float],
    detector: Detector,
) -> list[np.ndarray]:
    """Return the lines of the drawn face in the square, each (N, 2) pixels.

    Args:
        drawing: with lines.
        framing: of the training photos.
        size: side of the square, pixels.
        moves: how far training moves contours at most: part of the side, and degrees.
        detector: of landmarks.
    """
    target, page = framing.target(size), fit_page(drawing.width, drawing.height, size)
    landmarks = detect_landmarks(drawing, detector)
    lines = [] if landmarks is None else face_lines(drawing.lines, landmarks)
    if landmarks is not None and lines:
        framed = align.similarity(align.eyes_and_mouth(landmarks), target)
    else:
        lines, framed = drawing.lines, _by_box(drawing, target)
    transform = page if _is_near(page, framed, target, size, moves) else framed
    return [align.transform_points(line, transform) for line in lines]


def place_map(
    features: np.ndarray, extent: tuple[int, int], framing: Framing, size: int
) -> np.ndarray:
    """Return the transform (2, 3) that brings a map's eyes and mouth to the framing.

    Args:
        features: eyes and mouth, (3, 2) pixels of the map.
        extent: width and height of the map, pixels.
        framing: of the training photos.
        size: side of the square, pixels.
    """
    target, page = framing.target(size), fit_page(*extent, size)
    framed = align.similarity(features, target)
    return page if _is_near(page, framed, target, size, (0.0, 0.0)) else framed


def detect_landmarks(drawing: LineDrawing, detector: Detector) -> np.ndarray | None:
    """Return the landmarks that the detector sees in the lines, (68, 2) pixels of the page."""
    low, high = _box(drawing)
    for part in _DETECTION_PARTS:
        scale = part * _DETECTION_SIDE / (high - low).max()
        shift = _DETECTION_SIDE / 2 - scale * (low + high) / 2
        lines = [line * scale + shift for line in drawing.lines]
        picture = draw_lines(lines, _DETECTION_SIDE, _DETECTION_WIDTH)
        face = detector.detect(np.repeat(picture[..., None], 3, axis=2))
        if face is not None:
            landmarks: np.ndarray = (face.landmarks - shift) / scale
            return landmarks
    return None


def face_lines(lines: Sequence[np.ndarray], landmarks: np.ndarray) -> list[np.ndarray]:
    """Return the parts of lines that lie within the face, or no farther out than `FACE_MARGIN`."""
    eyes = float(np.hypot(*(landmarks[36] - landmarks[45])))
    hull = cv2.convexHull(landmarks.astype(np.float32))
    parts = []
    for line in lines:
        inside = [
            cv2.pointPolygonTest(hull, point, True) > -FACE_MARGIN * eyes for point in line.tolist()
        ]
        # Where it goes in or out, it is cut.
        for part in np.split(np.arange(len(line)), np.flatnonzero(np.diff(inside)) + 1):
            whole = len(part) == len(line)
            if inside[part[0]] and (whole or np.ptp(line[part], axis=0).max() > _SHORTEST * eyes):
                parts.append(line[part])
    return parts


def _box(drawing: LineDrawing) -> np.ndarray:
    """Return the upper left and the lower right corner, (2, 2)."""
    points = np.concatenate(drawing.lines)
    return np.stack([points.min(axis=0), points.max(axis=0)])


def _by_box(drawing: LineDrawing, target: np.ndarray) -> np.ndarray:
    """Scale and shift the box about the lines to that of the average contour."""
    box = _box(drawing)
    middle = target[:2].mean(axis=0)
    average = middle + CONTOUR_BOX * np.hypot(*(target[2] - middle))
    extent, average_extent = np.diff(box, axis=0)[0], np.diff(average, axis=0)[0]
    scale = (extent @ average_extent) / (extent @ extent)  # least squares, without distortion
    shift = average.mean(axis=0) - scale * box.mean(axis=0)
    return np.column_stack([np.eye(2) * scale, shift])


def _is_near(
    page: np.ndarray, framed: np.ndarray, target: np.ndarray, size: int, moves: tuple[float, float]
) -> bool:
    """Return whether `framed` differs from `page` by no more than training contours do."""
    matrix = np.linalg.inv(framed[:, :2])
    on_page = align.transform_points((target - framed[:, 2]) @ matrix.T, page)
    change = align.similarity(on_page, target)
    scale = float(np.sqrt(np.linalg.det(change[:, :2])))
    degrees = abs(float(np.degrees(np.arctan2(change[1, 0], change[0, 0]))))
    shift = float(np.abs(target.mean(axis=0) - on_page.mean(axis=0)).max()) / size
    return (
        shift <= moves[0] + NATURAL_SHIFT
        and degrees <= moves[1] + NATURAL_TURN
        and 1 / NATURAL_SCALE <= scale <= NATURAL_SCALE
    )
