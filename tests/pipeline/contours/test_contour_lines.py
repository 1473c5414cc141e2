from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from made_faces import pencil

from face_geometry import ibug
from face_geometry.polylines import CONTOUR_WIDTH, draw_lines
from pipeline.compose import compose
from pipeline.contours.contours import draw_contour
from pipeline.contours.rough_lines import rough_lines, trace
from pipeline.landmarks.detector import Detection


def ink(picture: np.ndarray) -> float:
    return float((255 - picture.astype(float)).sum() / 255)


def test_the_stage_draws_as_wide_as_the_edit_sets_by_default(tmp_path: Path):
    compose([], tmp_path / "params.yaml")
    parameters = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert parameters["contours"]["width"] == CONTOUR_WIDTH


def test_contour_is_its_63_segments():
    points = np.random.default_rng(1).uniform(20, 236, (68, 2))
    separate = draw_lines([points[list(pair)] for pair in ibug.SEGMENTS], 256)
    np.testing.assert_array_equal(draw_contour(points, 256), separate)


def test_contour_follows_the_landmarks(astronaut: Detection):
    points = astronaut.landmarks
    picture = draw_contour(points, 256)
    assert picture.shape == (256, 256)
    assert picture.dtype == np.uint8
    columns, rows = np.floor(points).astype(int).T
    assert all(picture[y - 1 : y + 2, x - 1 : x + 2].min() < 140 for x, y in zip(columns, rows))
    lengths = sum(np.hypot(*(points[a] - points[b])) for a, b in ibug.SEGMENTS)
    assert 0.8 * lengths < ink(picture) < 1.05 * lengths
    # The same face at half the size is the same drawing, averaged.
    half = cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)
    assert abs(half.astype(float) - draw_contour(points / 2, 128)).mean() < 1.0


def test_trace_walks_every_pixel_once_and_straight_on():
    thin = np.zeros((40, 40), bool)
    thin[20, 5:35] = thin[5:35, 20] = True
    paths = trace(thin)
    visited = np.concatenate(paths) - 0.5
    assert len(visited) == thin.sum() == len({tuple(point) for point in visited})
    across = max(paths, key=len)
    assert len(across) == 30
    assert (across[0] == (across[-1][0], 5.5)).all() or (across[0] == (5.5, 20.5)).all()


def test_trace_of_a_loop_and_of_nothing():
    loop = np.zeros((30, 30), np.uint8)
    cv2.circle(loop, (15, 15), 9, 1)
    paths = trace(loop > 0)
    assert len(paths[0]) > 0.8 * loop.sum()
    assert np.hypot(*(paths[0][0] - paths[0][-1])) < 3
    assert trace(np.zeros((9, 9), bool)) == []


def test_rough_lines_are_a_function_of_sketch_seed_and_id():
    sketch = pencil()
    first = rough_lines(sketch, 0, "a")
    np.testing.assert_array_equal(first, rough_lines(sketch.copy(), 0, "a"))
    assert (first != rough_lines(sketch, 1, "a")).any()
    assert (first != rough_lines(sketch, 0, "b")).any()


@pytest.mark.parametrize("size", [128, 256, 512])
def test_rough_lines_stay_near_the_edges_yet_differ_from_them(size: int):
    sketch = pencil(size)
    lines = rough_lines(sketch, 0, "a")
    assert lines.shape == sketch.shape
    assert 0.01 < (lines < 128).mean() < 0.15  # lines, not shading
    dark = (cv2.GaussianBlur(sketch, (0, 0), size / 256) < 200).astype(np.uint8)
    away = cv2.distanceTransform(1 - dark, cv2.DIST_L2, 5)[lines < 128] * 256 / size
    assert np.mean(away < 4) > 0.8
    exact = rough_lines(sketch, 0, "a", roughness=0.0)
    exact_away = cv2.distanceTransform(1 - dark, cv2.DIST_L2, 5)[exact < 128] * 256 / size
    assert exact_away.mean() < away.mean()


def test_blank_paper_has_no_lines():
    assert (rough_lines(np.full((128, 128), 255, np.uint8), 0, "a") == 255).all()
