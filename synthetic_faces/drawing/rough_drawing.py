"""Rough lines of a face: an amateur's drawing, made from the exact geometry.

The contour stage's `rough_lines` starts from the pixels of a finished sketch: it keeps every edge
and lets short pieces of it stray. Here the features are known, and so the errors of an amateur can
be made: features are left out or simplified, each sits a little off its place and is a little too
large or askew, as a whole, and only then are its lines broken into pieces that stray. Cutting and
straying are the contour stage's own functions.
"""

from __future__ import annotations

import numpy as np

from face_geometry.polylines import REFERENCE_SIZE, draw_lines
from face_geometry.strokes import cut, displace
from sketchface_models.errors import SketchFaceError
from synthetic_faces.drawing.feature_lines import BROWS, EYES, Line, features
from synthetic_faces.drawing.subject import Subject

ROUGH_WIDTH = 2.6  # pixels on a picture of side 512, like the contour stage's rough lines
MISPLACEMENT = 6.0  # typical displacement of a feature, same unit
FAINT = 0.58  # at roughness 1, lines of features drawn with less pressure are left out
INNER_FEATURES = ("nose", "mouth", *EYES, *BROWS)


def rough_drawing(
    subject: Subject, random: np.random.Generator, roughness: float = 1.0
) -> np.ndarray:
    """Draw the rough lines of a face: (size, size) uint8, 0 line, 255 paper.

    roughness: in [0, 1]; 0 keeps lines in their places, 1 looks like an amateur's.

    Raises:
        SketchFaceError: for a roughness outside [0, 1].
    """
    if not 0 <= roughness <= 1:
        raise SketchFaceError(f"roughness: {roughness:g}; allowed: 0 to 1")
    size = subject.lattice.size
    scale = size / REFERENCE_SIZE
    pieces, darkness = [], []
    for name, lines in features(subject).items():
        move = _Misplaced(name, lines, roughness, random)
        for line in lines:
            force = random.uniform(0.7, 1.0)
            if name in INNER_FEATURES and not line.filled and line.pressure < FAINT * roughness:
                continue
            for piece in cut(_dense(move(line), size), scale, random):
                if len(piece) > 1:
                    pieces.append(displace(piece, scale, roughness, random))
                    darkness.append(force)
    return draw_lines(pieces, size, ROUGH_WIDTH, darkness)


class _Misplaced:
    """Shifts, rotates and scales all lines of one feature together."""

    def __init__(
        self, name: str, lines: list[Line], roughness: float, random: np.random.Generator
    ) -> None:
        small = name in INNER_FEATURES
        # An amateur draws features too large on a face whose outline is fairly right.
        large = 1 + roughness * ((0.09 if small else 0.0) + random.normal(0, 0.06, 2))
        angle = np.radians(random.normal(0, (4.0 if small else 1.0) * roughness))
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        self.matrix = turn * large
        spread = MISPLACEMENT / REFERENCE_SIZE * roughness * (1.0 if small else 0.75)
        self.shift = random.normal(0, spread, 2)
        self.middle = np.concatenate([line.points for line in lines]).mean(0) if lines else 0.0

    def __call__(self, line: Line) -> np.ndarray:
        """Return the points (N, 2) of a line, moved, in widths of the picture."""
        return (line.points - self.middle) @ self.matrix.T + self.middle + self.shift


def _dense(points: np.ndarray, size: int) -> np.ndarray:
    """Resample a path (N, 2) in widths to points about one pixel apart, in pixels."""
    path = points * size
    step = np.hypot(*np.diff(path, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(step)])
    at = np.linspace(0, along[-1], max(2, round(along[-1])))
    return np.stack([np.interp(at, along, path[:, k]) for k in (0, 1)], axis=1)
