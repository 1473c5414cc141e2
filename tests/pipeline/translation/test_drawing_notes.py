"""A page with several drawn faces gets a note; one face gets none, whatever else is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from face_geometry import ibug
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation.drawing_notes import drawing_note
from pipeline.translation.line_drawing import LineDrawing
from synthetic_faces import render


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceMesh]:
    with FaceMesh(choose="largest") as mesh:
        yield mesh


def face_at(x: float, scale: float = 1.0) -> list[np.ndarray]:
    landmarks = render(5, 4, 256).landmarks * scale + (x, 20.0)
    return [landmarks[ibug.chain(name)] for name in ibug.CHAINS]


def page(*lines: np.ndarray) -> LineDrawing:
    return LineDrawing(900, 400, list(lines), np.empty((0, 2)), 255, 0.02, 0, 0, 0, 0)


def test_faces_beside_each_other_are_counted(detector: FaceMesh) -> None:
    two = page(*face_at(0), *face_at(300))
    assert drawing_note(two, detector) == "shows 2 drawn faces, and one is read: cut them apart"
    assert "3 drawn faces" in drawing_note(page(*two.lines, *face_at(600, 0.9)), detector)


def test_one_face_and_what_is_drawn_beside_it(detector: FaceMesh) -> None:
    rng = np.random.default_rng(0)
    beside = rng.uniform((400, 30), (700, 300), (40, 3, 2))
    assert drawing_note(page(*face_at(0)), detector) == ""
    assert drawing_note(page(*face_at(0), *beside), detector) == ""
    assert drawing_note(page(*face_at(0), *face_at(400, 0.3)), detector) == ""
    assert drawing_note(page(*face_at(0)[1:]), detector) == ""  # without a jaw about the rest
    assert drawing_note(page(), detector) == ""
