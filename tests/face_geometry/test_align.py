from __future__ import annotations

import numpy as np
import pytest
from skimage.transform import SimilarityTransform

from face_geometry import align


def matrix(scale: float, degrees: float, x: float, y: float) -> np.ndarray:
    reference = SimilarityTransform(scale=scale, rotation=np.deg2rad(degrees), translation=(x, y))
    return np.asarray(reference.params)[:2]


def blob(x: float, y: float, sigma: float, size: int = 200) -> np.ndarray:
    centres = np.arange(size) + 0.5
    bump = np.exp(-((centres - x) ** 2) / (2 * sigma**2))
    return np.outer(np.exp(-((centres - y) ** 2) / (2 * sigma**2)), bump)


def test_similarity_recovers_a_known_transform() -> None:
    points = np.random.default_rng(0).random((3, 2)) * 200
    expected = matrix(0.7, -25, 12, -30)
    found = align.similarity(points, align.transform_points(points, expected))
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_similarity_is_the_least_squares_one() -> None:
    """x' = ax - by + c and y' = bx + ay + d are linear in a, b, c, d: numpy solves them too."""
    rng = np.random.default_rng(1)
    source, target = rng.random((3, 2)) * 100, rng.random((3, 2)) * 100
    (x, y), one, zero = source.T, np.ones(3), np.zeros(3)
    system = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, c, d = np.linalg.lstsq(system, target.T.ravel(), rcond=None)[0]
    expected = [[a, -b, c], [b, a, d]]
    np.testing.assert_allclose(align.similarity(source, target), expected, atol=1e-9)


def test_eyes_and_mouth() -> None:
    landmarks = np.zeros((68, 2))
    landmarks[36:42] = [(10, 20), (12, 18), (14, 18), (16, 20), (14, 22), (12, 22)]
    landmarks[42:48] = landmarks[36:42] + np.array([40, 0])
    landmarks[48], landmarks[54] = (20, 50), (46, 52)
    landmarks[57] = (33, 90)  # an open mouth must not move the anchor
    expected = [(13, 20), (53, 20), (33, 51)]
    np.testing.assert_allclose(align.eyes_and_mouth(landmarks), expected)


@pytest.mark.parametrize("scale", [0.11, 0.4, 0.78, 1.0, 1.9])
@pytest.mark.parametrize("degrees", [0, 17])
def test_pictures_go_where_points_go(scale: float, degrees: float) -> None:
    point = np.array([[83.0, 118.5]])
    transform = matrix(scale, degrees, 0, 0)
    transform[:, 2] = (64, 61) - align.transform_points(point, transform)[0]
    sigma = 2 / scale if scale < 1 else 4
    image = np.rint(255 * blob(83.0, 118.5, sigma)).astype(np.uint8)
    light = align.warp_depth((image / 255).astype(np.float32), transform, 128).astype(float)
    centres = np.arange(128) + 0.5
    found = light.sum(axis=0) @ centres / light.sum(), light.sum(axis=1) @ centres / light.sum()
    np.testing.assert_allclose(found, (64, 61), atol=0.06)
    same = align.warp(image, transform, 128)
    np.testing.assert_allclose(same[40:80, 40:80] / 255, light[40:80, 40:80], atol=0.01)


def test_identity_changes_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    transform = align.fit(90, 90, 90)
    assert np.array_equal(align.warp(image, transform, 90), image)
    assert np.array_equal(align.warp_labels(image[..., 0], transform, 90), image[..., 0])


@pytest.mark.parametrize("scale", [0.6, 0.25, 0.08])
def test_shrinking_does_not_alias(scale: float) -> None:
    lines = np.zeros((800, 800), np.uint8)
    lines[:, ::2] = 255  # the finest stripes there are
    size = int(800 * scale * 0.7)
    shrunk = align.warp(lines, matrix(scale, 20, size / 2, -size / 4), size)
    inner = shrunk[size // 3 : size // 2, size // 2 : 2 * size // 3]
    limit = 45 if scale > 0.5 else 8  # at 0.6, one aligned pixel covers 1.7 source pixels
    assert abs(inner.mean() - 127.5) < 3
    assert inner.std() < limit


def test_outside_is_paper() -> None:
    paper = np.full((60, 40), 236, np.uint8)
    paper[20:40, 10:30] = 30  # a drawing in the middle
    wide = align.warp(paper, matrix(1, 0, 30, 20), 100)
    outside = np.ones((100, 100), bool)
    outside[20:80, 30:70] = False
    assert set(np.unique(wide[outside])) == {236}
    assert np.array_equal(wide[20:80, 30:70], paper)


def test_edges_fade_into_the_border_colour_and_do_not_smear() -> None:
    photo = np.full((60, 60, 3), (200, 180, 160), np.uint8)
    photo[25:35, :10] = 0  # something dark that touches the left edge
    wide = align.warp(photo, matrix(1, 0, 60, 0), 120)
    assert np.array_equal(wide[:60, 60:], photo)
    assert (wide[30, 59] < 40).all()  # continues at the edge
    assert wide[30, 20].tolist() == [200, 180, 160]  # and is gone further out


def test_labels_and_depth_outside_are_background() -> None:
    labels = np.full((40, 40), 7, np.uint8)
    transform = matrix(0.9, 30, 30, 10)
    moved = align.warp_labels(labels, transform, 90)
    assert set(np.unique(moved)) == {0, 7}
    depth = align.warp_depth(np.ones((40, 40), np.float32), transform, 90)
    assert depth.dtype == np.float32
    assert depth[0, 0] == 0
    assert depth.max() == pytest.approx(1)
    assert abs((depth > 0.5).mean() - (moved == 7).mean()) < 0.01


def test_usual_points_scale_with_the_photo() -> None:
    framing = align.Framing(points=align.PORTRAIT.points, median={"a": align.PORTRAIT.points})
    found = framing.usual_points("a", 200, 100)
    np.testing.assert_allclose(found, [(77, 42), (123, 42), (100, 66)])
    assert framing.usual_points("b", 200, 100) is None


@pytest.mark.parametrize("degrees", [0, 21, -70])
def test_only_what_lies_beyond_the_edges_fades(degrees: float) -> None:
    """Against the definition: a pixel is kept where its centre lies in the source."""
    transform = matrix(0.8, degrees, 30, 25)
    image = np.zeros((60, 80), np.uint8)
    image[1:-1, 1:-1] = 200  # a border of another colour
    found = align.warp(image, transform, 100)
    centres = np.stack(np.meshgrid(np.arange(100) + 0.5, np.arange(100) + 0.5), axis=-1)
    inverse = np.linalg.inv(np.vstack([transform, [0, 0, 1]]))[:2]
    x, y = np.moveaxis(align.transform_points(centres.reshape(-1, 2), inverse), 1, 0)
    within = ((x > 3) & (x < 77) & (y > 3) & (y < 57)).reshape(100, 100)
    beyond = ((x < -2) | (x > 82) | (y < -2) | (y > 62)).reshape(100, 100)
    assert within.any()
    assert beyond.any()
    assert (found[within] == 200).all()
    assert (found[beyond] == 0).all()
