"""`sketchface translate`: doodles become faces, and photos doodles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_generators import (
    ALIGNED,
    DOODLE_SIDE,
    make_contour_weights,
    make_doodle_weights,
    make_weights,
)
from PIL import Image
from skimage import data
from written_pictures import names, pixels_of

import sketchface
from pipeline.common.fields import as_array
from pipeline.common.images import encode_png, resize
from pipeline.datasets.quickdraw import draw
from synthetic_faces.doodles import doodle

Run = Callable[..., tuple[int, str, str]]
STROKES = [np.array(stroke, float).T for stroke in doodle(0, 3).strokes]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_doodle_weights(tmp_path_factory.mktemp("run") / "weights")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    Image.fromarray(draw(STROKES, 28)).save(folder / "bitmap.png")
    Image.fromarray(255 - draw(STROKES, 700, pen=6.0)).save(folder / "chalk.png")
    Image.fromarray(data.astronaut()).save(folder / "her.png")
    Image.new("L", (200, 200), 255).save(folder / "blank.png")
    return folder


def test_doodles_reach_the_network_as_packs_hold_them(
    tmp_path: Path, pictures: Path, weights: Path, translate: Run
) -> None:
    asked = ("-o", "out", "--weights", weights, "--show-input", "--sheet")
    status, printed, wrong = translate(pictures / "bitmap.png", pictures / "chalk.png", *asked)
    assert (status, wrong) == (0, "")
    assert "2 photos of 2 faces in 2 pictures" in printed
    assert {"bitmap.png", "bitmap-input.png", "bitmap-sheet.png"} <= set(names(tmp_path / "out"))
    stored = encode_png(resize(draw(STROKES, 28), (ALIGNED, ALIGNED)))
    read = pixels_of(tmp_path / "out/bitmap-input.png")
    np.testing.assert_array_equal(read, as_array("doodle", stored, DOODLE_SIDE)[0])
    chalk = pixels_of(tmp_path / "out/chalk-input.png").astype(float)
    assert np.abs(chalk - read).mean() < 12
    assert pixels_of(tmp_path / "out/bitmap.png").shape == (ALIGNED, ALIGNED, 3)


def test_samples_differ_and_follow_the_seed(
    tmp_path: Path, pictures: Path, weights: Path, translate: Run
) -> None:
    def samples(out: str, *asked: object) -> list[np.ndarray]:
        arguments = ("-o", out, "--weights", weights, "--samples", 3, *asked)
        assert translate(pictures / "bitmap.png", *arguments)[0] == 0
        return [pixels_of(tmp_path / out / f"bitmap-random{n}.png") for n in (1, 2, 3)]

    first, again, other = samples("a"), samples("b", "--seed", 0), samples("c", "--seed", 1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


def test_a_photo_becomes_a_drawing(
    tmp_path: Path, pictures: Path, weights: Path, translate: Run
) -> None:
    asked = ("-o", "out", "--weights", weights, "--to", "drawing")
    status, printed, wrong = translate(pictures / "her.png", *asked)
    assert (status, wrong) == (0, "")
    assert "1 drawing of 1 face in 1 picture" in printed
    assert pixels_of(tmp_path / "out/her.png").ndim == 2


def test_the_library_reads_doodles_and_draws_them(pictures: Path, weights: Path) -> None:
    faces = sketchface.translate(pictures / "chalk.png", weights=weights, random=2)
    assert [face.shape for face in faces] == [(ALIGNED, ALIGNED, 3)] * 2
    [drawing] = sketchface.translate(pictures / "her.png", weights=weights, to="drawing")
    assert drawing.shape == (ALIGNED, ALIGNED)


@pytest.mark.parametrize(
    ("picture", "asked", "reason"),
    [
        ("her.png", (), "no doodle"),
        ("her.png", ("--to", "sketch"), "draws a photo"),
        ("bitmap.png", ("--from", "contour"), "--from contour"),
        ("blank.png", (), "blank; draw a face on it"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    picture: str, asked: tuple[str, ...], reason: str, pictures: Path, weights: Path, translate: Run
) -> None:
    status, _, wrong = translate(pictures / picture, "-o", "out", "--weights", weights, *asked)
    assert status != 0
    assert len(wrong.strip().splitlines()) == 1
    assert reason in wrong


def test_weights_of_one_direction_draw_no_doodles(
    tmp_path: Path, pictures: Path, translate: Run
) -> None:
    for make in (make_contour_weights, make_weights):
        weights = make(tmp_path / make.__name__)
        asked = ("-o", "out", "--weights", weights, "--to", "drawing")
        status, _, wrong = translate(pictures / "her.png", *asked)
        assert status != 0
        assert "--to drawing" in wrong
