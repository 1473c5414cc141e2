"""Wrap-around bytes, and ink at the border (docs/papers.md, Portrait sketches)."""

import pytest
import torch

from sketchface_models.noise_removal import border, near, strokes, without_edge_shadows, wrapped
from sketchface_models.pixels import from_signed

BYTES = {
    -1.0: 1,
    -0.9: 27,
    -0.75: 65,
    -0.5: 129,
    -0.25: 193,
    -0.01: 254,
    0.0: 0,
    0.25: 63,
    0.5: 127,
    1.0: 255,
}
"""What torchvision's ToPILImage makes of values in [-1, 1]: times 255, cut to a byte."""


def test_values_wrap_as_the_released_code_wraps_them():
    levels = from_signed(wrapped(torch.tensor(list(BYTES))))
    assert levels.tolist() == list(BYTES.values())


def test_wrapping_turns_a_hair_of_difference_into_colour():
    """Nearly equal channels about zero come out black and white: the colourful noise."""
    grey = torch.tensor([-0.01, 0.01, 0.0])
    assert grey.max() - grey.min() < 0.021
    assert (wrapped(grey).max() - wrapped(grey).min()).item() > 1.9
    light = torch.tensor([0.9, 0.92, 0.91])  # above zero channels stay together
    assert (wrapped(light).max() - wrapped(light).min()).item() < 0.05


def test_border_is_a_twentieth_of_the_side():
    for size in (64, 256):
        width = round(0.05 * size)
        assert border(size).sum() == size**2 - (size - 2 * width) ** 2
        assert border(size)[:width].all()
        assert not border(size)[width, width]


def test_near_reaches_as_far_as_it_says():
    mask = torch.zeros(1, 1, 256, 256, dtype=torch.bool)
    mask[0, 0, 100, 50] = True
    reach = round(0.03 * 256)
    rows, columns = near(mask)[0, 0].nonzero().T
    assert (rows.min(), rows.max()) == (100 - reach, 100 + reach)
    assert (columns.min(), columns.max()) == (50 - reach, 50 + reach)
    assert len(rows) == (2 * reach + 1) ** 2


@pytest.mark.parametrize(("level", "stroke"), [(0.9, False), (0.7, True), (-1.0, True)])
def test_a_stroke_is_a_tenth_darker_than_paper(level: float, stroke: bool):
    drawing = torch.ones(1, 3, 4, 4)
    drawing[:, 1] = level
    assert strokes(drawing).all() == stroke
    assert not strokes(drawing, white=level).any()


def test_shadows_go_and_everything_else_stays():
    drawing, generated = torch.ones(1, 1, 64, 64), torch.full((1, 3, 64, 64), 0.5)
    drawing[:, :, :, :2] = -1.0  # a stroke down the left border
    generated[:, :, 10:54, 10:54] = -0.5  # a face
    generated[:, :, :3] = -0.9  # a shadow along the top, and over the stroke
    before = generated.clone()
    clean = without_edge_shadows(generated, drawing)
    assert torch.equal(generated, before)
    assert (clean[:, :, :3, 8:] == 0.5).all()  # to the paper's level, not to white
    assert torch.equal(clean[:, :, :, :3], generated[:, :, :, :3])
    assert torch.equal(clean[:, :, 3:], generated[:, :, 3:])


def test_what_is_lighter_than_the_paper_stays_so():
    generated = torch.full((1, 1, 64, 64), 0.2)
    generated[:, :, 0, 0] = 0.8
    clean = without_edge_shadows(generated, torch.ones(1, 1, 64, 64))
    assert torch.equal(clean, generated)
