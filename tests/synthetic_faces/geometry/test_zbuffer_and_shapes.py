import numpy as np
import pytest

from synthetic_faces.geometry.shapes import pchip, smoothstep, spline
from synthetic_faces.geometry.zbuffer import rasterise
from synthetic_faces.randomness import noise_at, noise_tile


def brute_force(xy, z, faces, side):
    """Depth and owner at every pixel, one pixel and one triangle at a time."""
    depth = np.full((side, side), -np.inf)
    owner = np.full((side, side), -1)
    for number, (i, j, k) in enumerate(faces):
        a, b, c = xy[i], xy[j], xy[k]
        matrix = np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]])
        if abs(np.linalg.det(matrix)) < 1e-9:
            continue
        for y in range(side):
            for x in range(side):
                w = np.linalg.solve(matrix, [x, y, 1])
                if (w >= -1e-6).all() and w @ z[[i, j, k]] > depth[y, x]:
                    depth[y, x], owner[y, x] = w @ z[[i, j, k]], number
    return depth, owner


def test_rasterise_agrees_with_brute_force():
    rng = np.random.default_rng(0)
    side = 24
    corners = rng.uniform(-4, 28, (40, 1, 2)) + rng.uniform(-6, 6, (40, 3, 2))
    xy, z = corners.reshape(-1, 2), rng.uniform(-1, 1, 120)
    faces = np.arange(120).reshape(-1, 3)
    hits = rasterise(xy, z, faces, side)
    depth, owner = brute_force(xy, z, faces, side)
    triangles = np.full(side * side, -1)
    triangles[hits.pixel] = hits.triangle
    assert np.mean(triangles.reshape(side, side) == owner) > 0.995  # edges may round either way
    mapped = np.full(side * side, -np.inf)
    mapped[hits.pixel] = hits.depth
    both = np.isfinite(depth) & np.isfinite(mapped.reshape(side, side))
    np.testing.assert_allclose(mapped.reshape(side, side)[both], depth[both], atol=1e-4)
    np.testing.assert_allclose(hits.weight.sum(1), 1, atol=1e-5)


def test_a_closed_surface_has_no_holes():
    side = 64
    x, y = np.meshgrid(np.linspace(8.3, 55.1, 15), np.linspace(7.7, 54.9, 15))
    index = np.arange(225).reshape(15, 15)
    a, b, c, d = (
        m.ravel() for m in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
    hits = rasterise(np.stack([x.ravel(), y.ravel()], 1), np.zeros(225), faces, side)
    assert len(hits.pixel) == len(range(9, 56)) * len(range(8, 55))
    assert np.all(np.diff(hits.pixel) > 0)


def test_the_nearer_triangle_wins():
    xy = np.array([[0, 0], [9, 0], [0, 9], [0, 0], [9, 0], [0, 9]], float)
    z = np.array([0, 0, 0, 1, 1, 1.0])
    for faces, front in (([[0, 1, 2], [3, 4, 5]], 1), ([[3, 4, 5], [0, 1, 2]], 0)):
        hits = rasterise(xy, z, np.array(faces), 10)
        assert len(hits.pixel) == 55
        assert (hits.triangle == front).all()


def test_pchip_passes_through_its_knots_and_stays_monotone():
    knots, values = np.array([0.0, 1, 2, 4, 5]), np.array([0.0, 1, 1, 3, 10])
    np.testing.assert_allclose(pchip(knots, values, knots), values, atol=1e-12)
    dense = pchip(knots, values, np.linspace(0, 5, 500))
    assert (np.diff(dense) >= -1e-12).all()
    line = pchip(knots, 2 * knots + 1, np.linspace(0, 5, 50))
    np.testing.assert_allclose(line, 2 * np.linspace(0, 5, 50) + 1)


def test_spline_passes_through_its_points():
    points = np.array([[0, 0], [1, 2], [3, 1], [4, 4.0]])
    curve = spline(points, 31)
    np.testing.assert_allclose(curve[[0, 10, 20, 30]], points, atol=1e-12)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (1.0, 0.0)])
def test_smoothstep_ends_and_middle(low, high):
    x = np.array([low - (high - low), low, 0.5 * (low + high), high])
    np.testing.assert_allclose(smoothstep(low, high, x), [0, 0, 0.5, 1])


def test_noise_repeats_and_is_normalised():
    for kind in ("fine", "cloud", "strand", "curl"):
        assert abs(noise_tile(kind).mean()) < 1e-3
        assert noise_tile(kind).std() == pytest.approx(1, abs=1e-3)
    u, v = np.random.default_rng(0).random((2, 50))
    np.testing.assert_allclose(noise_at("fine", u, v), noise_at("fine", u + 3, v - 2), atol=0.15)
    assert noise_at("fine", np.zeros(0), np.zeros(0)).shape == (0,)
