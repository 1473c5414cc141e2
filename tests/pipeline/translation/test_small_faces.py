"""Photos of groups: faces that the detector overlooks in the whole photo, and in windows of it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation.detection import FaceDetection, detect_all
from pipeline.translation.face_boxes import box, covered, is_new
from pipeline.translation.line_drawing import line_drawing
from pipeline.translation.recognition import recognise
from sketchface_models.errors import SketchFaceError

HEAD = data.astronaut()[0:260, 90:350]


def group(
    rows: int, columns: int, side: int, extent: tuple[int, int], noise: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """A photo, (height, width) = `extent`, of heads in a grid, and their centres, (N, 2)."""
    random, (height, width) = np.random.default_rng(0), extent
    photo = np.full((height, width, 3), 235, np.uint8)
    photo -= random.integers(0, noise + 1, photo.shape).astype(np.uint8)
    centres = []
    for row in range(rows):
        for column in range(columns):
            part = (np.array([column, row]) + 0.5) / (columns, rows) * (width, height)
            left, top = np.rint(part - side / 2).astype(int)
            head = cv2.resize(HEAD, (side, side), interpolation=cv2.INTER_AREA)
            photo[top : top + side, left : left + side] = head[:, :: 1 - 2 * ((row + column) % 2)]
            centres.append(part)
    return photo, np.array(centres)


def matched(faces: list[np.ndarray], centres: np.ndarray, side: int) -> int:
    """How many centres have a face of their own near them; every face must belong to one."""
    nearest = [np.hypot(*(centres - face.mean(axis=0)).T) for face in faces]
    assert all(distance.min() < side / 2 for distance in nearest)
    return len({int(distance.argmin()) for distance in nearest})


@pytest.mark.parametrize(
    ("rows", "columns", "side", "extent", "least"),
    [
        (4, 6, 150, (1500, 2400), 24),
        (4, 8, 180, (1500, 2400), 30),
        (5, 2, 110, (1600, 700), 10),  # upright
        (1, 3, 90, (500, 1400), 3),
    ],
)
def test_everybody_in_a_group_is_detected(
    detector: FaceMesh, rows: int, columns: int, side: int, extent: tuple[int, int], least: int
) -> None:
    photo, centres = group(rows, columns, side, extent, noise=20)
    assert matched(detect_all(detector, photo), centres, side) >= least


def test_one_of_a_group_can_be_chosen() -> None:
    photo, centres = group(3, 3, 100, (1200, 1200))
    photo[20:180, 20:180] = cv2.resize(HEAD, (160, 160), interpolation=cv2.INTER_AREA)
    path = Path("group.png")
    [largest] = FaceDetection("largest")(photo, path)
    assert (largest.mean(axis=0) < 200).all()
    [central] = FaceDetection("central")(photo, path)
    assert np.hypot(*(central.mean(axis=0) - centres[4])) < 40


def test_where_nobody_is_nobody_is_detected(detector: FaceMesh) -> None:
    photo = cv2.resize(data.coffee(), (1200, 800))
    assert detect_all(detector, photo) == []
    with pytest.raises(SketchFaceError, match=r"cup\.png: no face found"):
        FaceDetection("all")(photo, Path("cup.png"))


def test_a_large_face_leaves_few_windows_to_search(detector: FaceMesh) -> None:
    looks: list[tuple[int, ...]] = []

    def detect(photo: np.ndarray) -> list:
        looks.append(photo.shape)
        return detector.detect_all(photo)

    counting = SimpleNamespace(detect_all=detect)
    portrait = np.ascontiguousarray(data.astronaut()[40:200, 150:310])
    assert len(detect_all(counting, portrait)) == 1  # type: ignore[arg-type]
    assert len(looks) <= 3  # of ten
    looks.clear()
    assert len(detect_all(counting, data.astronaut())) == 1  # type: ignore[arg-type]
    assert len(looks) == 10


def test_boxes_of_faces() -> None:
    face = np.array([[10, 10], [30, 20], [20, 30]], float)
    np.testing.assert_array_equal(box(face), [[10, 10], [30, 30]])
    assert is_new(face, [])
    assert is_new(face, [face + 18])
    assert not is_new(face, [face + 5])
    window = np.array([[0, 0], [20, 20]])
    assert covered(window, []) == 0
    assert covered(window, [face + 100]) == 0
    # The head reaches from (4, -2): its 16 x 20 pixels are the window's larger part.
    assert covered(window, [face + 100, face]) == pytest.approx(16 * 20 / 400)


@pytest.mark.parametrize("grey", [False, True])
def test_portraits_on_a_white_page_are_no_drawing(grey: bool) -> None:
    page = group(4, 6, 75, (750, 1200))[0]
    page = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY) if grey else page
    assert recognise(line_drawing(np.asarray(Image.fromarray(page).convert("RGB")))) == "photo"


@pytest.mark.parametrize("width", [3, 12, 30])
def test_a_drawing_in_a_marker_of_any_width_is_one(width: int) -> None:
    page = np.full((400, 400), 250, np.uint8)
    cv2.ellipse(page, (200, 200), (120, 160), 0, 0, 360, 30, width)
    for x in (150, 250):
        cv2.circle(page, (x, 160), 15, 30, width // 2)
    cv2.line(page, (160, 270), (240, 270), 30, width // 2)
    drawing = line_drawing(np.repeat(page[..., None], 3, axis=2))
    assert recognise(drawing) == "contour"
    assert drawing.tone_spread < 0.1
