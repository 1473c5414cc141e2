from functools import cache

import cv2
import numpy as np
import pytest

from sketchface_models.errors import SketchFaceError
from synthetic_faces import Rendering, render
from synthetic_faces.drawing.feature_lines import features

SIZE = 192
IDS = (0, 4, 5)


@cache
def face(id: int) -> Rendering:
    return render(0, id, SIZE)


@cache
def drawing(id: int, roughness: float) -> np.ndarray:
    return face(id).rough_lines(roughness)


def distance_to_line(picture: np.ndarray) -> np.ndarray:
    """Of every pixel from the nearest dark one."""
    return cv2.distanceTransform((picture > 140).astype(np.uint8), cv2.DIST_L2, 5)


def test_a_pure_function_of_seed_and_id():
    assert np.array_equal(render(0, 4, SIZE).rough_lines(0.7), render(0, 4, SIZE).rough_lines(0.7))
    assert not np.array_equal(drawing(4, 1.0), drawing(5, 1.0))


def test_dark_lines_on_white():
    picture = drawing(0, 1.0)
    assert picture.dtype == np.uint8
    assert picture.shape == (SIZE, SIZE)
    assert picture.max() == 255
    assert picture.min() < 100
    assert 0.01 < (picture < 128).mean() < 0.12
    assert (picture[:, 0] == 255).mean() > 0.8


@pytest.mark.parametrize("id", IDS)
def test_without_roughness_lines_lie_where_the_geometry_has_them(id: int):
    exact = np.full((SIZE, SIZE), 255, np.uint8)
    for lines in features(face(id).subject).values():
        for line in lines:
            path = np.round(line.points * SIZE - 0.5).astype(np.int32)
            cv2.polylines(exact, [path], False, (0,), 1)
    away = distance_to_line(exact)[drawing(id, 0.0) < 140]
    assert np.percentile(away, 99) < 2.5


@pytest.mark.parametrize("id", IDS)
def test_without_roughness_visible_landmarks_lie_on_lines(id: int):
    away = distance_to_line(drawing(id, 0.0))
    corners = [36, 39, 42, 45, 48, 54]
    shown = [k for k in corners if face(id).visible[k]]
    x, y = np.floor(face(id).landmarks[shown]).astype(int).T
    assert len(shown) >= 3
    assert away[y, x].max() < 0.025 * SIZE


@pytest.mark.parametrize("id", IDS)
def test_roughness_displaces_lines(id: int):
    exact = distance_to_line(drawing(id, 0.0))
    away = [exact[drawing(id, r) < 140].mean() for r in (0.0, 0.4, 1.0)]
    assert away[0] == 0
    assert 0.2 < away[1] < away[2] < 0.05 * SIZE


def test_roughness_leaves_lines_of_the_mouth_out():
    def ink(id: int, roughness: float) -> int:
        low = face(id).landmarks[48:].min(0) - 0.06 * SIZE
        high = face(id).landmarks[48:].max(0) + 0.06 * SIZE
        (x0, y0), (x1, y1) = low.astype(int), high.astype(int)
        return int((drawing(id, roughness)[y0:y1, x0:x1] < 140).sum())

    assert sum(ink(id, 1.0) for id in IDS) < 0.85 * sum(ink(id, 0.0) for id in IDS)


def test_lines_are_broken():
    lines = sum(len(own) for own in features(face(0).subject).values())
    count, _ = cv2.connectedComponents((drawing(0, 1.0) < 140).astype(np.uint8))
    assert count - 1 > 0.5 * lines


@pytest.mark.parametrize("roughness", [-0.1, 1.5])
def test_roughness_out_of_range_is_refused(roughness: float):
    with pytest.raises(SketchFaceError, match=r"roughness: .*; allowed: 0 to 1"):
        face(0).rough_lines(roughness)
