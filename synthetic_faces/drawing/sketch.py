"""Three ways to draw a face from its geometry.

Style 1 has few outlines. Style 2 adds strands of hair and the deepest shadows. Style 3 models the
whole form with hatching that follows light and depth. What differs between drawings of one style
(drift, slant, paper) is random per drawing and does not depend on the face.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic_faces.drawing.exaggeration import exaggeration
from synthetic_faces.drawing.feature_strokes import FeatureStrokes
from synthetic_faces.drawing.hatching import FULL, LIGHT, Family, hatch
from synthetic_faces.drawing.locks import locks
from synthetic_faces.drawing.outlines import Outline, outlines
from synthetic_faces.drawing.pencil import Pencil, on_paper
from synthetic_faces.drawing.subject import Subject
from synthetic_faces.figure.anatomy import SIDES
from synthetic_faces.geometry.meshes import Label

STYLES = (1, 2, 3)
LEAN = 5.0  # degrees by which drawings differ in the slant of their hatching


@dataclass(frozen=True)
class Manner:
    """The settings of a style.

    hair: strokes per canvas of hair. families, tone: its hatching and how hard it is pressed.
    wobble: drift in thousandths of the side. weight: of the line. again: how often a line is drawn
    over once more.
    """

    hair: int
    families: tuple[Family, ...]
    tone: float
    wobble: float
    weight: float
    again: float


MANNERS = {
    1: Manner(hair=1500, families=(), tone=0.0, wobble=1.5, weight=0.88, again=0.25),
    2: Manner(hair=6500, families=LIGHT, tone=0.9, wobble=1.3, weight=1.0, again=0.4),
    3: Manner(hair=10000, families=FULL, tone=1.0, wobble=1.1, weight=1.0, again=0.5),
}


def draw(
    subject: Subject, style: int, rng: np.random.Generator, exaggerate: bool = True
) -> np.ndarray:
    """Draw a subject: (size, size) uint8.

    style: one of `STYLES`. exaggerate: False draws every line where the geometry has it, give or
    take the drift of the hand.
    """
    manner = MANNERS[style]
    # The random numbers of the hand come first: they are the same whatever there is to draw.
    sheet, lean = rng.random(3), rng.normal(0, LEAN)
    warp = exaggeration(subject.scene, subject.lattice, rng)
    # Averaging an even number of samples centres them half a sample off.
    shift = -0.5 * (subject.lattice.step % 2 == 0)
    pencil = Pencil(subject.side, rng, manner.wobble, warp if exaggerate else None, shift)
    for outline in outlines(subject):
        _draw_outline(outline, manner, pencil)
    strokes = FeatureStrokes(subject, pencil)
    strokes.draw(style)
    _ears(subject, pencil)
    if subject.glasses is not None:
        for line in subject.glasses.lines:
            pencil.stroke(line, 3.0 + 0.25 * subject.glasses.width, 0.92, 0.1)
    for line in subject.seams:
        pencil.stroke(line, 2.4, 0.5, 0.4)
    locks(subject, manner.hair, pencil)
    hatch(subject, manner.families, manner.tone, lean, pencil)
    return on_paper(pencil.paper(), subject.lattice.size, sheet)


def _draw_outline(outline: Outline, manner: Manner, pencil: Pencil) -> None:
    """Draw an outline as several strokes, each begun a little before the last one ended."""
    rng, side = pencil.rng, pencil.side
    length = np.concatenate(
        [[0], np.cumsum(np.linalg.norm(np.diff(outline.points, axis=0), axis=1))]
    )
    start = 0.0
    while start < length[-1]:
        stop = start + side * rng.uniform(0.16, 0.34)
        if length[-1] - stop < 0.08 * side:
            stop = length[-1]
        force = manner.weight * outline.pressure * rng.uniform(0.85, 1.1)
        low, high = start - 0.012 * side, stop + 0.012 * side
        pencil.stroke(_between(outline.points, length, low, high), outline.width, force, 0.5)
        if rng.random() < manner.again:
            low, high = start + (stop - start) * np.sort(rng.uniform(-0.05, 1.05, 2))
            line = _between(outline.points, length, low, high)
            line = line + rng.normal(0, 0.0022 * side, 2)
            pencil.stroke(line, 0.8 * outline.width, 0.55 * force, 0.9)
        start = stop


def _between(points: np.ndarray, length: np.ndarray, low: float, high: float) -> np.ndarray:
    """Resample a path (N, 2) from one arc length to another, at even steps."""
    low, high = max(low, 0.0), min(high, float(length[-1]))
    count = max(2, int((high - low) / max(0.011 * length[-1], 3.0)) + 1, int((high - low) / 5))
    at = np.linspace(low, high, count)
    return np.stack([np.interp(at, length, points[:, k]) for k in (0, 1)], axis=1)


def _ears(subject: Subject, pencil: Pencil) -> None:
    """Draw the inner rim of each visible ear."""
    for side, name in zip(SIDES, (Label.R_EAR, Label.L_EAR)):
        rows, columns = np.nonzero(subject.labels == name)
        if len(rows) < (len(subject.labels) / 40) ** 2:
            continue
        low, high = np.percentile(rows, [18, 72])
        left, right = np.percentile(columns, [20, 80])
        outer, inner = (left, right) if side < 0 else (right, left)
        t = np.linspace(0, 1, 12)
        x = inner + (outer - inner) * np.sin(np.pi * t) ** 0.8
        rim = np.stack([x, low + (high - low) * t], axis=1)
        pencil.stroke(subject.pixels(rim), 3.2, 0.55)
