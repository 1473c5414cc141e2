"""Before and after: one face rendered twice, and drawn with all but one feature shared.

Lines are drawn in two ways: as the contour stage does, and in pencil as in style 1. In both, the
pixels of a line depend on that line alone: lines that two pictures share are equal in both to the
last bit, wherever no other line comes near.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import cv2
import numpy as np

from face_geometry import ibug
from face_geometry.polylines import CONTOUR_WIDTH, REFERENCE_SIZE, draw_lines
from sketchface_models.errors import SketchFaceError
from synthetic_faces.drawing.feature_lines import Features, Line, features
from synthetic_faces.drawing.pencil import Pencil, on_paper
from synthetic_faces.drawing.sketch import MANNERS
from synthetic_faces.edits.extras import extra
from synthetic_faces.edits.groups import CORNER, EYES, OUTER_CORNER, Group, after, before, known
from synthetic_faces.face_parameters import Parameters
from synthetic_faces.geometry.camera import lattice
from synthetic_faces.randomness import face_id, stream
from synthetic_faces.rendering import Rendering, render_parameters

SMALLEST_SIDE = 64
EDIT_STYLE = 1
LINE_REACH = 9 / 512  # a stroke's half-width and the drift of the hand, and some more, in widths


@dataclass(frozen=True)
class Picture:
    """One side of a pair; S is the side of the pictures.

    lines: (S, S) uint8, landmarks joined as the contour stage does, and what the group adds.
    photo: (S, S, 3) uint8, rendered from `parameters`. labels: (S, S) uint8, its CelebAMask-HQ
    classes. landmarks: (68, 2) float64, pixels, as features: only those of the changed place differ
    within a pair. In the photo a smile, say, moves others as well, by about 1 % of S. strokes,
    seed, id: what the sketch is drawn from.
    """

    lines: np.ndarray
    photo: np.ndarray
    labels: np.ndarray
    landmarks: np.ndarray
    parameters: Parameters
    strokes: tuple[Line, ...] = field(repr=False)
    seed: int
    id: str

    @cached_property
    def sketch(self) -> np.ndarray:
        """(S, S) uint8: the same face in style 1, drawn when it is first looked at."""
        return _pencil_drawing(self.strokes, len(self.lines), self.seed, self.id)


@dataclass(frozen=True)
class EditSet:
    """A pair of drawings of one face.

    mask: (S, S) bool; outside it `lines` and `sketch` are the same in both pictures to the last
    bit. kind: what an addition is (hair, whiskers, wrinkles, ears, graffiti), else empty.
    corner: column and row of the pixel on which the eye corner lies in every set of this size.
    """

    group: str
    seed: int
    id: str
    variant: int
    size: int
    kind: str
    before: Picture
    after: Picture
    mask: np.ndarray = field(repr=False)
    corner: tuple[int, int]

    @property
    def photo_mask(self) -> np.ndarray:
        """(S, S) bool: where the photos differ at all. Light and shadow reach beyond `mask`."""
        return np.asarray((self.before.photo != self.after.photo).any(axis=-1))


def edit_set(group: str, seed: int, id: int | str, size: int, variant: int = 0) -> EditSet:
    """Return one edit of one face: a pure function of the arguments.

    group: `G1` to `G11`, see `GROUPS`. id: a whole number n stands for `synthetic-00000n`; all
    groups of an id edit the same person, whose eyes differ from group to group except within
    (G8, G11) and (G9, G10). size: side of the pictures in pixels, 64 or more. variant: from 0;
    Cheng et al. 2022 have `GROUPS[group].count`. All variants share their `before`.

    Raises:
        SketchFaceError: for an unknown group, a variant or size that is no whole number or too
            small, a seed that is no whole number, or what is no id.
    """
    kinds = known(group)
    for name, value, least in (("variant", variant, 0), ("size", size, SMALLEST_SIDE)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise SketchFaceError(
                f"edit {name}: {value!r}; allowed: a whole number, {least} or more"
            )
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool):
        raise SketchFaceError(f"edit seed: {seed!r}; allowed: a whole number")
    old = _base(group, int(seed), face_id(id), int(size))
    new, kind = after(group, seed, id, variant, old.parameters)
    faces = (old, render_parameters(new, seed, id, size))
    first, second, changed = _draw_pair(kinds, kind, faces, stream(seed, id, f"{group} {variant}"))
    return EditSet(
        group=group,
        seed=seed,
        id=face_id(id),
        variant=variant,
        size=size,
        kind=kind,
        before=first,
        after=second,
        mask=_region(changed, size),
        corner=corner_pixel(size),
    )


def corner_pixel(size: int) -> tuple[int, int]:
    """Return column and row of the eye corner in pictures of side `size`: (170, 250) for 512."""
    return int(CORNER[0] * size), int(CORNER[1] * size)


@lru_cache(maxsize=1)
def _base(group: str, seed: int, id: str, size: int) -> Rendering:
    """Render the face that all variants of a group edit; rendered once for those in a row."""
    return render_parameters(before(group, seed, id), seed, id, size)


def _draw_pair(
    group: Group, kind: str, faces: tuple[Rendering, Rendering], random: np.random.Generator
) -> tuple[Picture, Picture, list[Line]]:
    """Draw both pictures; also return the lines in which they differ."""
    old, new = faces
    size = old.size
    points = _exchanged(old.landmarks, new.landmarks, group.chains)
    lines, new_features = features(old.subject), features(new.subject)
    locks = stream(old.seed, old.id, "edit locks")
    lines["hair"] = extra("hair", old, lines, locks) if lines["hair"] else []
    added = [] if not kind else extra(kind, new, new_features, random)
    new_lines = _replaced(group, old, new, new_features, added if kind == "hair" else [])
    if kind == "ears":
        new_lines["ears"] = []  # those of `extras` take their place
    shared = [
        line
        for name, feature_lines in lines.items()
        if name not in new_lines
        for line in feature_lines
    ]
    old_lines = [line for name in new_lines for line in lines[name]]
    edited_lines = [line for feature_lines in new_lines.values() for line in feature_lines]
    if kind != "hair":
        edited_lines = edited_lines + added
    first = _picture(old, old.landmarks, [], [*shared, *old_lines])
    second = _picture(new, points, added, [*shared, *edited_lines])
    chains = [
        *_chain_lines(old.landmarks, group.chains, size),
        *_chain_lines(points, group.chains, size),
    ]
    return first, second, [*chains, *old_lines, *edited_lines, *added]


def _picture(face: Rendering, points: np.ndarray, extras: list[Line], lines: list[Line]) -> Picture:
    return Picture(
        lines=_contour(points, extras, face.size),
        photo=face.photo.copy(),  # `face` may be that of `_base`, which other pairs share
        labels=face.labels.copy(),
        landmarks=points.copy(),
        parameters=face.parameters,
        strokes=tuple(lines),
        seed=face.seed,
        id=face.id,
    )


def _exchanged(old: np.ndarray, new: np.ndarray, chains: tuple[str, ...]) -> np.ndarray:
    """Return the old landmarks with some chains replaced; eyes keep their outer corners."""
    points = old.copy()
    for name in chains:
        chain = ibug.chain(name)
        points[chain] = new[chain] + _offset(name, old, new)
        if name in EYES:
            points[_corner(name)] = old[_corner(name)]
    return points


def _corner(eye: str) -> int:
    """Return the landmark number of an eye's outer corner."""
    return OUTER_CORNER if eye == EYES[0] else 45


def _offset(name: str, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return the shift that restores a changed eye's outer corner; 0 for other features."""
    return old[_corner(name)] - new[_corner(name)] if name in EYES else np.zeros(2)


def _replaced(
    group: Group, old: Rendering, new: Rendering, fresh: Features, hair: list[Line]
) -> Features:
    """Return the new lines of the sketch for each feature that changes."""
    lines: Features = {}
    for name in group.features:
        offset = _offset(name, old.landmarks, new.landmarks) / old.size
        lines[name] = [line.moved(offset) for line in fresh[name]]
    if hair:
        lines["hair"] = hair
    return lines


def _contour(points: np.ndarray, extras: Sequence[Line], size: int) -> np.ndarray:
    """Draw landmarks (68, 2), in pixels, joined by chain, and more lines: (size, size) uint8."""
    chains = [points[ibug.chain(name)] for name in ibug.CHAINS]
    return draw_lines([*chains, *(line.points * size for line in extras)], size, CONTOUR_WIDTH)


def _pencil_drawing(lines: Sequence[Line], size: int, seed: int, id: str) -> np.ndarray:
    """Draw lines in pencil: (size, size) uint8, with the same hand and paper for all edits.

    The drift of the hand depends on the position, never on the order of strokes.
    """
    grid = lattice(size)
    pencil = Pencil(grid.side, stream(seed, id, "edit pencil"), MANNERS[EDIT_STYLE].wobble)
    for line in lines:
        at = grid.cells(line.points)
        force = MANNERS[EDIT_STYLE].weight * line.pressure
        if line.filled:
            pencil.blot(at, force)
        else:
            pencil.stroke(at, line.width, force, line.taper)
    return on_paper(pencil.paper(), size, stream(seed, id, "edit paper").random(3))


def _region(lines: Sequence[Line], size: int) -> np.ndarray:
    """Return (size, size) bool: every pixel that these lines can touch in either drawing."""
    reach = math.ceil(LINE_REACH * size) + 2
    mask = np.zeros((size, size), np.uint8)
    for line in lines:
        path = np.round(line.points * size - 0.5).astype(np.int32)
        if line.filled:
            cv2.fillPoly(mask, [path], (255,))
        cv2.polylines(mask, [path], line.filled, (255,), 2 * reach + 1)
    return mask > 0


def _chain_lines(points: np.ndarray, names: Sequence[str], size: int) -> list[Line]:
    """Return chains of landmarks (68, 2), in pixels, as lines."""
    width = 1000 * CONTOUR_WIDTH / REFERENCE_SIZE
    return [Line(points[ibug.chain(name)] / size, width, 1.0) for name in names]
