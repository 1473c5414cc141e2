"""An amateur's strokes: paths cut into short pieces that miss each other a little.

All lengths are pixels on a picture of side 512 (`polylines.REFERENCE_SIZE`).
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

SHORTEST = 16
"""Length below which a path is noise."""
_PIECE = (28, 90)  # shortest and longest piece
_STRAIGHTEN = 2.5  # how far a piece's corners may leave its path
_SHIFT = 3.0  # standard deviation of a long piece's displacement


def cut(path: np.ndarray, scale: float, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield pieces of a path, some with a gap between them, some overlapping.

    Args:
        path: (N, 2) float, points about a pixel apart.
        scale: side of the picture, in units of 512 pixels.
        random: of the drawing.
    """
    start = 0
    while start < len(path) - 2:
        end = start + max(4, round(random.uniform(*_PIECE) * scale))
        if len(path) - end < SHORTEST * scale / 2:
            end = len(path)  # no crumbs
        yield path[start:end]
        start = max(start + 2, end + round(random.uniform(-8, 8) * scale))


def displace(
    piece: np.ndarray, scale: float, roughness: float, random: np.random.Generator
) -> np.ndarray:
    """Straighten a piece, then shift, turn and lengthen it a little about its middle.

    Args:
        piece: (N, 2) float, points about a pixel apart.
        scale: side of the picture, in units of 512 pixels.
        roughness: how far it strays; 0 not at all.
        random: of the drawing.

    Returns:
        (M, 2) float, the corners of the drawn piece.
    """
    corners = cv2.approxPolyDP(
        piece.astype(np.float32)[:, None], _STRAIGHTEN * scale * max(roughness, 0.2), False
    )[:, 0]
    middle = corners.mean(axis=0)
    angle = np.radians(random.normal(0, 3.0 * roughness))
    stretch = 1 + abs(random.normal(0, 0.06 * roughness))
    turn = stretch * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    # Small strokes are small features, which even an amateur places well.
    care = min(1.0, len(piece) / (_PIECE[1] * scale))
    shift = random.normal(0, _SHIFT * scale * roughness * care, 2)
    return (corners - middle) @ turn.T + middle + shift
