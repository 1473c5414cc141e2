import numpy as np
import pytest

from face_geometry.raster import rasterise


def naive(vertices: np.ndarray, triangles: np.ndarray, width: int, height: int) -> np.ndarray:
    """Plane by plane, pixel by pixel: solve for the barycentric weights of each centre."""
    nearest = np.full((height, width), np.inf)
    for triangle in triangles:
        corners = vertices[triangle]
        system = np.vstack([corners[:, :2].T, np.ones(3)])
        if abs(np.linalg.det(system)) < 1e-12:
            continue
        for y in range(height):
            for x in range(width):
                weights = np.linalg.solve(system, [x + 0.5, y + 0.5, 1.0])
                if weights.min() >= -1e-9:
                    nearest[y, x] = min(nearest[y, x], weights @ corners[:, 2])
    return nearest


@pytest.mark.parametrize("seed", range(3))
def test_random_overlapping_triangles_equal_a_naive_rasteriser(seed: int):
    rng = np.random.default_rng(seed)
    vertices = np.column_stack([rng.uniform(-6, 26, (24, 2)), rng.normal(size=24)])
    triangles = rng.integers(0, 24, (14, 3))  # some without area, most overlapping, some outside
    result = rasterise(vertices, triangles, (20, 16))
    expected = naive(vertices, triangles, 20, 16)
    np.testing.assert_array_equal(np.isinf(result), np.isinf(expected))
    seen = np.isfinite(expected)
    assert 50 < seen.sum() < seen.size
    np.testing.assert_allclose(result[seen], expected[seen], atol=1e-9)


def test_the_nearer_surface_hides_the_farther_in_either_order():
    square = [[0, 0], [8, 0], [8, 8], [0, 8]]
    vertices = np.array([(*p, 5.0) for p in square] + [(p[0] / 2, p[1] / 2, 1.0) for p in square])
    far, near = [(0, 1, 2), (0, 2, 3)], [(4, 5, 6), (4, 7, 6)]
    expected = np.full((8, 8), 5.0)
    expected[:4, :4] = 1.0
    for order in (far + near, near + far):
        np.testing.assert_allclose(rasterise(vertices, np.array(order), (8, 8)), expected)


def test_shared_edges_through_pixel_centres_leave_no_gap():
    vertices = np.array([(0.5, 0.5, 0), (9.5, 0.5, 0), (9.5, 9.5, 0), (0.5, 9.5, 0)])
    result = rasterise(vertices, np.array([(0, 1, 2), (0, 2, 3)]), (10, 10))
    np.testing.assert_array_equal(result, np.zeros((10, 10)))


def test_nothing_in_sight():
    vertices = np.array([(-9.0, -9, 0), (-5, -9, 0), (-5, -5, 0)])
    assert np.isinf(rasterise(vertices, np.array([(0, 1, 2)]), (4, 3))).all()
    assert rasterise(vertices, np.zeros((0, 3), int), (4, 3)).shape == (3, 4)
