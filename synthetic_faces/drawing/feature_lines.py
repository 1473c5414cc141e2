"""The lines of a face, feature by feature, as exact curves of its geometry.

`sketch` draws a whole face. Drawings that misplace features (`rough_drawing`) or change one and
keep the others (`edits`) need to know which line belongs to which feature.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from synthetic_faces.drawing.outlines import FACE_LABELS, outlines
from synthetic_faces.drawing.subject import Subject
from synthetic_faces.figure.anatomy import SIDES
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.geometry.shapes import spline, stretches

EYES = ("right_eye", "left_eye")
BROWS = ("right_brow", "left_brow")
# Labels whose borders are lines of a feature; where several meet, the last one counts. The jaw is
# the border of the face below the height of the ears.
FEATURE_LABELS: dict[str, tuple[int, ...]] = {
    "crown": FACE_LABELS,
    "jaw": (),
    "neck": (Label.NECK,),
    "cloth": (Label.CLOTH, Label.NECKLACE),
    "ears": (Label.L_EAR, Label.R_EAR, Label.EARRING),
    "hair": (Label.HAIR,),
    "hat": (Label.HAT,),
}
LINE_SLACK = 0.09  # head units: lids and lips bulge between the vertices of the mesh


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
        """Return the same stroke moved by `offset` (2,), in widths."""
        return replace(self, points=self.points + offset)


Features = dict[str, list[Line]]


def features(subject: Subject) -> Features:
    """Return the visible lines of each feature, as seen in the picture.

    Features are the eyes, brows, nose, mouth, glasses, and the keys of `FEATURE_LABELS`.
    """
    lines: Features = {}
    for side in SIDES:
        number = int(side > 0)
        lines[EYES[number]] = _visible(subject, _eye(subject, side))
        lines[BROWS[number]] = _visible(subject, [_brow(subject, side)])
    lines["nose"] = _visible(subject, _nose(subject))
    lines["mouth"] = _visible(subject, _mouth(subject))
    lines |= _borders(subject)
    glasses = subject.glasses
    frames = [] if glasses is None else glasses.lines
    lines["glasses"] = [Line(line / subject.side, 3.5, 0.9, 0.1) for line in frames]
    return lines


def _visible(subject: Subject, plane_lines: list[Line]) -> list[Line]:
    """Project lines of the face plane to the picture; only their visible parts are returned."""
    visible_lines = []
    for line in plane_lines:
        world = subject.scene.camera.to_world(subject.scene.surface.at(line.points))
        points = subject.scene.camera.project(world)
        at = subject.lattice.cells(points)
        visible = world[:, 2] > subject.at(subject.z, at) - LINE_SLACK
        visible &= subject.at(subject.bare, at)
        if line.filled:
            visible_lines += [replace(line, points=points)] if visible.mean() > 0.6 else []
        else:
            visible_lines += [replace(line, points=part) for part in stretches(points, visible)]
    return visible_lines


def _eye(subject: Subject, side: int) -> list[Line]:
    """Return lids, crease, iris and pupil."""
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
    """Return a closed outline, filled as dark as the hair is dense."""
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
    """Return the outlines of the label map, each stretch under the feature it belongs to."""
    reach = np.ones((5, 5), np.uint8)
    owner = np.full(subject.labels.shape, -1, np.int8)
    for own, members in enumerate(FEATURE_LABELS.values()):
        owner[cv2.dilate(np.isin(subject.labels, members).astype(np.uint8), reach) > 0] = own
    face_mask = np.isin(subject.labels, FACE_LABELS).astype(np.uint8)
    number = list(FEATURE_LABELS).index
    rows = np.arange(len(owner))[:, None] / len(owner)
    below = rows > min(subject.landmarks[0, 1], subject.landmarks[16, 1]) / subject.lattice.size
    chin = (owner == number("neck")) & (cv2.dilate(face_mask, reach) > 0)
    owner[((owner == number("crown")) & below) | chin] = number("jaw")
    owner[cv2.erode(face_mask, reach) > 0] = -1  # the nose before its cheek, say
    lines: Features = {name: [] for name in FEATURE_LABELS}
    for outline in outlines(subject):
        owners = subject.at(owner, outline.points)
        for own, name in enumerate(FEATURE_LABELS):
            for part in stretches(outline.points, owners == own):
                if len(part) > 4:
                    points = (part + 0.5) / subject.side
                    lines[name].append(Line(points, outline.width, outline.pressure, 0.35))
    return lines
