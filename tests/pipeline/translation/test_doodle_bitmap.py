"""Drawings of any size, ink and paper become the bitmaps that doodle networks learn from."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from pipeline.datasets.quickdraw import draw
from pipeline.translation.doodle_bitmap import doodle_bitmap
from pipeline.translation.line_drawing import TRACED_INK, line_drawing
from pipeline.translation.recognition import recognise
from sketchface_models.errors import SketchFaceError
from synthetic_faces.doodles import doodle

PATH = Path("drawing.png")
STROKES = [np.array(stroke, float).T for stroke in doodle(0, 3).strokes]
BITMAP = draw(STROKES, 28)


def page(side: int = 600, pen: float = 8.0, scale: float = 1.0) -> np.ndarray:
    """The doodle in black on white, (side, side, 3), in the middle `scale` of the page."""
    inner = round(side * scale)
    paper = np.full((side, side), 255, np.uint8)
    start = (side - inner) // 2
    paper[start : start + inner, start : start + inner] = draw(STROKES, inner, pen)
    return np.repeat(paper[..., None], 3, axis=2)


def read(picture: np.ndarray) -> np.ndarray:
    return doodle_bitmap(picture, line_drawing(picture), PATH)


def difference(bitmap: np.ndarray) -> float:
    """Mean difference from the true bitmap, parts of that of an empty page."""
    true = 255.0 - BITMAP
    return float(np.abs(255.0 - bitmap - true).sum() / true.sum())


def shadowed(picture: np.ndarray) -> np.ndarray:
    """A pencil drawing as a phone sees it: dim paper, a shadow, grain, grey strokes."""
    side = len(picture)
    light = np.linspace(0.55, 0.9, side)[:, None, None]
    grain = np.random.default_rng(0).normal(0, 4, picture.shape)
    pencil = 255 - (255.0 - picture) * 0.6
    return np.clip(pencil * light + grain, 0, 255).astype(np.uint8)


def on_a_table(picture: np.ndarray) -> np.ndarray:
    """A page that lies a little askew on a dark table."""
    side = len(picture)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), 2, 0.6)
    return cv2.warpAffine(picture, turn, (side, side), borderValue=(90, 80, 70))


@pytest.mark.parametrize(
    "picture",
    [
        page(),
        page(1500, 4.0),
        page(900, 20.0),
        page(800, 8.0, scale=0.3),
        np.pad(page(500), ((40, 700), (900, 60), (0, 0)), constant_values=255),
        255 - page(),
        shadowed(page(900)),
        on_a_table(shadowed(page(900, scale=0.7))),
        np.where(page() < 128, (180, 30, 30), (240, 230, 200)).astype(np.uint8),
    ],
    ids=[
        "usual",
        "thin",
        "thick",
        "small",
        "corner",
        "inverted",
        "pencil",
        "table",
        "red on cream",
    ],
)
def test_any_drawing_becomes_the_same_doodle(picture: np.ndarray):
    bitmap = read(picture)
    assert bitmap.shape == (28, 28)
    assert difference(bitmap) < 0.35, difference(bitmap)
    other = draw([np.array(stroke, float).T for stroke in doodle(0, 4).strokes], 28)
    assert difference(other) > 0.9  # another doodle is farther off


@pytest.mark.parametrize("turned", [False, True])
def test_a_bitmap_of_28_pixels_stays_as_it_is(turned: bool):
    picture = np.repeat((255 - BITMAP if turned else BITMAP)[..., None], 3, axis=2)
    assert recognise(line_drawing(picture)) == "doodle"
    np.testing.assert_array_equal(read(picture), BITMAP)


def coloured(paper: int, ink: int) -> np.ndarray:
    """The bitmap in other greys."""
    grey = ink + (paper - ink) * (BITMAP / 255.0)
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize(
    ("paper", "ink"),
    [(150, 60), (200, 140), (110, 20), (100, 220), (128, 0), (127, 255), (230, 30)],
)
def test_a_bitmap_in_any_greys_becomes_black_on_white(paper: int, ink: int):
    picture = coloured(paper, ink)
    assert recognise(line_drawing(picture)) == "doodle"
    assert difference(read(picture)) < 0.02


def test_a_bitmap_whose_drawing_is_small_and_in_a_corner_is_drawn_anew():
    picture = np.full((28, 28, 3), 255, np.uint8)
    picture[1:19, 9:27] = draw(STROKES, 18)[..., None]
    assert difference(read(picture)) < 0.35


@pytest.mark.parametrize("pen", [6, 10])
def test_thin_strokes_in_a_bitmap_become_as_wide_as_those_of_the_training_data(pen: int):
    picture = np.repeat(draw(STROKES, 28, pen)[..., None], 3, axis=2)
    assert difference(picture[..., 0]) > 0.35
    assert difference(read(picture)) < 0.35


def test_a_bitmap_of_many_strokes_is_a_doodle_and_stays():
    bitmap = draw([np.array(stroke, float).T for stroke in doodle(0, 24).strokes], 28)
    picture = np.repeat(bitmap[..., None], 3, axis=2)
    drawing = line_drawing(picture)
    assert drawing.ink > TRACED_INK
    assert recognise(drawing) == "doodle"
    np.testing.assert_array_equal(read(picture), bitmap)


def test_dots_for_eyes_are_drawn():
    paper = np.full((600, 600, 3), 255, np.uint8)
    cv2.circle(paper, (300, 300), 200, (0, 0, 0), 8)
    for x in (230, 370):
        cv2.circle(paper, (x, 250), 14, (0, 0, 0), -1)
    bitmap = read(paper)
    eyes = bitmap[10:13, 8:20] < 128
    assert eyes[:, :6].any()
    assert eyes[:, 6:].any()
    assert (bitmap[15:22, 9:19] == 255).all()  # no mouth was drawn


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.full((300, 300, 3), 255, np.uint8), "blank; draw a face on it"),
        (np.zeros((12, 12, 3), np.uint8), "12 x 12 pixels; a doodle has at least 16 a side"),
        (data.astronaut(), "no doodle|hardly any lines"),
        (np.stack(3 * [data.brick()], axis=2), "no doodle, strokes would cover 7[0-9]% of it"),
    ],
    ids=["blank", "tiny", "photo", "wall"],
)
def test_what_is_no_doodle_is_refused(picture: np.ndarray, reason: str):
    with pytest.raises(SketchFaceError, match=reason) as refused:
        read(picture)
    assert "\n" not in str(refused.value)
