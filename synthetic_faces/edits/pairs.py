"""Before and after: one face rendered twice, and drawn with all but one place shared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from face_geometry import ibug
from sketchface_models.errors import SketchFaceError
from synthetic_faces.drawing.feature_lines import Features, Line, features
from synthetic_faces.edits import drawing
from synthetic_faces.edits.extras import extra
from synthetic_faces.edits.groups import (
    CORNER,
    EYES,
    OUTER_CORNER,
    Group,
    after,
    before,
    known,
)
from synthetic_faces.parameters import Parameters
from synthetic_faces.rendering import Rendering, render_parameters
from synthetic_faces.streams import face_id, stream

SMALLEST = 64


@dataclass(frozen=True)
class Picture:
    """One side of a pair; S is the side of the pictures.

    lines: (S, S) uint8, landmarks joined as the contour stage does, and what the group adds.
    sketch: (S, S) uint8, the same face in style 1. photo: (S, S, 3) uint8, rendered from
    `parameters`. landmarks: (68, 2) float64, pixels, as drawn: only those of the changed place
    differ within a pair. In the photo a smile, say, moves others as well, by about 1 % of S.
    """

    lines: np.ndarray
    sketch: np.ndarray
    photo: np.ndarray
    landmarks: np.ndarray
    parameters: Parameters


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
    """One edit of one face: a pure function of its arguments.

    group: `G1` to `G11`, see `GROUPS`. id: a whole number n stands for `synthetic-00000n`; all
    groups of an id edit the same person, whose eyes differ from group to group except within
    (G8, G11) and (G9, G10). size: side of the pictures in pixels, 64 or more. variant: from 0;
    the paper has `GROUPS[group].count` of them. All variants share their `before`.

    Raises:
        SketchFaceError: for an unknown group, a variant or size that is no whole number or too
            small, a seed that is no whole number, or what is no id.
    """
    kinds = known(group)
    for name, value, least in (("variant", variant, 0), ("size", size, SMALLEST)):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise SketchFaceError(
                f"edit {name}: {value!r}; allowed: a whole number, {least} or more"
            )
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool):
        raise SketchFaceError(f"edit seed: {seed!r}; allowed: a whole number")
    old = before(group, seed, id)
    new, kind = after(group, seed, id, variant, old)
    faces = (render_parameters(old, seed, id, size), render_parameters(new, seed, id, size))
    first, second, changed = _drawn(kinds, kind, faces, stream(seed, id, f"{group} {variant}"))
    return EditSet(
        group=group,
        seed=seed,
        id=face_id(id),
        variant=variant,
        size=size,
        kind=kind,
        before=first,
        after=second,
        mask=drawing.region(changed, size),
        corner=corner_pixel(size),
    )


def corner_pixel(size: int) -> tuple[int, int]:
    """Column and row of the eye corner's pixel in pictures of a side: (170, 250) for 512."""
    return int(CORNER[0] * size), int(CORNER[1] * size)


def _drawn(
    group: Group, kind: str, faces: tuple[Rendering, Rendering], random: np.random.Generator
) -> tuple[Picture, Picture, list[Line]]:
    """Both pictures, and the lines in which they differ."""
    old, new = faces
    size = old.size
    points = _exchanged(old.landmarks, new.landmarks, group.chains)
    lines, fresh = features(old), features(new)
    locks = stream(old.seed, old.id, "edit locks")
    lines["hair"] = extra("hair", old, lines, locks) if lines["hair"] else []
    added = [] if not kind else extra(kind, new, fresh, random)
    places = _replaced(group, old, new, fresh, added if kind == "hair" else [])
    if kind == "ears":
        places["ears"] = []  # the drawn ones take their place
    kept = [line for name, own in lines.items() if name not in places for line in own]
    out = [line for name in places for line in lines[name]]
    put = [line for own in places.values() for line in own]
    if kind != "hair":
        put = put + added
    first = _picture(old, old.landmarks, [], [*kept, *out])
    second = _picture(new, points, added, [*kept, *put])
    chains = [
        *drawing.chain_lines(old.landmarks, group.chains, size),
        *drawing.chain_lines(points, group.chains, size),
    ]
    return first, second, [*chains, *out, *put, *added]


def _picture(face: Rendering, points: np.ndarray, extras: list[Line], lines: list[Line]) -> Picture:
    return Picture(
        lines=drawing.contour(points, extras, face.size),
        sketch=drawing.pencil_drawing(lines, face.size, face.seed, face.id),
        photo=face.photo,
        landmarks=points,
        parameters=face.parameters,
    )


def _exchanged(old: np.ndarray, new: np.ndarray, chains: tuple[str, ...]) -> np.ndarray:
    """Old landmarks with the points of some chains new; eyes keep their outer corners."""
    points = old.copy()
    for name in chains:
        chain = ibug.chain(name)
        points[chain] = new[chain] + _offset(name, old, new)
        if name in EYES:
            points[_corner(name)] = old[_corner(name)]
    return points


def _corner(eye: str) -> int:
    """Landmark of an eye's outer corner."""
    return OUTER_CORNER if eye == EYES[0] else 45


def _offset(name: str, old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """What brings a changed eye's outer corner back to its place; nothing for other features."""
    return old[_corner(name)] - new[_corner(name)] if name in EYES else np.zeros(2)


def _replaced(
    group: Group, old: Rendering, new: Rendering, fresh: Features, hair: list[Line]
) -> Features:
    """New lines of the sketch for each feature that changes."""
    found: Features = {}
    for name in group.drawn:
        offset = _offset(name, old.landmarks, new.landmarks) / old.size
        found[name] = [line.moved(offset) for line in fresh[name]]
    if hair:
        found["hair"] = hair
    return found
