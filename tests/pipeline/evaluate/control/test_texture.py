"""Gradients in the mouth and noise on the forehead, by cases computed by hand."""

import numpy as np
import pytest

from face_geometry import ibug
from pipeline.evaluate.control.texture import (
    STEP,
    doublings,
    forehead_region,
    gradient_energy,
    mouth_region,
    texture_numbers,
    variance_about_plane,
)
from synthetic_faces import render

SKIN, HAIR = 1, 17
ROWS, COLUMNS = np.mgrid[:32, :32].astype(float)
WHOLE = np.ones((32, 32), bool)


def test_the_energy_of_a_ramp_is_its_slope_squared():
    assert gradient_energy(0.02 * COLUMNS, WHOLE) == pytest.approx(0.0004)
    assert gradient_energy(0.02 * COLUMNS + 0.01 * ROWS, WHOLE) == pytest.approx(0.0005)


def test_only_the_region_counts():
    picture = np.where(COLUMNS < 16, 0.5, COLUMNS % 2)
    assert gradient_energy(picture, COLUMNS < 15) == 0
    assert gradient_energy(picture, COLUMNS > 15) > 0


def test_even_shading_has_no_variance_about_its_plane_and_a_chequer_has_its_own():
    shading = 0.3 + 0.01 * ROWS - 0.005 * COLUMNS
    assert variance_about_plane(shading, WHOLE) == pytest.approx(0, abs=1e-12)
    chequer = 0.1 * (-1) ** (ROWS + COLUMNS)
    assert variance_about_plane(shading + chequer, WHOLE) == pytest.approx(0.01, rel=0.02)


def test_half_and_twice_are_one_doubling_away():
    assert doublings(0.02, 0.01) == pytest.approx(1, rel=0.01)
    assert doublings(0.01, 0.02) == pytest.approx(1, rel=0.01)
    assert doublings(0.01, 0.01) == 0
    assert doublings(0.0, 3 * STEP**2) == pytest.approx(2)


def test_the_forehead_is_skin_above_the_brows_and_the_mouth_within_the_lips():
    face = render(0, "synthetic-test-000003", 256)
    forehead = forehead_region(face.landmarks, face.labels)
    brows = [*ibug.chain("right_brow"), *ibug.chain("left_brow")]
    rows, columns = np.nonzero(forehead)
    assert len(rows) > 100
    assert rows.max() < face.landmarks[brows, 1].max()
    assert columns.min() > face.landmarks[brows, 0].min() - 8
    assert (face.labels[forehead] == SKIN).all()
    mouth = mouth_region(face.landmarks, 256)
    named = np.isin(face.labels[mouth], (10, 11, 12))  # CelebAMask-HQ: mouth, upper and lower lip
    assert named.mean() > 0.9


def test_a_forehead_under_hair_is_not_measured():
    face = render(0, "synthetic-test-000003", 128)
    numbers = texture_numbers(face.photo, face.landmarks, face.labels)
    assert numbers.keys() == {"mouth_texture", "forehead_texture"}
    hidden = texture_numbers(face.photo, face.landmarks, np.full((128, 128), HAIR))
    assert hidden == {"mouth_texture": numbers["mouth_texture"]}
