"""The lines of a face, feature by feature, as exact curves of its geometry.

`sketch` draws a whole face; what leaves features out, misplaces them (`rough`) or changes one and
keeps the others (`edits`) needs to know which line belongs to which feature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from synthetic_faces.drawing.outlines import FACE, outlines
from synthetic_faces.drawing.subject import Subject
from synthetic_faces.figure.anatomy import SIDES
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.geometry.shapes import spline

EYES = ("right_eye", "left_eye")
BROWS = ("right_brow", "left_brow")
# Borders of the label map by what they belong to; where several meet, the last one counts. The
# jaw is the border of the face below the height of the ears.
BORDERS: dict[str, tuple[int, ...]] = {
    "crown": FACE,
    "jaw": (),
    "neck": (Label.NECK,),
    "cloth": (Label.CLOTH, Label.NECKLACE),
    "ears": (Label.L_EAR, Label.R_EAR, Label.EARRING),
    "hair": (Label.HAIR,),
    "hat": (Label.HAT,),
}
SLACK = 0.09  # head units: lids and lips bulge between the vertices of the mesh


@dataclass(frozen=True)
class Line:
    """One stroke. points: (N, 2) in widths of the picture. width: thousandths of the side.

    pressure: in [0, 1]. taper: how much of it goes at the ends. filled: the line encloses a dark
    area.
    """

    points: np.ndarray
    width: float
    pressure: float
    taper: float = 0.5
    filled: bool = False

    def moved(self, offset: np.ndarray) -> Line:
        """The same stroke elsewhere; offset: (2,)."""
        return replace(self, points=self.points + offset)


Features = dict[str, list[Line]]


def features(subject: Subject) -> Features:
    """Visible lines of the eyes, brows, nose, mouth and glasses, and of everything in `BORDERS`."""
    found: Features = {}
    for side in SIDES:
        number = int(side > 0)
        found[EYES[number]] = _seen(subject, _eye(subject, side))
        found[BROWS[number]] = _seen(subject, [_brow(subject, side)])
    found["nose"] = _seen(subject, _nose(subject))
    found["mouth"] = _seen(subject, _mouth(subject))
    found |= _borders(subject)
    glasses = subject.glasses
    frames = [] if glasses is None else glasses.lines
    found["glasses"] = [Line(line / subject.side, 3.5, 0.9, 0.1) for line in frames]
    return found


def _seen(subject: Subject, lines: list[Line]) -> list[Line]:
    """Lines of the face plane -> the visible parts of them in the picture."""
    found = []
    for line in lines:
        world = subject.scene.camera.to_world(subject.scene.surface.at(line.points))
        place = subject.scene.camera.project(world)
        at = subject.lattice.cells(place)
        shown = world[:, 2] > subject.at(subject.z, at) - SLACK
        shown &= subject.at(subject.bare, at)
        if line.filled:
            found += [replace(line, points=place)] if shown.mean() > 0.6 else []
        else:
            found += [replace(line, points=part) for part in _runs(place, shown)]
    return found


def _runs(points: np.ndarray, keep: np.ndarray) -> list[np.ndarray]:
    """Stretches of at least two points (N, 2) that are kept."""
    cuts = np.flatnonzero(np.diff(keep.astype(int))) + 1
    parts = zip(np.split(points, cuts), np.split(keep, cuts), strict=True)
    return [part for part, kept in parts if kept[0] and len(part) > 1]


def _eye(subject: Subject, side: int) -> list[Line]:
    """Lids, crease, iris and pupil."""
    eye, p = subject.scene.anatomy.eyes[side > 0], subject.scene.parameters.eyes
    bow = np.sin(np.linspace(0, np.pi, len(eye.upper)))[:, None]
    lift = (0.028 + 0.038 * p.crease) * p.size
    crease = eye.upper - np.array([0, 1]) * lift * (0.45 + 0.55 * bow)
    lines = [
        Line(eye.upper, 5.0 + 2.0 * p.lashes, 0.95, 0.3),
        Line(eye.lower, 3.0, 0.6),
        Line(crease[4:-4], 2.8, 0.3 + 0.35 * p.crease),
    ]
    if (eye.lower[:, 1] - eye.upper[:, 1]).max() < 0.3 * eye.iris_radius:
        return lines  # the eye is closed
    angle = np.linspace(0, 2 * np.pi, 33)
    for radius, filled in ((eye.iris_radius, False), (0.48 * eye.iris_radius, True)):
        ring = eye.iris + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        order = np.argsort(eye.upper[:, 0])
        x = eye.upper[order, 0]
        top = np.interp(ring[:, 0], x, eye.upper[order, 1])
        bottom = np.interp(ring[:, 0], x, eye.lower[order, 1])
        clipped = np.stack([ring[:, 0], np.clip(ring[:, 1], top, bottom)], axis=1)
        lines.append(Line(clipped, 2.6, 0.9 if filled else 0.75, 0.0, filled))
    return lines


def _brow(subject: Subject, side: int) -> Line:
    """One closed outline, filled as far as the hair is dense."""
    spine = subject.scene.anatomy.brows[side > 0]
    half = spine[:, 2:] * [0, 1]
    ring = np.vstack([spine[:, :2] - half, (spine[:, :2] + half)[::-1]])
    dark = 0.35 + 0.35 * subject.scene.parameters.brows.density
    return Line(ring, 2.0, dark, 0.0, filled=True)


def _nose(subject: Subject) -> list[Line]:
    anatomy = subject.scene.anatomy
    h, y = anatomy.nose_half, anatomy.y_nose
    wing = np.array(
        [
            (0.80 * h, y - 0.175),
            (1.05 * h, y - 0.12),
            (1.05 * h, y - 0.045),
            (0.78 * h, y - 0.01),
        ]
    )
    base = np.array([(-0.6 * h, y - 0.02), (0.0, y + 0.018), (0.6 * h, y - 0.02)])
    lines = [Line(spline(wing * [side, 1], 18), 3.8, 0.75) for side in SIDES]
    lines.append(Line(spline(base, 18), 3.2, 0.6))
    shaded = -float(np.sign(subject.scene.parameters.light.azimuth)) or 1.0
    ridge = np.array([(0.13, -0.1), (0.09, 0.08), (0.105, 0.27), (0.14, y - 0.2)])
    lines.append(Line(spline(ridge * [shaded, 1], 22), 2.6, 0.4, 0.9))
    return lines + [Line(ring, 2.0, 0.75, 0.0, filled=True) for ring in anatomy.nostrils]


def _mouth(subject: Subject) -> list[Line]:
    lips, gap = subject.scene.anatomy.lips, subject.scene.parameters.mouth.opening
    lines = [
        Line(lips.upper_inner, 4.6, 0.95, 0.4),
        Line(lips.upper_outer[3:-3], 3.2, 0.55),
        Line(lips.lower_outer[6:-6], 3.4, 0.55),
    ]
    return lines + ([Line(lips.lower_inner, 3.6, 0.8, 0.3)] if gap > 0.01 else [])


def _borders(subject: Subject) -> Features:
    """The outlines of the label map, each stretch under the feature it belongs to."""
    reach = np.ones((5, 5), np.uint8)
    owner = np.full(subject.names.shape, -1, np.int8)
    for own, members in enumerate(BORDERS.values()):
        owner[cv2.dilate(np.isin(subject.names, members).astype(np.uint8), reach) > 0] = own
    face_mask = np.isin(subject.names, FACE).astype(np.uint8)
    number = list(BORDERS).index
    rows = np.arange(len(owner))[:, None] / len(owner)
    below = rows > min(subject.landmarks[0, 1], subject.landmarks[16, 1]) / subject.lattice.size
    chin = (owner == number("neck")) & (cv2.dilate(face_mask, reach) > 0)
    owner[((owner == number("crown")) & below) | chin] = number("jaw")
    owner[cv2.erode(face_mask, reach) > 0] = -1  # the nose before its cheek, say
    found: Features = {name: [] for name in BORDERS}
    for outline in outlines(subject):
        owners = subject.at(owner, outline.points)
        for own, name in enumerate(BORDERS):
            for part in _runs(outline.points, owners == own):
                if len(part) > 4:
                    place = (part + 0.5) / subject.side
                    found[name].append(Line(place, outline.width, outline.pressure, 0.35))
    return found
