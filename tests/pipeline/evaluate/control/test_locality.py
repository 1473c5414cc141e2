"""Changes inside and outside of an edit, answers and leakage, by cases computed by hand."""

import numpy as np
import pandas as pd
import pytest
from made_edits import PLACES, square

from pipeline.common.edit_table import Edit
from pipeline.common.records import Origin
from pipeline.evaluate.control.locality import (
    Change,
    change,
    dilated,
    is_answered,
    lines,
    locality_values,
)

PLACE = np.zeros((4, 4), bool)
PLACE[:2] = True


def grey(level: float) -> np.ndarray:
    return np.full((4, 4, 3), level, np.uint8)


def test_change_is_the_mean_absolute_difference_inside_and_outside():
    after = grey(100)
    after[0] = 151  # half of the place by 51 = 0.2
    after[3, 0] = (49, 100, 100)  # one channel of one of eight pixels outside by 51
    measured = change(grey(100), after, PLACE)
    assert measured.inside == pytest.approx(0.1)
    assert measured.outside == pytest.approx(0.2 / 3 / 8)


def test_darker_and_lighter_do_not_cancel():
    after = grey(100)
    after[0], after[1] = 151, 49
    assert change(grey(100), after, PLACE).inside == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("inside", "answered"), [(0.0, False), (0.0249, False), (0.025, True), (0.3, True)]
)
def test_a_quarter_of_the_true_change_is_an_answer(inside: float, answered: bool):
    assert is_answered(Change(inside, 0.5), Change(0.1, 0.0)) is answered


def test_where_nothing_truly_changes_any_change_is_an_answer_and_none_is_not():
    assert is_answered(Change(0.001, 0.0), Change(0.0, 0.0))
    assert not is_answered(Change(0.0, 0.2), Change(0.0, 0.0))


def test_masks_grow_by_nine_pixels_of_512():
    mask = np.zeros((512, 512), bool)
    mask[256, 100:200] = True
    rows, columns = np.nonzero(dilated(mask))
    assert (rows.min(), rows.max()) == (256 - 9, 256 + 9)
    assert (columns.min(), columns.max()) == (100 - 9, 199 + 9)
    small = np.zeros((64, 64), bool)
    small[32, 32] = True
    assert dilated(small).sum() == 5  # a disk of radius 1: 9 / 8 pixels, rounded


def edit(true_inside: int) -> Edit:
    mask = square("G1")
    photo = np.full((64, 64, 3), 200, np.uint8)
    new = photo.copy()
    new[dilated(mask)] -= np.uint8(true_inside)
    sides = ({"photo": photo}, {"photo": new})
    return Edit("face/G1/00", "G1", "face", *sides, mask, (0, 0))


def answer(inside: int, outside: int) -> tuple[np.ndarray, np.ndarray]:
    place = dilated(square("G1"))
    before = np.full((64, 64, 3), 100, np.uint8)
    after = before.copy()
    after[place] += np.uint8(inside)
    after[~place] += np.uint8(outside)
    return before, after


def test_leakage_is_the_change_outside_by_that_inside():
    values = locality_values(edit(100), ["contour"], *answer(50, 10))
    assert values["leakage"] == pytest.approx(0.2)
    assert values["answered"] == 1.0
    assert values["inside"] == pytest.approx(50 / 255)
    assert values["true_inside"] == pytest.approx(100 / 255)
    assert values["true_outside"] == 0


def test_an_edit_without_an_answer_counts_against_the_system_and_has_no_leakage():
    values = locality_values(edit(100), ["contour"], *answer(24, 24))
    assert values["answered"] == 0.0
    assert "leakage" not in values


def test_an_edit_that_changes_no_photo_asks_for_no_answer():
    values = locality_values(edit(0), ["contour"], *answer(50, 5))
    assert "answered" not in values
    assert values["leakage"] == pytest.approx(0.1)


def test_lines_stand_under_the_group_of_their_edit():
    ids = [f"face/{group}/00" for group in PLACES]
    values = [{"answered": 1.0, "leakage": 0.5}, {"answered": 0.0}, {"leakage": 0.2}]
    frame = pd.concat(lines(Origin("run", 3, "photo"), ids, values))
    columns = ("subset", "metric", "id", "value")
    assert set(zip(*(frame[name] for name in columns), strict=True)) == {
        ("edits G1", "answered", "face/G1/00", 1.0),
        ("edits G1", "leakage", "face/G1/00", 0.5),
        ("edits G5", "answered", "face/G5/00", 0.0),
        ("edits G7", "leakage", "face/G7/00", 0.2),
    }
    assert set(frame["method"]) == {"system"}
