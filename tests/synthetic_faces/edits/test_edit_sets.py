import re
from functools import cache
from typing import Any

import numpy as np
import pytest

from face_geometry import ibug
from pipeline.contours.contours import draw_contour
from sketchface_models.errors import SketchFaceError
from synthetic_faces import render_parameters
from synthetic_faces.edits import GROUPS, EditSet, corner_pixel, edit_set
from synthetic_faces.edits.groups import CORNER, before
from synthetic_faces.ranges import check, vector

SIZE = 128
NAMES = tuple(GROUPS)
SAME_EYES = (("G8", "G11"), ("G9", "G10"))
CHANGES_EYES = ("G5", "G6", "G7")


@cache
def pair(group: str, variant: int = 0) -> EditSet:
    return edit_set(group, 0, 4, SIZE, variant)


def window(picture: np.ndarray, side_at_512: float) -> np.ndarray:
    """What is seen from the eye corner's pixel, in a square."""
    column, row = corner_pixel(len(picture))
    reach = int(np.ceil(side_at_512 / 2 * len(picture) / 512))
    return picture[row - reach : row + reach + 1, column - reach : column + reach + 1]


@pytest.mark.parametrize("group", NAMES)
def test_pictures_are_identical_outside_the_mask(group: str):
    one = pair(group)
    for kind in ("lines", "sketch"):
        old, new = getattr(one.before, kind), getattr(one.after, kind)
        assert old.dtype == np.uint8
        assert old.shape == (SIZE, SIZE)
        assert np.array_equal(old[~one.mask], new[~one.mask])
        assert (old != new)[one.mask].sum() > 20
    assert 0.01 < one.mask.mean() < 0.6


@pytest.mark.parametrize("group", NAMES)
def test_contours_are_the_contour_stage_s_own(group: str):
    one = pair(group)
    assert np.array_equal(one.before.lines, draw_contour(one.before.landmarks, SIZE))
    if not one.kind:
        assert np.array_equal(one.after.lines, draw_contour(one.after.landmarks, SIZE))


@pytest.mark.parametrize("group", NAMES)
def test_only_the_landmarks_of_the_group_move(group: str):
    one = pair(group)
    moved = set(np.flatnonzero((one.before.landmarks != one.after.landmarks).any(1)))
    allowed = {index for name in GROUPS[group].chains for index in ibug.chain(name)}
    assert moved <= allowed
    assert bool(moved) == bool(allowed)
    corners = one.after.landmarks[[36, 45]], one.before.landmarks[[36, 45]]
    assert np.array_equal(*corners)


@pytest.mark.parametrize("size", [64, 128, 512])
def test_the_eye_corner_lies_on_the_paper_s_pixel(size: int):
    assert corner_pixel(512) == (170, 250)
    for group in ("G1", "G6", "G9"):
        parameters = before(group, 0, 4)
        point = render_parameters(parameters, 0, 4, 64).landmarks[36] / 64
        assert np.abs(point - CORNER).max() * 512 < 0.01
        assert tuple(np.floor(point * size).astype(int)) == corner_pixel(size)


@pytest.mark.parametrize("group", NAMES)
def test_photos_are_rendered_from_the_parameters_of_their_picture(group: str):
    one = pair(group)
    for side in (one.before, one.after):
        check(side.parameters)
        assert np.array_equal(render_parameters(side.parameters, 0, 4, SIZE).photo, side.photo)
    same = np.array_equal(one.before.photo, one.after.photo)
    assert same == (group == "G7")
    assert np.array_equal(one.photo_mask, (one.before.photo != one.after.photo).any(-1))


@pytest.mark.parametrize("group", [name for name in NAMES if GROUPS[name].chains])
def test_landmarks_of_the_drawing_agree_with_the_photo(group: str):
    """What a photo moves besides the feature that changes stays below 1.3 % of the side."""
    one = pair(group)
    exact = render_parameters(one.after.parameters, 0, 4, SIZE).landmarks
    assert np.hypot(*(exact - one.after.landmarks).T).max() < 0.013 * SIZE
    assert np.hypot(*(one.before.landmarks - one.after.landmarks).T).max() > 0.005 * SIZE


@pytest.mark.parametrize("group", NAMES)
def test_the_corner_sees_a_change_of_the_eyes_alone(group: str):
    """The second layer sees 9 pixels (Cheng et al. 2022), the last without instance norm."""
    one = pair(group)
    same = np.array_equal(window(one.before.lines, 9), window(one.after.lines, 9))
    assert same == (group not in CHANGES_EYES)
    if group not in (*CHANGES_EYES, "G4"):
        assert np.array_equal(window(one.before.lines, 37), window(one.after.lines, 37))


@pytest.mark.parametrize(("first", "second"), SAME_EYES)
def test_groups_that_share_eyes_share_them_to_the_last_bit(first: str, second: str):
    one, other = pair(first), pair(second)
    eyes = [*ibug.chain("right_eye"), *ibug.chain("left_eye")]
    for side in (one.after, other.before, other.after):
        assert np.array_equal(one.before.landmarks[eyes], side.landmarks[eyes])
        assert np.array_equal(window(one.before.lines, 37), window(side.lines, 37))
        assert np.array_equal(window(one.before.sketch, 37), window(side.sketch, 37))


def test_other_groups_have_other_eyes():
    seen = {}
    for name, group in GROUPS.items():
        points = pair(name).before.landmarks[36:48]
        seen.setdefault(group.eyes, points)
        assert np.array_equal(seen[group.eyes], points)
    shapes = np.array(list(seen.values())).reshape(len(seen), -1)
    assert len(seen) == 9
    assert len(np.unique(shapes.round(3), axis=0)) == 9


@pytest.mark.parametrize("group", NAMES)
def test_variants_share_the_face_and_differ_in_the_edit(group: str):
    one, other = pair(group), pair(group, 1)
    assert np.array_equal(one.before.lines, other.before.lines)
    assert np.array_equal(one.before.photo, other.before.photo)
    assert not np.array_equal(one.after.lines, other.after.lines)


def test_kinds_of_additions():
    assert [pair("G2", variant).kind for variant in (0, 1, 2)] == ["whiskers", "wrinkles", "ears"]
    assert (pair("G1").kind, pair("G7").kind, pair("G8").kind) == ("hair", "graffiti", "")


def test_an_edit_changes_parameters_of_its_own_feature():
    allowed = {
        "G1": ("hair.",),
        "G2": ("hair.", "skin.age", "shape.ear"),
        "G3": ("shape.",),
        "G4": ("brows.",),
        "G5": ("eyes.",),
        "G6": ("eyes.size", "eyes.spacing"),
        "G7": (),
        "G8": ("mouth.", "shape.chin_length"),
        "G9": ("nose.", "shape.middle_length", "shape.philtrum", "shape.chin_length"),
    }
    for group, starts in allowed.items():
        old, new = (vector(side.parameters) for side in (pair(group).before, pair(group).after))
        different = [name for name in old if old[name] != new[name]]
        assert all(name.startswith(starts) for name in different), (group, different)
        assert bool(different) == (group != "G7")


def test_a_pure_function_of_its_arguments():
    one, again = pair("G3", 1), edit_set("G3", 0, "synthetic-000004", SIZE, 1)
    for side in ("before", "after"):
        for kind in ("lines", "sketch", "photo", "landmarks"):
            assert np.array_equal(
                getattr(getattr(one, side), kind), getattr(getattr(again, side), kind)
            )
    assert np.array_equal(one.mask, again.mask)


@pytest.mark.parametrize(
    ("group", "size", "variant", "message"),
    [
        ("G12", 128, 0, "edit group: 'G12'; allowed: G1, G2"),
        ("G3", 128, -1, "edit variant: -1; allowed: a whole number, 0 or more"),
        ("G3", 32, 0, "edit size: 32; allowed: a whole number, 64 or more"),
        *(
            ("G3", junk, 0, f"edit size: {junk!r}; allowed: a whole number, 64 or more")
            for junk in (None, "128", 128.0, float("nan"), True, [128], np.float32(128))
        ),
        *(
            ("G3", 128, junk, f"edit variant: {junk!r}; allowed: a whole number, 0 or more")
            for junk in (None, "1", 1.5, True, {})
        ),
        *((junk, 128, 0, f"edit group: {junk!r}; allowed: G1, G2") for junk in (None, 3, ["G3"])),
    ],
)
def test_bad_arguments_are_refused(group: Any, size: Any, variant: Any, message: str):
    with pytest.raises(SketchFaceError, match=re.escape(message)):
        edit_set(group, 0, 4, size, variant)


@pytest.mark.parametrize("seed", [None, "0", 0.5, True])
def test_a_seed_is_a_whole_number(seed: Any):
    with pytest.raises(SketchFaceError, match=r"edit seed: .*; allowed: a whole number"):
        edit_set("G3", seed, 4, 128)
