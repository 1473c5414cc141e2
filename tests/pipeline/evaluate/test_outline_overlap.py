"""What doodles enclose, and how it overlaps with heads."""

import cv2
import numpy as np
import pytest
import torch

from pipeline.evaluate.outline_overlap import filled_outline, head, outline_overlaps
from sketchface_models.labels import INDEX
from synthetic_faces import render
from synthetic_faces.doodles import doodle, traits_of

SIDE = 64


def circle(radius: int, gap: int = 0, side: int = SIDE, width: int = 2) -> np.ndarray:
    """A dark circle on paper, open at the bottom."""
    picture = np.full((side, side), 240, np.uint8)
    half = np.degrees(gap / radius / 2)
    middle = (side // 2, side // 2)
    cv2.ellipse(picture, middle, (radius, radius), 90, half, 360 - half, 20, width)
    return picture


def disc(radius: float, side: int = SIDE) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - side // 2
    return x**2 + y**2 <= radius**2


@pytest.mark.parametrize("gap", [0, 3, 6])
def test_an_outline_is_filled_even_with_a_gap(gap: int):
    filled = filled_outline(circle(20, gap))
    assert filled is not None
    assert np.logical_xor(filled, disc(21)).sum() < 0.08 * disc(21).sum()


def test_lines_that_enclose_nothing_have_no_outline():
    stroke = np.full((SIDE, SIDE), 255, np.uint8)
    cv2.line(stroke, (5, 30), (60, 34), 0, 2)
    assert filled_outline(stroke) is None
    assert filled_outline(np.full((SIDE, SIDE), 255, np.uint8)) is None
    assert filled_outline(circle(4)) is None  # an eye


def test_neck_and_clothes_are_no_part_of_a_head():
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[10:30, 20:40] = INDEX["skin"]
    labels[15:18, 25:30] = INDEX["l_eye"]
    labels[5:10, 20:40] = INDEX["hair"]
    labels[20:22, 28:30] = INDEX["background"]  # a hole
    labels[30:50] = INDEX["cloth"]
    expected = np.zeros((SIDE, SIDE), bool)
    expected[5:30, 20:40] = True
    np.testing.assert_array_equal(head(labels), expected)


def test_overlap_is_that_of_the_areas():
    labels = torch.from_numpy(np.stack([disc(21), disc(14), disc(21)]).astype(np.uint8))
    blank = np.full((SIDE, SIDE), 255, np.uint8)
    doodles = torch.from_numpy(np.stack([circle(20), circle(20), blank]))[:, None]
    same, smaller, none = outline_overlaps(doodles, labels).tolist()
    assert same > 0.95
    assert smaller == pytest.approx((14 / 21) ** 2, abs=0.04)
    assert np.isnan(none)


def test_built_in_faces_overlap_with_their_doodles():
    faces = [render(0, f"outline-{n}", SIDE) for n in range(8)]
    doodles = [doodle(0, f"outline-{n}", traits_of(f.parameters)) for n, f in enumerate(faces)]
    scaled = np.stack([cv2.resize(255 - each.bitmap, (SIDE, SIDE)) for each in doodles])
    labels = torch.from_numpy(np.stack([face.labels for face in faces]))
    overlaps = outline_overlaps(torch.from_numpy(scaled)[:, None], labels)
    assert ((overlaps > 0.3) & (overlaps < 0.9)).all()
    assert overlaps.mean() > 0.5
