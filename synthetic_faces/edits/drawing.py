"""Two ways to draw named lines: as the contour stage does, and in pencil as style 1 does.

In both a line's pixels depend on nothing but the line: lines that two pictures share are the same
in both to the last bit, wherever no other line comes near.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from face_geometry import ibug
from face_geometry.polylines import REFERENCE_SIZE, draw_lines
from synthetic_faces.drawing.feature_lines import Line
from synthetic_faces.drawing.paper import on_paper
from synthetic_faces.drawing.pencil import Pencil
from synthetic_faces.drawing.sketch import MANNERS
from synthetic_faces.geometry.lattice import lattice
from synthetic_faces.streams import stream

CONTOUR_WIDTH = 2.0  # pixels on a picture of side 512 (paper, section 4.2)
STYLE = 1
REACH = 9 / 512  # a stroke's half-width and the drift of the hand, and some more, in widths


def contour(points: np.ndarray, extras: Sequence[Line], size: int) -> np.ndarray:
    """(size, size) uint8: landmarks (68, 2) in pixels joined chain by chain, and more lines."""
    chains = [points[ibug.chain(name)] for name in ibug.CHAINS]
    return draw_lines([*chains, *(line.points * size for line in extras)], size, CONTOUR_WIDTH)


def pencil_drawing(lines: Sequence[Line], size: int, seed: int, id: str) -> np.ndarray:
    """(size, size) uint8: lines in pencil on paper; one hand and one sheet for all edits of a face.

    The hand drifts with the place, never with the order of its strokes.
    """
    grid = lattice(size)
    pencil = Pencil(grid.side, stream(seed, id, "edit pencil"), MANNERS[STYLE].wobble)
    for line in lines:
        at = grid.cells(line.points)
        force = MANNERS[STYLE].weight * line.pressure
        if line.filled:
            pencil.blot(at, force)
        else:
            pencil.stroke(at, line.width, force, line.taper)
    return on_paper(pencil.paper(), size, stream(seed, id, "edit paper").random(3))


def region(lines: Sequence[Line], size: int) -> np.ndarray:
    """(size, size) bool: every pixel that drawing these lines in either way can touch."""
    reach = math.ceil(REACH * size) + 2
    mask = np.zeros((size, size), np.uint8)
    for line in lines:
        path = np.round(line.points * size - 0.5).astype(np.int32)
        if line.filled:
            cv2.fillPoly(mask, [path], (255,))
        cv2.polylines(mask, [path], line.filled, (255,), 2 * reach + 1)
    return mask > 0


def chain_lines(points: np.ndarray, names: Sequence[str], size: int) -> list[Line]:
    """Chains of landmarks (68, 2), in pixels, as lines."""
    width = 1000 * CONTOUR_WIDTH / REFERENCE_SIZE
    return [Line(points[ibug.chain(name)] / size, width, 1.0) for name in names]
