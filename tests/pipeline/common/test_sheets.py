"""Headings of contact sheets stay above their own columns."""

import numpy as np

from pipeline.common.sheets import CAPTION, GAP, HEADING_GAP, sheet

SIDE = 96
GREY = np.full((SIDE, SIDE), 120, np.uint8)


def heading_ink(headers: list[str]) -> np.ndarray:
    """What is written above grey pictures: (H, W) bool, from the first line to the pictures."""
    picture = sheet([[GREY] * len(headers)], headers=headers, side=SIDE)
    top = picture.shape[0] - SIDE - 2 * GAP
    assert (picture[top + GAP :, GAP : GAP + SIDE] == 120)[:SIDE].all()
    return picture[:top].min(axis=2) < 200


def test_long_headings_are_wrapped_and_leave_room_between_columns():
    ink = heading_ink(["", "synthetic-000017", "photo_of_him_0123", "in a random style"])
    assert len(ink) == 2 * CAPTION
    for column in range(4):
        start = GAP + column * (SIDE + GAP)
        assert not ink[:, start - GAP : start].any()
        assert not ink[:, start + SIDE - HEADING_GAP + 2 : start + SIDE].any()
        assert ink[CAPTION:, start : start + SIDE].any() == (column > 0)


def test_short_headings_take_one_line_next_to_the_pictures():
    assert len(heading_ink(["input", "generated", "target"])) == CAPTION
    ink = heading_ink(["synthetic-000017", "target"])
    assert not ink[:CAPTION, GAP + SIDE :].any()
    assert ink[CAPTION:, GAP + SIDE :].any()


def test_a_word_that_is_wider_than_its_column_is_not_broken():
    assert len(heading_ink(["abcdefghijklmnopqrstuvwxyz"])) == CAPTION
