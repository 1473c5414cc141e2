"""`sketchface translate` of pictures of several kinds, by the generators that ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data
from written_pictures import names, pixels_of

from face_geometry.palette import colourise
from pipeline.contours.contours import draw_contour
from pipeline.datasets.quickdraw import draw
from pipeline.translation import trained_generator
from pipeline.translation.recognition import REDUCED_PICTURE, kind_of
from sketchface_models.inference import generator_names
from synthetic_faces import render
from synthetic_faces.doodles import doodle

Run = Callable[..., tuple[int, str, str]]
STROKES = [np.array(stroke, float).T for stroke in doodle(0, 3).strokes]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One picture of each kind, the doodle first; a photo of a built-in face."""
    folder, face = tmp_path_factory.mktemp("pictures"), render(5, 4, 256)
    Image.fromarray(draw(STROKES, 28)).save(folder / "a-doodle.png")
    Image.fromarray(draw_contour(face.landmarks, 256)).save(folder / "b-drawing.png")
    Image.fromarray(face.labels).save(folder / "c-map.png")
    Image.fromarray(face.photo).save(folder / "d-photo.png")
    return folder


def test_each_picture_is_recognised_and_goes_through_the_generator_of_its_kind(
    tmp_path: Path, pictures: Path, translate: Run
) -> None:
    status, printed, wrong = translate(pictures, "-o", "out", "--show-input")
    assert (status, wrong) == (0, "")
    assert printed.startswith("out: 3 photos and 1 sketch of 4 faces in 4 pictures (")
    one, two = ("a-doodle", "b-drawing", "c-map"), ("d-photo-input-depth", "d-photo-input-photo")
    expected = [*one, *(f"{name}-input" for name in one), "d-photo", *two]
    assert names(tmp_path / "out") == sorted(f"{name}.png" for name in expected)
    assert pixels_of(tmp_path / "out/a-doodle-input.png").shape == (32, 32)
    assert pixels_of(tmp_path / "out/b-drawing-input.png").shape[1:] == (256,)
    assert pixels_of(tmp_path / "out/c-map-input.png").shape[2:] == (3,)
    # Alone it is made the same of.
    assert translate(pictures / "a-doodle.png", "-o", "alone.png")[0] == 0
    alone = pixels_of(tmp_path / "alone.png")
    np.testing.assert_array_equal(alone, pixels_of(tmp_path / "out/a-doodle.png"))


def test_what_one_kind_cannot_have_is_a_line_for_each_of_its_pictures(
    tmp_path: Path, pictures: Path, translate: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = [name for name in generator_names() if name != "sketch2face"]
    monkeypatch.setattr(trained_generator, "generator_names", lambda: without)
    mixed = [pictures / name for name in ("a-doodle.png", "b-drawing.png", "d-photo.png")]
    (tmp_path / "text.png").write_text("no picture")
    status, printed, wrong = translate("text.png", *mixed, "-o", "out", "--style", 2)
    assert status == 1
    assert printed.startswith("out: 1 sketch of 1 face in 4 pictures; 3 not drawn (")
    assert names(tmp_path / "out") == ["d-photo.png"]
    unread, no_generator, no_style = wrong.splitlines()
    assert unread.startswith("error: text.png: no readable picture")
    assert no_generator.startswith(
        f"error: {mixed[0]}: no generator that makes a photo of a doodle"
    )
    assert no_style == (
        f"error: {mixed[1]}: style '2': the shipped pix2pixhd knows no styles; leave --style out"
    )


def test_what_all_pictures_are_may_still_be_said(
    tmp_path: Path, pictures: Path, translate: Run
) -> None:
    mixed = [pictures / name for name in ("a-doodle.png", "b-drawing.png")]
    status, printed, _ = translate(*mixed, "-o", "out", "--from", "doodle", "--show-input")
    assert (status, "2 photos of 2 faces in 2 pictures" in printed) == (0, True)
    for path in mixed:
        assert pixels_of(tmp_path / f"out/{path.stem}-input.png").shape == (32, 32)


def test_large_jpegs_are_recognised_by_small_copies(tmp_path: Path) -> None:
    """Photos from those alone; maps in colours are not among them, nor drawings."""
    side = 1200
    assert side**2 > REDUCED_PICTURE
    face = render(5, 4, 300)
    for kind, picture in {
        "photo": data.astronaut(),
        "map": colourise(face.labels),
        "contour": draw_contour(face.landmarks, 300),
    }.items():
        path = tmp_path / f"{kind}.jpg"
        Image.fromarray(picture).resize((side, side)).save(path)
        assert kind_of(path) == kind
