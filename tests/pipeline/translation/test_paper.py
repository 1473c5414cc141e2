"""White paper under sketches, whatever the training sketches were drawn on."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.translation.paper import on_white

RANDOM = np.random.default_rng(0)


def sketch(paper: int, stroke: int = 60, noise: float = 1.0) -> np.ndarray:
    """A stroke across noisy paper, (80, 80)."""
    levels = RANDOM.normal(paper, noise, (80, 80))
    levels[30:34] = stroke
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("paper", [150, 228, 247, 255])
def test_paper_becomes_white_and_strokes_keep_their_contrast(paper: int):
    drawing = sketch(paper)
    white = on_white(drawing)
    assert np.median(white) == 255
    assert (white[40:] >= 250).all()
    assert white[31, 5] / 255 == pytest.approx(60 / paper, abs=0.01)
    assert np.abs(on_white(white).astype(int) - white).max() <= 2


def test_colour_is_kept():
    drawing = np.dstack([sketch(230, 90), sketch(230, 30), sketch(230, 30)])
    red, green, blue = on_white(drawing)[31, 5]
    assert red > 2 * green == 2 * blue


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((9, 9), np.uint8),
        RANDOM.integers(0, 120, (40, 40)).astype(np.uint8),
        RANDOM.integers(0, 256, (60, 60)).astype(np.uint8),  # every level alike
    ],
)
def test_what_shows_no_paper_stays_as_it_is(picture: np.ndarray):
    np.testing.assert_array_equal(on_white(picture), picture)
