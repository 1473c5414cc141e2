"""Lines of drawings, in any ink on any paper, and drawings told from photos."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from made_drawings import BLACK, MANNERS, WHITE, coloured, thickened
from skimage import data

from face_geometry import ibug
from pipeline.contours.contours import draw_contour
from pipeline.translation.line_drawing import LineDrawing, line_drawing
from pipeline.translation.recognition import recognise
from synthetic_faces import Rendering, render

SIDE = 512


@pytest.fixture(scope="module")
def faces() -> list[Rendering]:
    return [render(5, number, 256) for number in (0, 4, 7)]


@pytest.fixture(scope="module")
def contour(faces: list[Rendering]) -> np.ndarray:
    return draw_contour(faces[0].landmarks * 2, SIDE)


def from_lines(drawing: LineDrawing) -> np.ndarray:
    """Distance of every pixel to the nearest line, (SIDE, SIDE), on a page brought to SIDE."""
    paper = np.ones((SIDE, SIDE), np.uint8)
    for line in drawing.lines:
        points = np.floor(line * (SIDE / max(drawing.width, drawing.height))).astype(np.int32)
        cv2.polylines(paper, [points], False, 0)
    return cv2.distanceTransform(paper, cv2.DIST_L2, 5)


def true_lines(face: Rendering) -> np.ndarray:
    """Points about a pixel apart on the contour's chains, (N, 2), on a page of SIDE."""
    landmarks = face.landmarks * (SIDE / face.size)
    steps = np.linspace(0, 1, 20)[:, None]
    return np.concatenate(
        [landmarks[a] * (1 - steps) + landmarks[b] * steps for a, b in ibug.SEGMENTS]
    )


def distances(drawing: LineDrawing, face: Rendering) -> tuple[np.ndarray, np.ndarray]:
    """From each true point to the lines, and from each point of a line to the true ones."""
    column, row = np.floor(true_lines(face)).astype(int).T
    missed = from_lines(drawing)[row, column]
    paper = np.ones((SIDE, SIDE), np.uint8)
    paper[row, column] = 0
    to_truth = cv2.distanceTransform(paper, cv2.DIST_L2, 5)
    points = np.concatenate(drawing.lines) * (SIDE / max(drawing.width, drawing.height))
    column, row = np.clip(np.floor(points).astype(int), 0, SIDE - 1).T
    return missed, to_truth[row, column]


@pytest.mark.parametrize("manner", MANNERS)
def test_any_ink_on_any_paper_gives_the_same_lines(
    manner: str, faces: list[Rendering], contour: np.ndarray
) -> None:
    drawing = line_drawing(MANNERS[manner](contour))
    assert recognise(drawing) == "contour"
    missed, stray = distances(drawing, faces[0])
    wide = manner in ("marker", "96 pixels")  # strokes of 11 and 5 pixels run into each other
    assert missed.mean() < (2.5 if wide else 1.2)
    assert stray.mean() < (2.5 if wide else 1.2)
    assert (missed > 8).mean() < (0.1 if wide else 0.005)


def test_lines_are_those_of_the_page_where_they_fill_a_corner_of_it(
    faces: list[Rendering], contour: np.ndarray
) -> None:
    """A small drawing is read as finely as a large one, and stays where it is."""
    page = np.full((1400, 2000, 3), 255, np.uint8)
    page[100:612, 1400:1912] = coloured(contour, BLACK, WHITE)
    drawing = line_drawing(page)
    assert (drawing.width, drawing.height) == (2000, 1400)
    lines = [each - (1400, 100) for each in drawing.lines]
    moved = dataclasses.replace(drawing, width=SIDE, height=SIDE, lines=lines)
    missed, stray = distances(moved, faces[0])
    assert missed.mean() < 1.2
    assert stray.mean() < 1.2


def test_frames_dots_and_edges_of_scans_are_no_lines(contour: np.ndarray) -> None:
    plain = line_drawing(coloured(contour, BLACK, WHITE))
    soiled = coloured(contour, BLACK, WHITE)
    cv2.rectangle(soiled, (2, 2), (SIDE - 3, SIDE - 3), BLACK, 3)
    soiled[:, :4] = 90
    for x, y in ((30, 30), (480, 460), (256, 480)):
        cv2.circle(soiled, (x, y), 5, BLACK, -1)
    assert line_drawing(soiled).length == pytest.approx(plain.length, rel=0.02)


def test_blank_pages_have_no_lines() -> None:
    for level in (255, 0, 140):
        blank = line_drawing(np.full((90, 60, 3), level, np.uint8))
        assert (blank.lines, blank.contrast, blank.length) == ([], 0, 0)
    grain = np.random.default_rng(0).normal(200, 5, (400, 400, 3)).astype(np.uint8)
    assert line_drawing(grain).lines == []
    assert line_drawing(np.zeros((1, 1, 3), np.uint8)).lines == []
    assert line_drawing(np.full((16000, 3, 3), 255, np.uint8)).lines == []


def test_drawings_are_told_from_photos(faces: list[Rendering]) -> None:
    for face in faces:
        assert recognise(line_drawing(np.repeat(face.rough_lines()[..., None], 3, 2))) == "contour"
        assert recognise(line_drawing(face.photo)) == "photo"
        shaded = np.repeat(face.sketch(3)[..., None], 3, 2)
        assert (
            recognise(line_drawing(shaded)) == "photo"
        )  # its landmarks say more than its hatching
    for scene in (data.astronaut(), data.coffee()):
        assert recognise(line_drawing(scene)) == "photo"
    for wall in (data.brick(), data.grass(), data.gravel()):
        assert recognise(line_drawing(np.repeat(wall[..., None], 3, 2))) == "photo"


def test_strokes_of_any_width_have_one_line_in_their_middle() -> None:
    for width in (1, 6, 14, 30):
        page = np.full((SIDE, SIDE), 255, np.uint8)
        cv2.line(page, (100, 120), (400, 300), 0, width)
        [line] = line_drawing(np.repeat(thickened(page, 1)[..., None], 3, 2)).lines
        direction = np.array([300, 180]) / np.hypot(300, 180)
        off = (line - (100.5, 120.5)) @ np.array([-direction[1], direction[0]])
        assert np.abs(off[width + 4 : -width - 4]).max() < 1.5  # at its ends it runs to a corner
        length = abs((line[-1] - line[0]) @ direction)
        assert length == pytest.approx(np.hypot(300, 180), abs=width + 3)
