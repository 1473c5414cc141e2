"""Notes on photos that are small, and on drawings and cartoons taken for photos."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from made_faces import crop, pencil

from pipeline.landmarks.detector import Detection
from pipeline.translation.photo_notes import photo_note

SAME_SIZE = np.array([[1.0, 0, 0], [0, 1, 0]])


def note(photo: np.ndarray, face: Detection, is_photo: bool = False, scale: float = 1.0) -> str:
    expected = None if is_photo else "photo"
    return photo_note(photo, [face.landmarks], [SAME_SIZE * scale], expected)


def grey(photo: np.ndarray) -> np.ndarray:
    return np.repeat(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def cartoon(photo: np.ndarray) -> np.ndarray:
    smooth = cv2.pyrMeanShiftFiltering(photo, 12, 30)
    return smooth // 32 * 32 + 16


@pytest.mark.parametrize(
    "photo", [crop(), grey(crop()), cv2.convertScaleAbs(crop(), alpha=1.2, beta=30)]
)
def test_photos_need_no_note(photo: np.ndarray, astronaut: Detection) -> None:
    assert note(photo, astronaut) == ""


@pytest.mark.parametrize("tint", [(255, 255, 255), (250, 248, 240)])
def test_drawings_are_noted(tint: tuple[int, int, int], astronaut: Detection) -> None:
    lines = np.where(pencil() < 190, pencil(), 250)  # on clean paper
    paper = (lines[..., None] * (np.array(tint) / 255)).astype(np.uint8)
    assert note(paper, astronaut).startswith("looks like a drawing: photos are expected here")
    assert note(paper, astronaut, is_photo=True) == ""


def test_cartoons_are_noted(astronaut: Detection) -> None:
    assert note(cartoon(crop()), astronaut).startswith("looks like a cartoon, in flat colours")
    assert note(cartoon(crop()), astronaut, is_photo=True) == ""


def test_photos_in_colour_are_noted_where_sketches_are_expected(astronaut: Detection) -> None:
    faces = [astronaut.landmarks], [SAME_SIZE]
    assert photo_note(crop(), *faces, "sketch").startswith("in colour: sketches are expected here")
    assert photo_note(grey(crop()), *faces, "sketch") == ""


def test_small_faces_are_counted(astronaut: Detection) -> None:
    assert note(crop(), astronaut, scale=2.5) == (
        "the face is small, enlarged up to 2.5 times: little detail can be shown"
    )
    faces, transforms = [astronaut.landmarks] * 3, [SAME_SIZE * scale for scale in (1, 3, 4)]
    assert photo_note(crop(), faces, transforms, "photo").startswith(
        "2 of 3 faces are small, enlarged up to 4.0 times"
    )
