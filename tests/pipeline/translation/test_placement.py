"""Where drawn faces go in the square: as training contours lie, wherever on the page they were."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from face_geometry import ibug
from face_geometry.align import eyes_and_mouth, similarity, transform_points
from face_geometry.polylines import draw_lines
from pipeline.datasets.synthetic import FRAMING
from pipeline.landmarks.detector import Detection
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation import placement
from pipeline.translation.line_drawing import LineDrawing, line_drawing
from pipeline.translation.placement import CONTOUR_BOX, FACE_MARGIN, face_lines, fit_page, place
from synthetic_faces import Rendering, render
from synthetic_faces.edits.edit_sets import edit_set

SIZE = 256
MOVES = (25 / 512, 7.0)


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceMesh]:
    with FaceMesh(choose="largest") as mesh:
        yield mesh


@pytest.fixture(scope="module")
def face() -> Rendering:
    return render(5, 4, SIZE)


class Blind:
    """A detector of photos of something else."""

    def detect(self, photo: np.ndarray) -> Detection | None:
        return None

    def best_score(self, photo: np.ndarray) -> float | None:
        return None


def contour(landmarks: np.ndarray, width: int, height: int) -> LineDrawing:
    lines = [landmarks[ibug.chain(name)] for name in ibug.CHAINS]
    return LineDrawing(width, height, lines, np.empty((0, 2)), 255, 0.02, 0, 0, 0, 0)


def turned(degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    """About the middle of a square of SIZE."""
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    matrix, middle = np.array([[cos, -sin], [sin, cos]]), np.full(2, SIZE / 2)
    return np.column_stack([matrix, middle + shift - matrix @ middle])


def features(lines: list[np.ndarray]) -> np.ndarray:
    """Eyes and mouth of a contour's lines, (3, 2)."""
    landmarks = np.zeros((ibug.COUNT, 2))
    for name, line in zip(ibug.CHAINS, lines, strict=True):
        landmarks[ibug.chain(name)] = line
    return eyes_and_mouth(landmarks)


@pytest.mark.parametrize(
    ("degrees", "scale", "shift", "page"),
    [
        (0, 3, (900, 200), (2000, 1400)),
        (30, 1.5, (300, 300), (900, 900)),
        (-20, 0.5, (0, 0), (300, 500)),
    ],
)
def test_eyes_and_mouth_of_any_page_come_to_the_framing(
    degrees: float, scale: float, shift: tuple[float, float], page: tuple[int, int],
    face: Rendering, detector: FaceMesh,
) -> None:  # fmt: skip
    landmarks = transform_points(face.landmarks, turned(degrees, scale, shift))
    lines = place(contour(landmarks, *page), FRAMING, SIZE, MOVES, detector)
    error = np.hypot(*(features(lines) - FRAMING.target(SIZE)).T)
    assert error.mean() < 0.03 * SIZE


def test_what_lies_within_the_moves_of_training_stays_to_the_pixel(
    face: Rendering, detector: FaceMesh
) -> None:
    """And what lies beyond is moved; with no moves in training, everything is."""
    home = transform_points(
        face.landmarks,
        placement.align.similarity(eyes_and_mouth(face.landmarks), FRAMING.target(SIZE)),
    )
    for degrees, shift, stays in (
        (3, (0.02, -0.02), True),
        (0, (0.12, 0), False),
        (15, (0, 0), False),
    ):
        move = turned(degrees, 1.0, (shift[0] * SIZE, shift[1] * SIZE))
        drawing = contour(transform_points(home, move) * 2, 2 * SIZE, 2 * SIZE)
        lines = place(drawing, FRAMING, SIZE, MOVES, detector)
        same = all(
            np.allclose(ours * 2, theirs) for ours, theirs in zip(lines, drawing.lines, strict=True)
        )
        assert same == stays
        fixed = place(drawing, FRAMING, SIZE, (0.0, 0.0), detector)
        assert not np.allclose(fixed[0] * 2, drawing.lines[0])


def test_without_landmarks_the_box_goes_to_that_of_training_contours(face: Rendering) -> None:
    drawing = contour(face.landmarks * 3 + (500, 40), 2000, 900)
    lines = np.concatenate(place(drawing, FRAMING, SIZE, MOVES, Blind()))
    middle = FRAMING.target(SIZE)[:2].mean(axis=0)
    wanted = middle + CONTOUR_BOX * (FRAMING.target(SIZE)[2, 1] - middle[1])
    box = np.stack([lines.min(axis=0), lines.max(axis=0)])
    np.testing.assert_allclose(box.mean(axis=0), wanted.mean(axis=0), atol=1e-3)
    low, high = np.ptp(box, axis=0) / np.ptp(wanted, axis=0)
    assert low == pytest.approx(1, abs=0.25)
    assert (low - 1) * (high - 1) <= 0  # one side a little more, one a little less


def test_the_average_contour_has_the_box_it_is_said_to_have() -> None:
    boxes = []
    for number in range(30):
        landmarks = render(1, number, 64).landmarks
        points = eyes_and_mouth(landmarks)
        home = placement.align.similarity(points, FRAMING.target(1))
        middle = FRAMING.target(1)[:2].mean(axis=0)
        unit = (transform_points(landmarks, home) - middle) / (FRAMING.target(1)[2, 1] - middle[1])
        boxes.append([unit.min(axis=0), unit.max(axis=0)])
    assert np.abs(np.mean(boxes, axis=0) - CONTOUR_BOX).max() < 0.12


def test_a_rough_drawing_is_placed_by_its_true_landmarks(
    face: Rendering, detector: FaceMesh
) -> None:
    """By an amateur, turned and small on its page; nobody tells where eyes and mouth are."""
    matrix = turned(15, 0.9, (70, 70))
    page = cv2.warpAffine(face.rough_lines(), matrix, (400, 400), borderValue=255)
    drawing = line_drawing(np.repeat(page[..., None], 3, axis=2))
    home = similarity(
        eyes_and_mouth(transform_points(face.landmarks, matrix)), FRAMING.target(SIZE)
    )
    expected = transform_points(transform_points(face.landmarks, matrix), home)
    lines = {
        "placed": np.concatenate(place(drawing, FRAMING, SIZE, MOVES, detector)),
        "by truth": transform_points(np.concatenate(drawing.lines), home),
    }
    apart = np.linalg.norm(expected[36] - expected[45])
    error = {
        name: np.linalg.norm(expected[:, None] - points[None], axis=2).min(axis=1).mean() / apart
        for name, points in lines.items()
    }
    assert error["placed"] < error["by truth"] + 0.03  # an amateur's lines stray by themselves
    assert error["placed"] < 0.1


def test_hair_and_neck_are_left_out_and_the_face_is_not(detector: FaceMesh) -> None:
    for number in (0, 4, 9):
        face = render(5, number, 512)
        drawing = line_drawing(np.repeat(face.rough_lines()[..., None], 3, 2))
        landmarks = placement.detect_landmarks(drawing, detector)
        assert landmarks is not None
        lines = np.concatenate(face_lines(drawing.lines, landmarks)).astype(np.float32)
        everything = np.concatenate(drawing.lines).astype(np.float32)
        eyes = float(np.hypot(*(landmarks[36] - landmarks[45])))
        hull = cv2.convexHull(landmarks.astype(np.float32))
        outside = [
            cv2.pointPolygonTest(hull, tuple(map(float, p)), True) / eyes for p in everything
        ]
        assert len(lines) < 0.8 * len(everything)
        inside = everything[np.array(outside) > 0]
        # Not a point within the face is lost, and none far from it is left.
        assert {tuple(p) for p in inside} <= {tuple(p) for p in lines}
        assert (
            min(cv2.pointPolygonTest(hull, tuple(map(float, p)), True) for p in lines)
            >= -FACE_MARGIN * eyes
        )
        clean = contour(face.landmarks, 512, 512)
        assert sum(map(len, face_lines(clean.lines, face.landmarks))) == sum(map(len, clean.lines))


def test_pages_are_centred_with_their_margins() -> None:
    corners = np.array([[0.0, 0.0], [200.0, 100.0]])
    np.testing.assert_allclose(
        transform_points(corners, fit_page(200, 100, 64)), [[0, 16], [64, 48]]
    )


@pytest.mark.parametrize("group", ["G1", "G2", "G4", "G8", "G11"])
def test_a_change_in_one_place_of_a_drawing_is_seen_in_that_place_alone(
    group: str, detector: FaceMesh
) -> None:
    """Also where hair is added, which is left out, and graffiti, which are not."""
    edit = edit_set(group, 1, 3, SIZE)
    before, after = (
        draw_lines(
            place(
                line_drawing(np.repeat(side.lines[..., None], 3, 2)), FRAMING, SIZE, MOVES, detector
            ),
            SIZE,
        )
        for side in (edit.before, edit.after)
    )
    change = np.abs(before.astype(float) - after)
    near = cv2.dilate(edit.mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert change[near].sum() > 10 * 255
    assert change[~near].sum() < 0.1 * change[near].sum()
