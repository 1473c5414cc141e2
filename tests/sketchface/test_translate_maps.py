"""`sketchface translate`: parsing maps, and photos through theirs, become faces."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_generators import ALIGNED, SIDE, make_contour_weights, make_map_weights, make_weights
from made_maps import RENUMBERED, smoothed, write_parts
from PIL import Image
from skimage import data
from written_pictures import names, pixels_of

import sketchface
from face_geometry.align import eyes_and_mouth, similarity, warp, warp_labels
from face_geometry.palette import colourise
from pipeline.common.fields import as_array
from pipeline.common.images import decode, encode_jpeg, encode_png
from pipeline.contours.contours import draw_contour
from pipeline.datasets.synthetic import FRAMING
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation import trained_generator
from pipeline.translation.map_layout import map_features
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import generator_names, load_generator
from sketchface_models.pretrained.parsers import FaceParser
from synthetic_faces import render

Run = Callable[..., tuple[int, str, str]]
LARGE = 384


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_map_weights(tmp_path_factory.mktemp("run") / "weights")


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    """A map as training has them: in the framing, of the side of aligned photos."""
    face = render(5, 4, LARGE)
    features = map_features(face.labels)
    assert features is not None
    return warp_labels(face.labels, similarity(features, FRAMING.target(ALIGNED)), ALIGNED)


def packed(labels: np.ndarray) -> np.ndarray:
    """What training reads of aligned labels, in colours: (SIDE, SIDE, 3)."""
    return colourise(as_array("parsing", encode_png(labels), SIDE)[0])


def test_a_framed_map_reaches_the_network_to_the_pixel(
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run
) -> None:
    Image.fromarray(labels).save(tmp_path / "face.png")
    asked = ("--weights", weights, "--show-input")
    for out, more in (("a", ()), ("b", ("--aligned",)), ("c", ("--whole",))):
        status, printed, wrong = translate("face.png", "-o", out, *asked, *more)
        assert (status, wrong) == (0, "")
        assert "1 photo of 1 face in 1 picture" in printed
        assert names(tmp_path / out) == ["face-input.png", "face.png"]
        np.testing.assert_array_equal(pixels_of(tmp_path / out / "face-input.png"), packed(labels))
        assert pixels_of(tmp_path / out / "face.png").shape == (ALIGNED, ALIGNED, 3)
    # Nor does a change of one class in one place move the rest.
    changed = labels.copy()
    changed[60:64, 40:50] = 7
    Image.fromarray(changed).save(tmp_path / "face.png")
    assert translate("face.png", "-o", "d", *asked)[0] == 0
    np.testing.assert_array_equal(pixels_of(tmp_path / "d/face-input.png"), packed(changed))


@pytest.mark.parametrize(
    ("degrees", "scale", "shift"), [(0, 4, (300, 100)), (25, 3, (150, 200)), (-15, 1.5, (0, 90))]
)
def test_a_shifted_map_is_brought_to_the_framing(
    degrees: float, scale: float, shift: tuple[float, float],
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run,
) -> None:  # fmt: skip
    matrix = cv2.getRotationMatrix2D((ALIGNED / 2, ALIGNED / 2), degrees, scale)
    matrix[:, 2] += np.array(shift) + 100
    page = cv2.warpAffine(labels, matrix, (700, 560), flags=cv2.INTER_NEAREST)
    Image.fromarray(page).save(tmp_path / "face.png")
    asked = ("--weights", weights, "--show-input", "--sheet")
    assert translate("face.png", "-o", "out", *asked)[::2] == (0, "")
    shown, expected = pixels_of(tmp_path / "out/face-input.png"), packed(labels)
    assert (shown != expected).any(axis=2).mean() < 0.06  # edges
    # Map and result in cells of 96.
    assert pixels_of(tmp_path / "out/face-sheet.png").shape[1] == 2 * 100 + 8


def test_maps_without_eyes_are_framed_by_their_other_parts(
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run
) -> None:
    blind = np.where(np.isin(labels, (4, 5)), 1, labels).astype(np.uint8)
    page = np.pad(blind, ((90, 0), (60, 20)))
    Image.fromarray(page).save(tmp_path / "blind.png")
    asked = ("--weights", weights, "--show-input")
    status, _, wrong = translate("blind.png", "-o", "out", *asked)
    assert status == 0
    assert wrong == (
        "note: blind.png: has no right eye and no left eye; framed by the other parts of the face\n"
    )
    shown = pixels_of(tmp_path / "out/blind-input.png")
    assert (shown != packed(blind)).any(axis=2).mean() < 0.15
    with pytest.warns(UserWarning, match=r"blind\.png: has no right eye and no left eye; framed"):
        sketchface.translate(tmp_path / "blind.png", weights=weights)


def test_maps_with_nothing_to_frame_and_those_that_are_whole_are_fitted_as_pages(
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run
) -> None:
    blind = np.where(np.isin(labels, (0, 1, 13)), labels, 1).astype(np.uint8)
    page = np.pad(np.roll(blind, 20, axis=1), ((48, 48), (0, 0)))
    Image.fromarray(page).save(tmp_path / "blind.png")
    Image.fromarray(np.pad(labels, ((0, 96), (0, 0)))).save(tmp_path / "tall.png")
    asked = ("--weights", weights, "--show-input")
    status, _, wrong = translate("blind.png", "-o", "out", "--from", "map", *asked)
    assert status == 0
    assert wrong == (
        "note: blind.png: has no right eye and no left eye and no mouth; fitted as a page\n"
    )
    shown = pixels_of(tmp_path / "out/blind-input.png")
    margin = SIDE // 4
    assert (shown[:, :margin] == 0).all()
    assert (shown[:, -margin:] == 0).all()
    assert pixels_of(tmp_path / "out/blind.png").shape == (ALIGNED, ALIGNED // 2, 3)
    assert translate("tall.png", "-o", "whole", "--whole", *asked)[0] == 0
    assert (pixels_of(tmp_path / "whole/tall-input.png")[SIDE // 2 :] == 0).all()
    status, _, wrong = translate("tall.png", "-o", "aligned", "--aligned", *asked)
    assert status == 1
    assert wrong.startswith("error: tall.png: 96 x 192 pixels; framed like the training photos")


def test_a_photo_goes_through_the_parser(tmp_path: Path, weights: Path, translate: Run) -> None:
    Image.fromarray(data.astronaut()).save(tmp_path / "someone.png")
    asked = ("--weights", weights, "--show-input", "--sheet")
    assert translate("someone.png", "-o", "out", *asked)[::2] == (0, "")
    with FaceMesh(choose="largest") as detector:
        face = detector.detect(data.astronaut())
    assert face is not None
    home = similarity(eyes_and_mouth(face.landmarks), FRAMING.target(ALIGNED))
    aligned = decode(encode_jpeg(warp(data.astronaut(), home, ALIGNED)))
    (expected,) = FaceParser().labels([aligned])
    shown = pixels_of(tmp_path / "out/someone-input.png")
    assert (shown != packed(expected)).any(axis=2).mean() < 0.02
    # Photo, map and result in cells of 96.
    assert pixels_of(tmp_path / "out/someone-sheet.png").shape[1] == 3 * 100 + 8


def test_smoothed_maps_are_drawn_with_a_note(tmp_path: Path, weights: Path, translate: Run) -> None:
    Image.fromarray(smoothed(render(5, 4, 2 * LARGE).labels, 200)).save(tmp_path / "face.png")
    status, printed, wrong = translate("face.png", "-o", "out", "--weights", weights)
    assert status == 0
    assert "1 photo of 1 face" in printed
    (line,) = wrong.splitlines()
    assert line.startswith("note: face.png: ")
    assert line.endswith(" %) have no clear colour of the palette and got the nearest class")
    with pytest.warns(UserWarning, match=r"face\.png: \d+ pixels \("):
        [photo] = sketchface.translate(tmp_path / "face.png", weights=weights)
    np.testing.assert_array_equal(photo, pixels_of(tmp_path / "out/face.png"))


def test_the_parts_of_a_face_make_one_picture(
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run
) -> None:
    paths = write_parts(labels, tmp_path / "parts")
    write_parts(np.roll(labels, 1), tmp_path / "parts", "00124")
    Image.fromarray(labels).save(tmp_path / "face.png")
    asked = ("--weights", weights)
    status, printed, wrong = translate("face.png", "parts", "-o", "out", *asked)
    assert (status, wrong) == (0, "")
    assert "3 photos of 3 faces in 3 pictures" in printed
    assert names(tmp_path / "out") == ["00123.png", "00124.png", "face.png"]
    expected = pixels_of(tmp_path / "out/face.png")
    np.testing.assert_array_equal(pixels_of(tmp_path / "out/00123.png"), expected)
    assert translate(*paths[3:5], "-o", "one.png", "--from", "map", *asked)[::2] == (0, "")
    np.testing.assert_array_equal(pixels_of(tmp_path / "one.png"), expected)
    [photo] = sketchface.translate(paths[2], weights=weights)
    np.testing.assert_array_equal(photo, expected)
    # A part is never drawn over, not even one that is not named.
    hair = next(path for path in paths if path.stem == "00123_hair")
    before = hair.read_bytes()
    status, _, wrong = translate(paths[0], "-o", hair, *asked)
    assert status == 1
    assert f"would be drawn over the picture {hair}; give -o another folder" in wrong
    assert hair.read_bytes() == before
    assert translate("parts", "-o", "parts", *asked)[0] == 0
    assert pixels_of(paths[0]).shape == (ALIGNED, ALIGNED, 3)
    assert set(np.unique(pixels_of(paths[0]))) == {0, 255}


def test_folders_of_parts_of_zeros_and_ones_are_one_face(
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run
) -> None:
    for path in write_parts(labels, tmp_path / "parts"):
        values = (np.asarray(Image.open(path).convert("L")) > 0).astype(np.uint8)
        Image.fromarray(values).save(path)
    asked = ("--from", "map", "--show-input", "--weights", weights)
    status, printed, wrong = translate("parts", "-o", "out", *asked)
    assert (status, wrong) == (0, "")
    assert "1 photo of 1 face in 1 picture" in printed
    np.testing.assert_array_equal(pixels_of(tmp_path / "out/00123-input.png"), packed(labels))


def test_what_looks_like_a_map_is_never_drawn_as_a_photo(
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run
) -> None:
    """Though the landmark detector sees a face in some of them."""
    large = cv2.resize(labels, (400, 400), interpolation=cv2.INTER_NEAREST_EXACT)
    few = large.copy()
    few[:3] = 200
    save = "; save classes, 0 to 18, as a grey PNG, or CelebAMask-HQ's colours"
    for picture, words in (
        (np.where(large == 0, 255, large), "no parsing map, it has the value 255 in "),
        (large.astype(int) * 255 // 18, "no parsing map, it has the value "),
        (large.astype(int) * 13, "no parsing map, it has the value "),
        (few, "no parsing map, it has the value 200 in 1200 pixels (0.75 %)"),
        (RENUMBERED[large], "its classes look like those of face-parsing.PyTorch, whose order is "),
    ):
        Image.fromarray(picture.astype(np.uint8)).save(tmp_path / "map.png")
        status, _, wrong = translate("map.png", "-o", "out", "--weights", weights)
        (line,) = wrong.splitlines()
        assert status == 1
        assert line.startswith(f"error: map.png: {words}")
        assert (save in line) == ("value" in words)
        assert line.endswith("; say --from photo of a photo")
        contours = ("--weights", make_contour_weights(tmp_path / "contours"))
        for asked in (contours, (), ("--to", "photo")):
            status, _, wrong = translate("map.png", "-o", "out", *asked)
            assert (status, len(wrong.splitlines())) == (1, 1)
            assert wrong.startswith(line)
    with pytest.raises(SketchFaceError, match="say --from photo of a photo, --from contour of a"):
        sketchface.translate(tmp_path / "map.png")
    assert names(tmp_path / "out") == []


def test_bad_maps_get_a_line_each_and_the_others_are_drawn(
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run
) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    Image.fromarray(labels).save(bad / "good.png")
    whole = (bad / "good.png").read_bytes()
    (bad / "cut.png").write_bytes(whole[: len(whole) // 2])
    (bad / "paper.pdf").write_bytes(b"%PDF-1.7\n1 0 obj")
    (bad / "empty.png").write_bytes(b"")
    wrong_class = labels.copy()
    wrong_class[:10] = 200
    Image.fromarray(wrong_class).save(bad / "class.png")
    Image.fromarray(labels.astype(np.uint16) * 257).save(bad / "deep.png")
    Image.fromarray(np.zeros((30, 20000), np.uint8)).save(bad / "wide.png")
    Image.fromarray(labels[:1, :1]).save(bad / "dot.png")
    Image.fromarray(255 - colourise(labels)).save(bad / "palette.png")
    Image.fromarray(data.astronaut()).save(bad / "photo.png")
    Image.fromarray(draw_contour(render(5, 4, 200).landmarks, 200)).save(bad / "drawing.png")
    asked = ("--from", "map", "--weights", weights)
    status, printed, wrong = translate(bad, bad / "paper.pdf", "-o", "out", *asked)
    assert status == 1
    assert "1 photo of 1 face in 11 pictures; 10 not drawn" in printed
    assert names(tmp_path / "out") == ["good.png"]
    lines = [line for line in wrong.splitlines() if line.startswith("error: ")]
    assert len(lines) == 10
    for words in (
        "cut.png: truncated or damaged",
        "paper.pdf: no readable picture",
        "empty.png: empty file",
        "class.png: no parsing map, it has the value 200 in 960 pixels (10 %)",
        "deep.png: no parsing map, it has the value",
        "wide.png: 20000 x 30 pixels; shrink it",
        "dot.png: 1 x 1 pixels; a parsing map has at least 16 a side",
        "palette.png: no parsing map, ",
        "photo.png: no parsing map, 9",
        "drawing.png: no parsing map, it has the value 255",
    ):
        assert sum(words in line and line.startswith("error: ") for line in lines) == 1, words


def test_what_a_picture_is_decides_what_is_done_with_it(
    tmp_path: Path, labels: np.ndarray, weights: Path, translate: Run
) -> None:
    Image.fromarray(labels).save(tmp_path / "map.png")
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(tmp_path / "black.png")
    contour_weights = make_contour_weights(tmp_path / "contours")
    hida = make_weights(tmp_path / "hida")
    for name, asked, words in (
        ("map.png", ("--weights", contour_weights), "map.png: a parsing map; "),
        ("map.png", ("--weights", contour_weights, "--from", "map"), "--from map: "),
        ("map.png", ("--weights", hida, "--from", "map"), "--from map: "),
        ("map.png", ("--weights", weights, "--from", "contour"), "--from contour: "),
        ("map.png", ("--weights", weights, "--from", "photo"), "map.png: no face found"),
        ("map.png", ("--weights", weights, "--style", "1"), "knows no styles"),
        ("black.png", ("--weights", weights), "or say --from map of a parsing map"),
    ):
        status, _, wrong = translate(name, "-o", "out", *asked)
        assert (status, len(wrong.splitlines())) == (1, 1), wrong
        assert wrong.startswith("error: ")
        assert words in wrong
    assert translate("black.png", "-o", "out", "--weights", weights, "--from", "map")[0] == 0
    with pytest.raises(SketchFaceError, match="reads contour: draw maps by themselves, or"):
        sketchface.translate(tmp_path / "map.png", weights=contour_weights)


def test_without_weights_maps_want_the_generator_that_reads_them(
    tmp_path: Path, labels: np.ndarray, translate: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for function in (load_generator, generator_names):
        inside = functools.partial(function, folder=tmp_path / "package")
        monkeypatch.setattr(trained_generator, function.__name__, inside)
    Image.fromarray(labels).save(tmp_path / "map.png")
    contour = draw_contour(render(5, 4, 512).landmarks, 512)
    Image.fromarray(contour).save(tmp_path / "drawing.png")
    Image.fromarray(data.astronaut()).save(tmp_path / "photo.png")
    for asked, *missing in (
        (("map.png",), ("spade", "photo of a map")),
        (
            ("map.png", "photo.png", "--to", "photo"),
            ("spade", "photo of a map"),
            ("pix2pixhd", "photo of a photo"),
        ),
        (("photo.png", "--from", "map"), ("spade", "photo of a map")),
        (("drawing.png",), ("pix2pixhd", "photo of a contour")),
        (("photo.png",), ("hida", "sketch of a photo")),
        (("map.png", "--to", "sketch"), ("hida", "sketch of a photo")),
    ):
        status, _, wrong = translate(*asked, "-o", "out")
        assert status == 1
        for line, (name, result) in zip(wrong.splitlines(), missing, strict=True):
            assert f"no generator that makes a {result} comes with the package" in line
            assert f"`dvc exp run -S model={name}`" in line
