from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from mini_data import turned_face

from pipeline.landmarks.detector import find_face, windows
from pipeline.landmarks.face_mesh import FaceMesh


@pytest.fixture(scope="module")
def mesh() -> FaceMesh:
    with FaceMesh() as mesh:
        yield mesh


@pytest.mark.parametrize(("height", "width"), [(64, 64), (300, 300), (300, 1000), (1001, 333)])
def test_windows_cover_the_photo_and_overlap_by_half(height: int, width: int) -> None:
    covered = np.zeros((height, width), int)
    found = list(windows(height, width))
    assert 3 <= len(found) <= 9
    for top, left, side in found:
        assert side == max(height, width) // 2
        assert top >= 0
        assert left >= 0
        assert covered[top : top + side, left : left + side].size
        covered[top : top + side, left : left + side] += 1
    assert covered.min() >= 1
    # A face of half a window lies whole in one of them, wherever it is.
    half = side // 2
    for y in range(0, max(1, height - half), 7):
        for x in range(0, max(1, width - half), 7):
            assert any(
                top <= y and left <= x and min(y + half, height) <= top + side
                and min(x + half, width) <= left + side
                for top, left, side in found
            ), (y, x)  # fmt: skip


def test_nothing_is_looked_for_in_a_few_pixels() -> None:
    assert list(windows(1, 1)) == list(windows(60, 2)) == []


@pytest.mark.parametrize("count", [4, 6])
def test_a_row_of_faces(mesh: FaceMesh, count: int) -> None:
    row = np.hstack([turned_face(150, 150, 0.6, turn) for turn in range(count)])
    assert mesh.detect(row) is None
    found = find_face(mesh, row)
    assert found is not None
    assert 40 < np.ptp(found[:, 0]) < 150  # one of them, whole


@pytest.mark.parametrize(("top", "left"), [(0, 0), (333, 417), (500, 640)])
def test_a_small_face_is_found_where_it_is(mesh: FaceMesh, top: int, left: int) -> None:
    photo = np.full((700, 900, 3), 90, np.uint8)
    small = turned_face(200, 200, 0.8, 5)
    photo[top : top + 200, left : left + 200] = small
    alone = mesh.detect(small)
    assert alone is not None
    found = find_face(mesh, photo)
    assert found is not None
    np.testing.assert_allclose(found, alone.landmarks + np.array([left, top]), atol=4)


def test_the_largest_of_all_windows_is_taken() -> None:
    """A detector that sees a face of the window's own grey level, in its corner."""

    def detect(photo: np.ndarray) -> SimpleNamespace | None:
        if photo.shape == (100, 200, 3):
            return None
        size = int(photo[0, 0, 0])
        corner = np.array([[0, 0], [size, size]], np.float32)
        return SimpleNamespace(landmarks=corner) if size else None

    photo = np.zeros((100, 200, 3), np.uint8)
    assert find_face(SimpleNamespace(detect=detect), photo) is None  # type: ignore[arg-type]
    photo[0, 50], photo[0, 100] = 30, 20
    found = find_face(SimpleNamespace(detect=detect), photo)  # type: ignore[arg-type]
    assert found is not None
    assert found.tolist() == [[50, 0], [80, 30]]
