"""Hatching: tone made of families of parallel lines that bend over the form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic_faces.drawing.pencil import Pencil
from synthetic_faces.drawing.subject import Subject
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.randomness import noise_at

STEP = 0.011  # distance of samples along a line, as a part of the side
BEND = 0.15  # of the height of the form, by which lines are pushed aside


@dataclass(frozen=True)
class Family:
    """Parallel lines at an angle (degrees), drawn where it is darker than `above`.

    spacing: distance of the lines in thousandths of the side. reach: usual length of a stroke, in
    samples. layer: of the pencil; families of two layers darken each other.
    """

    angle: float
    spacing: float
    above: float
    reach: float
    layer: str


FULL = (
    Family(-50, 9.5, 0.10, 12, "tone"),
    Family(-58, 9.0, 0.30, 9, "shade"),
    Family(35, 9.0, 0.48, 8, "cross"),
    Family(-14, 8.5, 0.66, 7, "depth"),
)
LIGHT = (Family(-50, 12.0, 0.38, 9, "tone"), Family(-60, 11.0, 0.62, 7, "shade"))

GLASS = (Family(-50, 8.0, 0.5, 20, "tone"), Family(-62, 8.0, 0.5, 20, "shade"))


def hatch(
    subject: Subject, families: tuple[Family, ...], weight: float, lean: float, pencil: Pencil
) -> None:
    """Hatch the tone of a subject. lean: degrees added to the angle of every family.

    Dark glass is hatched by every style.
    """
    if families:
        dark = subject.darkness * (1 - 0.6 * subject.hair) * np.isfinite(subject.z) * ~subject.lens
        for family in families:
            _family(subject, dark, family, family.angle + lean, weight, pencil)
    if subject.lens.any():
        dark = subject.lens.astype(np.float32)
        for family in GLASS:
            _family(subject, dark, family, family.angle + lean, 0.8, pencil)


def _family(
    subject: Subject,
    dark: np.ndarray,
    family: Family,
    angle: float,
    weight: float,
    pencil: Pencil,
) -> None:
    side, rng = subject.side, pencil.rng
    along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    across = np.array([-along[1], along[0]])
    gap, step = family.spacing * side / 1000, STEP * side
    rows, columns = int(1.42 * side / gap), int(1.42 * side / step)
    # A hand spaces its lines unevenly, and no line is quite parallel to the next.
    offset = (np.arange(rows) - rows / 2 + rng.uniform(-0.3, 0.3, rows)) * gap
    slant = rng.normal(0, 0.012, rows)
    travel = (np.arange(columns) - columns / 2) * step
    sideways = offset[:, None] + slant[:, None] * travel
    flat = 0.5 * side + travel[None, :, None] * along + sideways[..., None] * across
    flat += (BEND * subject.at(subject.relief, flat))[..., None] * across
    tone = subject.at(dark, flat)
    tone *= ((flat >= 0) & (flat < side)).all(-1)
    # Strokes start and stop a little anywhere round the edge of a tone.
    fray = noise_at("fine", flat[..., 0] / side, flat[..., 1] / side)
    inked = tone > family.above + 0.035 * fray
    chance = rng.random(inked.shape)
    inked &= chance > 1 / family.reach
    runs = _runs(inked)
    if runs is None:
        return
    index, counts, end = runs
    points = flat.reshape(-1, 2)[index]
    depth = smoothstep(family.above - 0.05, family.above + 0.38, tone.ravel()[index])
    # Random by position and not by order, so that no stroke depends on what is drawn elsewhere.
    begun = chance.ravel()[index[np.cumsum(counts) - counts]]
    force = np.repeat(0.75 + 0.35 * begun, counts)
    pressure = weight * force * (0.34 + 0.42 * depth) * np.where(end, 0.5, 1.0)
    pencil.marks(points, counts, 3.4, pressure, family.layer)


def _runs(inked: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return runs of at least two set cells along rows: flat indices, lengths, ends of runs."""
    padded = np.pad(inked, ((0, 0), (1, 1)))
    lone = padded[:, 1:-1] & ~padded[:, :-2] & ~padded[:, 2:]
    cells = np.pad(inked & ~lone, ((0, 0), (0, 1))).ravel()  # a gap ends each row
    index = np.flatnonzero(cells)
    if len(index) == 0:
        return None
    first = np.concatenate([[True], np.diff(index) > 1])
    last = np.concatenate([first[1:], [True]])
    counts = np.flatnonzero(last) - np.flatnonzero(first) + 1
    row, column = np.divmod(index, inked.shape[1] + 1)
    return row * inked.shape[1] + column, counts, first | last
