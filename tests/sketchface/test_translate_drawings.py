"""`sketchface translate --to photo`: line drawings and photos become faces."""

from __future__ import annotations

import functools
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_drawings import BLACK, MANNERS, WHITE, coloured
from made_generators import ALIGNED, SIDE, make_contour_weights, make_weights
from PIL import Image, ImageDraw
from skimage import data
from written_pictures import names, pixels_of

import sketchface
from face_geometry.align import eyes_and_mouth, similarity, transform_points, warp
from pipeline.common.fields import as_array
from pipeline.common.images import encode_png
from pipeline.contours.contours import draw_contour
from pipeline.datasets.synthetic import FRAMING
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation import trained_generator
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import generator_names, load_generator
from sketchface_models.ship import ship_generator
from synthetic_faces import render

Run = Callable[..., tuple[int, str, str]]
HOME = similarity(eyes_and_mouth(render(5, 4, 512).landmarks), FRAMING.target(512))
LANDMARKS = transform_points(render(5, 4, 512).landmarks, HOME)
"""Of a face that lies as training contours do, pixels of 512."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_contour_weights(tmp_path_factory.mktemp("run") / "weights")


@pytest.fixture(scope="module")
def contour() -> np.ndarray:
    return draw_contour(LANDMARKS, 512)


def ink(contour: np.ndarray) -> np.ndarray:
    return 1 - contour.astype(float) / 255


def stage_contour(landmarks: np.ndarray) -> np.ndarray:
    """What training reads of landmarks on a square of 512: drawn as the stage does, then packed."""
    contour = draw_contour(landmarks * (ALIGNED / 512), ALIGNED)
    return as_array("contour", encode_png(contour), SIDE)[0]


def test_the_network_sees_a_drawing_as_it_saw_its_contours(
    tmp_path: Path, contour: np.ndarray, weights: Path, translate: Run
) -> None:
    for number, manner in enumerate(MANNERS):
        Image.fromarray(MANNERS[manner](contour)).save(tmp_path / f"{number}.png")
    drawings = sorted(tmp_path.glob("*.png"))
    asked = ("--to", "photo", "--weights", weights, "--show-input")
    status, said, wrong = translate(*drawings, "-o", "out", *asked)
    assert (status, wrong) == (0, "")
    assert f"{len(MANNERS)} photos of {len(MANNERS)} faces in {len(MANNERS)} pictures" in said
    expected = stage_contour(LANDMARKS)
    for number, manner in enumerate(MANNERS):
        seen = pixels_of(tmp_path / f"out/{number}-input.png")
        assert seen.shape == (SIDE, SIDE)
        assert ink(seen).sum() == pytest.approx(ink(expected).sum(), rel=0.25), manner
        if manner not in ("marker", "96 pixels"):
            off = np.abs(ink(seen) - ink(expected)).sum() / ink(expected).sum()
            assert off < 0.35, manner  # half a pixel to the side is 1
        face = pixels_of(tmp_path / f"out/{number}.png")
        assert face.shape == (ALIGNED, ALIGNED, 3)
        assert face.std() > 1


def test_a_photo_goes_through_its_landmarks(tmp_path: Path, weights: Path, translate: Run) -> None:
    Image.fromarray(data.astronaut()).save(tmp_path / "someone.png")
    asked = ("--to", "photo", "--weights", weights, "--show-input", "--sheet")
    assert translate("someone.png", "-o", "out", *asked)[0] == 0
    assert names(tmp_path / "out") == ["someone-input.png", "someone-sheet.png", "someone.png"]
    seen = ink(pixels_of(tmp_path / "out/someone-input.png"))
    with FaceMesh(choose="central") as detector:
        whole = detector.detect(data.astronaut())
        assert whole is not None
        home = similarity(eyes_and_mouth(whole.landmarks), FRAMING.target(ALIGNED))
        aligned = detector.detect(warp(data.astronaut(), home, ALIGNED))
        assert aligned is not None
    expected = ink(stage_contour(aligned.landmarks * (512 / ALIGNED)))
    assert np.abs(seen - expected).sum() < 0.5 * expected.sum()
    # Photo, contour and result in cells of 96.
    assert pixels_of(tmp_path / "out/someone-sheet.png").shape[1] == 3 * 100 + 8


def test_what_a_picture_is_may_be_said(
    tmp_path: Path, contour: np.ndarray, weights: Path, translate: Run
) -> None:
    Image.fromarray(contour).save(tmp_path / "face.png")
    asked = ("--weights", weights, "--show-input")
    for kind in ("contour", "photo"):
        assert translate("face.png", "-o", kind, "--from", kind, *asked)[0] == 0
    assert translate("face.png", "-o", "itself", *asked)[0] == 0
    seen = {
        name: pixels_of(tmp_path / name / "face-input.png")
        for name in ("contour", "photo", "itself")
    }
    np.testing.assert_array_equal(seen["itself"], seen["contour"])
    assert (seen["photo"] != seen["contour"]).any()  # landmarks of the drawing, not its lines


def test_drawings_stay_where_they_are_if_they_are_aligned_or_whole(
    tmp_path: Path, contour: np.ndarray, weights: Path, translate: Run
) -> None:
    shifted = np.roll(contour, 120, axis=1)
    Image.fromarray(shifted).save(tmp_path / "face.png")
    Image.fromarray(np.pad(shifted, ((256, 256), (0, 0)), constant_values=255)).save(
        tmp_path / "tall.png"
    )
    asked = ("--weights", weights, "--show-input")
    expected = ink(stage_contour(LANDMARKS + np.array([120, 0])))
    assert translate("face.png", "-o", "a", "--aligned", *asked)[0] == 0
    off = np.abs(ink(pixels_of(tmp_path / "a/face-input.png")) - expected).sum()
    assert off < 0.35 * expected.sum()
    assert translate("face.png", "-o", "b", *asked)[0] == 0
    off = np.abs(ink(pixels_of(tmp_path / "b/face-input.png")) - expected).sum()
    assert off > expected.sum()
    status, _, wrong = translate("tall.png", "-o", "c", "--aligned", *asked)
    assert status == 1
    assert wrong.startswith("error: tall.png: 512 x 1024 pixels; framed like the training photos")
    assert translate("tall.png", "-o", "d", "--whole", *asked)[0] == 0
    assert pixels_of(tmp_path / "d/tall.png").shape == (ALIGNED, ALIGNED // 2, 3)
    column = ink(pixels_of(tmp_path / "d/tall-input.png")).sum(axis=0)
    assert column[: SIDE // 4].sum() == column[-SIDE // 4 :].sum() == 0


def test_transparent_one_bit_and_deep_drawings_are_read(
    tmp_path: Path, contour: np.ndarray, weights: Path, translate: Run
) -> None:
    for name, level in (("dark", 20), ("light", 255)):
        clear = np.full((512, 512, 4), level, np.uint8)
        clear[..., 3] = 255 - contour
        Image.fromarray(clear).save(tmp_path / f"{name}.png")
    Image.fromarray(contour).convert("1").save(tmp_path / "bits.png")
    Image.fromarray(contour.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    Image.fromarray(contour).convert("P").save(tmp_path / "palette.gif")
    Image.fromarray(contour).convert("CMYK").save(tmp_path / "inks.jpg")
    asked = ("--weights", weights, "--show-input")
    assert translate(tmp_path, "-o", "out", *asked)[::2] == (0, "")
    expected = ink(stage_contour(LANDMARKS))
    for name in ("dark", "light", "bits", "deep", "palette", "inks"):
        off = np.abs(ink(pixels_of(tmp_path / f"out/{name}-input.png")) - expected).sum()
        assert off < 0.35 * expected.sum(), name


def test_bad_drawings_get_a_line_each_and_the_others_are_drawn(
    tmp_path: Path, contour: np.ndarray, weights: Path, translate: Run
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    stream = io.BytesIO()
    Image.fromarray(contour).save(stream, "PNG")
    (bad / "corrupt.png").write_bytes(stream.getvalue()[:2000])
    (bad / "paper.pdf").write_bytes(b"%PDF-1.7\n1 0 obj")
    Image.new("RGB", (400, 300), "white").save(bad / "blank.png")
    Image.new("L", (400, 300)).save(bad / "black.png")
    Image.new("L", (20000, 30), 255).save(bad / "wide.png")
    Image.new("L", (900, 9), 255).save(bad / "low.png")
    Image.fromarray(data.brick()).save(bad / "wall.png")
    plaster = np.random.default_rng(0).normal(180, 5, (300, 400, 3))
    Image.fromarray(plaster.astype(np.uint8)).save(bad / "plaster.jpg")
    stroke = Image.new("L", (300, 300), 255)
    ImageDraw.Draw(stroke).line((40, 40, 260, 60), fill=0, width=4)
    stroke.save(bad / "stroke.png")
    (bad / "good.png").write_bytes(stream.getvalue())
    asked = ("--to", "photo", "--weights", weights)
    status, said, wrong = translate(bad, bad / "paper.pdf", "-o", "out", *asked)
    assert status == 1
    assert "1 photo of 1 face in 10 pictures; 9 not drawn" in said
    assert names(tmp_path / "out") == ["good.png"]
    lines = [line for line in wrong.splitlines() if line.startswith("error: ")]
    assert len(lines) == 9
    for words in (
        "corrupt.png: truncated or damaged",
        "paper.pdf: no readable picture",
        "blank.png: blank",
        "black.png: blank",
        "wide.png: 20000 x 30 pixels; shrink it",
        "low.png: 900 x 9 pixels; a drawing has at least 24 a side",
        "wall.png: no face found; crop it nearer to the face, or say --from contour of a drawing",
        "plaster.jpg: blank",
        "stroke.png: hardly any lines",
    ):
        assert sum(words in line and line.startswith("error: ") for line in lines) == 1, words
    Image.fromarray(data.grass()).save(tmp_path / "grass.png")
    status, _, wrong = translate("grass.png", "-o", "out", "--from", "contour", *asked)
    assert status == 1
    assert wrong.startswith("error: grass.png: no line drawing, strokes would cover")


def test_directions_kinds_and_weights_that_do_not_go_together_are_refused(
    tmp_path: Path, contour: np.ndarray, weights: Path, translate: Run
) -> None:
    Image.fromarray(contour).save(tmp_path / "face.png")
    hida = make_weights(tmp_path / "hida")
    for asked, words in (
        (("--to", "sketch", "--weights", weights), "draws a photo; leave --to out"),
        (("--to", "photo", "--weights", hida), "draws a sketch; leave --to out"),
        (("--from", "contour", "--weights", hida), "--from contour: "),
        (("--weights", weights, "--style", "1"), "knows no styles"),
        (("--weights", weights, "--depth", "onnx"), "reads no depth"),
        (("--weights", "nothing"), "comes with the package: "),
    ):
        status, _, wrong = translate("face.png", "-o", "out", *asked)
        assert status == 1
        assert wrong.startswith("error: ")
        assert words in wrong
        assert len(wrong.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.fixture
def shipped(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that carries a generator of photos alone, as `ship` writes it."""
    value = {"mean": 0.5, "low": 0.4, "high": 0.6}
    summary = {
        "run": "pix2pixhd", "seed": 0, "data": "synthetic", "split": "test", "n": 100,
        "output": "photo", "protocol": "synthetic-64:00000000", "not_learned": [],
        "means": {"system": {"ssim": value, "rank_1": value, "rank_5": value}},
    }  # fmt: skip
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    folder = tmp_path / "package"
    ship_generator("pix2pixhd", weights, [tmp_path / "summary.json"], folder)
    for function in (load_generator, generator_names):
        inside = functools.partial(function, folder=folder)
        monkeypatch.setattr(trained_generator, function.__name__, inside)
    return folder


def test_shipped_generators_are_chosen_by_direction_by_name_and_by_what_is_drawn(
    tmp_path: Path, contour: np.ndarray, shipped: Path, weights: Path, translate: Run
) -> None:
    Image.fromarray(contour).save(tmp_path / "face.png")
    for out, asked in (
        ("direction", ("--to", "photo")),
        ("name", ("--weights", "pix2pixhd")),
        ("kind", ("--from", "contour")),
        ("picture", ()),
    ):
        assert translate("face.png", "-o", out, *asked)[::2] == (0, "")
    assert translate("face.png", "-o", "run", "--weights", weights)[0] == 0
    first = pixels_of(tmp_path / "direction/face.png").astype(int)
    for out in ("name", "kind", "picture"):
        np.testing.assert_array_equal(pixels_of(tmp_path / out / "face.png"), first)
    assert np.abs(pixels_of(tmp_path / "run/face.png") - first).max() <= 4  # half precision
    # Photos are sketched unless something else is said; this package draws no sketches.
    Image.fromarray(data.astronaut()).save(tmp_path / "someone.png")
    status, _, wrong = translate("someone.png", "-o", "out")
    assert status == 1
    assert "no generator that makes a sketch of a photo comes with the package" in wrong


def test_the_card_says_where_drawings_go_and_whose_rights_there_are(shipped: Path) -> None:
    card = json.loads((shipped / "pix2pixhd.json").read_text())
    assert card["faces"]["framing"] == [list(point) for point in FRAMING.points]
    assert "show nobody, so nobody else has any rights" in card["terms"]
    text = " ".join((shipped / "pix2pixhd.md").read_text().split())
    assert "Draws a photo of contour at 64 x 64 pixels" in text
    assert "Training moved them by up to 25 of those pixels and 7 degrees" in text
    assert "the built-in faces" in text


def test_the_library_draws_photos_of_drawings(
    tmp_path: Path, contour: np.ndarray, weights: Path
) -> None:
    path = tmp_path / "face.png"
    Image.fromarray(coloured(contour, WHITE, BLACK)).save(path)
    [photo] = sketchface.translate(path, to="photo", weights=weights, size=80)
    assert photo.shape == (80, 80, 3)
    [same] = sketchface.translate(path, weights=weights, size=80, kind="contour")
    np.testing.assert_array_equal(photo, same)
    Image.new("L", (90, 90)).save(path)
    with pytest.raises(SketchFaceError, match=r"face\.png: blank"):
        sketchface.translate(path, to="photo", weights=weights)
