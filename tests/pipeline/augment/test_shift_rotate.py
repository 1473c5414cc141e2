import math

import cv2
import numpy as np
import pytest
import torch
from scipy import ndimage

from sketchface_models.augmentation.moved_contours import (
    draw_shift_rotate,
    move_contours,
    shift_rotate,
)


def numbers(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


@pytest.fixture
def picture() -> np.ndarray:
    """A smooth picture, so that interpolation errors do not hide errors of geometry."""
    noise = np.random.default_rng(0).integers(0, 256, (96, 128)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 2) * 4 - 380


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (3, 0), (0, -5), (-7, 4), (200, 0)])
def test_whole_pixel_shifts_are_exact(dx: int, dy: int):
    rng = np.random.default_rng(0)
    before = torch.from_numpy(rng.integers(0, 256, (2, 1, 48, 64), np.uint8))
    moved = shift_rotate(before, numbers(dx, dx), numbers(dy, dy), numbers(0, 0))
    expected = torch.full_like(before, 255)
    for y in range(48):
        for x in range(64):
            if 0 <= y - dy < 48 and 0 <= x - dx < 64:
                expected[..., y, x] = before[..., y - dy, x - dx]
    assert moved.dtype == torch.uint8
    assert torch.equal(moved, expected)


@pytest.mark.parametrize(
    ("dx", "dy", "degrees"), [(0, 0, 7), (5.25, -3.5, 0), (-6.5, 2.25, -4.5), (10, 12, 180)]
)
def test_agrees_with_scipy(picture: np.ndarray, dx: float, dy: float, degrees: float):
    moved = shift_rotate(
        torch.from_numpy(picture)[None, None], numbers(dx), numbers(dy), numbers(degrees), fill=9.0
    )[0, 0].numpy()
    # Rows and columns, from each result pixel back to its source: R(-degrees)(x' - c - d) + c.
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    back = np.array([[cos, -sin], [sin, cos]])
    centre = (np.array(picture.shape) - 1) / 2
    offset = centre - back @ np.add(centre, (dy, dx))
    expected = ndimage.affine_transform(
        picture.astype(float), back, offset, order=1, mode="grid-constant", cval=9.0
    )
    np.testing.assert_allclose(moved, expected, atol=0.02)


def test_a_quarter_turn_is_clockwise_about_the_centre():
    before = torch.arange(64, dtype=torch.float32).reshape(1, 1, 8, 8)
    moved = shift_rotate(before, numbers(0), numbers(0), numbers(90))
    torch.testing.assert_close(moved[0, 0], torch.rot90(before[0, 0], -1), atol=1e-3, rtol=0)


def test_each_picture_moves_by_its_own_numbers_and_channels_together():
    before = torch.rand(3, 2, 20, 20)
    dx, dy, degrees = numbers(1, -4, 2.5), numbers(0, 3, -1), numbers(0, 5, -7)
    together = shift_rotate(before, dx, dy, degrees)
    assert together.dtype == before.dtype
    for i in range(3):
        alone = shift_rotate(before[i : i + 1], *(v[i : i + 1] for v in (dx, dy, degrees)))
        torch.testing.assert_close(together[i : i + 1], alone)


def test_draws_depend_on_seed_and_key_alone():
    keys = [f"face-{i}" for i in range(50)]
    drawn = torch.stack(draw_shift_rotate(0, keys, 25, 7))
    torch.testing.assert_close(
        torch.stack(draw_shift_rotate(0, keys[::-1], 25, 7)).flip(1), drawn, rtol=0, atol=0
    )
    assert (torch.stack(draw_shift_rotate(1, keys, 25, 7)) != drawn).all()
    assert [value.tolist() for value in draw_shift_rotate(0, [(3, 1)], 25, 7)] == [
        value.tolist() for value in draw_shift_rotate(0, ["(3, 1)"], 25, 7)
    ]
    assert all(value.shape == (0,) for value in draw_shift_rotate(0, [], 25, 7))


def test_draws_are_uniform_over_their_range():
    dx, dy, degrees = draw_shift_rotate(0, range(4000), 25, 7)
    for values, limit in ((dx, 25), (dy, 25), (degrees, 7)):
        assert values.abs().max() <= limit
        share = torch.histc(values, 8, -limit, limit) / 4000
        assert (share - 1 / 8).abs().max() < 5 * math.sqrt(1 / 8 / 4000)
    assert abs(float(torch.corrcoef(torch.stack([dx, dy, degrees]))[0, 1])) < 0.08


@pytest.mark.parametrize("size", [128, 512])
def test_shifts_are_stated_for_512(size: int):
    paper = torch.full((1, 1, size, size), 255, dtype=torch.uint8)
    moved, dx, dy, degrees = move_contours(paper, 0, ["a"], 25, 7)
    base_x, base_y, base_degrees = draw_shift_rotate(0, ["a"], 25, 7)
    assert torch.equal(moved, paper)
    torch.testing.assert_close(dx, base_x * size / 512)
    torch.testing.assert_close(dy, base_y * size / 512)
    torch.testing.assert_close(degrees, base_degrees)


def test_zero_limits_move_nothing():
    before = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 1, 64, 64), np.uint8))
    assert torch.equal(move_contours(before, 0, list("abcd"), 0, 0)[0], before)
