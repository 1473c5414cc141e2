"""The pieces of a sketch that the style classifier sees: small windows of face and hair.

A piece shows strokes and shading, but neither the framing of the picture nor the paper's edge. In
FS2K those identify the photo's source and so, in the training split, the style: styles 1 and 2 were
drawn from one source alone, style 3 from the two others.
"""

from __future__ import annotations

import cv2
import numpy as np

COLUMNS, ROWS = 3, 4
"""Pieces of a picture that is classified."""
HAIR = 0.75
"""How far above the brows pieces may begin, as a part of the distance from brows to chin."""
JAW, BROWS = slice(0, 17), slice(17, 27)

RESCALED = (0.65, 1.4)
"""Sides of the windows that training pieces are cut out by, in sides of a piece."""
LOWPASSED = (0.35, 0.8)
"""Part of their pixels through which half of the training pieces go: drawings are made smaller than
the data set's pictures and enlarged, and sources that were warped to one framing are soft."""
BLURRED = (0.3, 0.9)
QUALITIES = (40, 96)
CONTRASTS = (0.7, 1.3)
BRIGHTNESSES = (-20.0, 20.0)
NOISE = 4.0

Box = tuple[float, float, float, float]


def face_box(points: np.ndarray) -> Box:
    """Return left, top, right and bottom of a face with the hair above it, in pixels.

    Args:
        points: (68, 2) landmarks, pixels.
    """
    left, right = points[JAW, 0].min(), points[JAW, 0].max()
    brows, chin = points[BROWS, 1].min(), points[JAW, 1].max()
    return float(left), float(brows - HAIR * (chin - brows)), float(right), float(chin)


def corners(box: Box, side: int, size: int) -> np.ndarray:
    """Return left and top of the pieces of a picture that is classified, (ROWS * COLUMNS, 2) int.

    Args:
        box: of the face, pixels.
        side: of a piece.
        size: of the picture; pieces lie inside it.
    """
    columns = np.linspace(*_room(box[0], box[2], side, size), COLUMNS)
    rows = np.linspace(*_room(box[1], box[3], side, size), ROWS)
    grid = np.stack(np.meshgrid(columns, rows), axis=2).reshape(-1, 2)
    return np.floor(grid).astype(int)


def pieces(picture: np.ndarray, box: Box, side: int) -> np.ndarray:
    """Cut out the pieces by which a picture is classified.

    Args:
        picture: (S, S) uint8, 255 = paper.
        box: of its face.
        side: of a piece.

    Returns:
        (ROWS * COLUMNS, side, side) uint8.
    """
    windows = corners(box, side, len(picture))
    return np.stack([picture[y : y + side, x : x + side] for x, y in windows])


def training_piece(
    picture: np.ndarray, box: Box, side: int, rng: np.random.Generator
) -> np.ndarray:
    """Cut a random piece of the face and vary all that is not style: (side, side) uint8."""
    size = len(picture)
    window = min(size, round(side * rng.uniform(*RESCALED)))
    x, y = (int(rng.uniform(*_room(box[axis], box[axis + 2], window, size))) for axis in (0, 1))
    piece = _resized(picture[y : y + window, x : x + window], side)
    if rng.random() < 0.5:
        piece = _resized(_resized(piece, round(side * rng.uniform(*LOWPASSED))), side)
    if rng.random() < 0.3:
        piece = cv2.GaussianBlur(piece, (0, 0), rng.uniform(*BLURRED))
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    levels = 255 + (piece - 255.0) * rng.uniform(*CONTRASTS) + rng.uniform(*BRIGHTNESSES)
    levels += rng.normal(0, rng.uniform(0, NOISE), levels.shape)
    piece = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        options = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*QUALITIES))]
        piece = cv2.imdecode(cv2.imencode(".jpg", piece, options)[1], cv2.IMREAD_GRAYSCALE)
    return piece


def lowpassed(picture: np.ndarray, side: int) -> np.ndarray:
    """Resize a picture to `side` pixels and back: as soft as one generated at that size."""
    return _resized(_resized(picture, side), len(picture))


def _room(low: float, high: float, side: int, size: int) -> tuple[float, float]:
    """Return first and last position of a piece within low..high, or about its middle if narrow."""
    first, last = (low, high - side) if high - side > low else ((low + high - side) / 2,) * 2
    return min(max(first, 0.0), size - side), min(max(last, 0.0), size - side)


def _resized(picture: np.ndarray, side: int) -> np.ndarray:
    way = cv2.INTER_AREA if side < len(picture) else cv2.INTER_CUBIC
    return cv2.resize(picture, (side, side), interpolation=way)
