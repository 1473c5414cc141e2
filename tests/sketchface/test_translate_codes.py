"""`sketchface translate --style-of` and `--random`: style codes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from made_generators import ALIGNED, SIDE, make_contour_weights, make_map_weights
from PIL import Image
from skimage import data
from written_pictures import names, pixels_of

import sketchface
from face_geometry.palette import flip_labels
from pipeline.common.fields import as_array
from pipeline.common.images import MAX_SIDE
from pipeline.common.scored_pictures import BATCH, scaled
from pipeline.translation.inputs import Preparation
from pipeline.translation.output import Output
from pipeline.translation.style_choice import StyleChoice
from pipeline.translation.trained_generator import open_weights
from pipeline.translation.translator import Extras, Translator
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import load_trained
from sketchface_models.pixels import from_signed
from sketchface_models.training.pack_reader import normalise
from synthetic_faces import render

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_map_weights(tmp_path_factory.mktemp("run") / "weights")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Maps of one face and its mirror image, a copy of the first, and photos."""
    folder = tmp_path_factory.mktemp("faces")
    (folder / "maps").mkdir()
    labels = render(5, 4, ALIGNED).labels
    for name, each in (("a", labels), ("b", flip_labels(labels)), ("c", labels)):
        Image.fromarray(each).save(folder / "maps" / f"{name}.png")
    Image.fromarray(data.astronaut()).save(folder / "her.png")
    Image.fromarray(data.astronaut() // 2).save(folder / "dark.png")
    Image.fromarray(data.coffee()).save(folder / "cup.png")
    return folder


def test_random_styles_are_the_same_for_all_faces_and_follow_the_seed(
    tmp_path: Path, faces: Path, weights: Path, translate: Run
) -> None:
    def results(out: str, *asked: object) -> dict[str, np.ndarray]:
        arguments = ("-o", out, "--weights", weights, "--aligned", *asked)
        status, _, wrong = translate(faces / "maps", *arguments)
        assert (status, wrong) == (0, "")
        return {name: pixels_of(tmp_path / out / name) for name in names(tmp_path / out)}

    three = results("three", "--random", 3)
    assert list(three) == [f"{name}-random{n}.png" for name in "abc" for n in (1, 2, 3)]
    for n in (1, 2, 3):
        np.testing.assert_array_equal(three[f"a-random{n}.png"], three[f"c-random{n}.png"])
        assert (three[f"a-random{n}.png"] != three[f"b-random{n}.png"]).any()
    assert (three["a-random1.png"] != three["a-random2.png"]).any()
    again = results("again", "--random", 2, "--seed", 0, "--sheet")
    for name in ("a-random1.png", "b-random2.png"):
        np.testing.assert_array_equal(again[name], three[name])
    assert again["a-sheet.png"].shape[1] == 3 * 100 + 8  # the map and two photos
    other = results("other", "--random", 1, "--seed", 1)
    assert list(other) == ["a.png", "b.png", "c.png"]
    assert (other["a.png"] != three["a-random1.png"]).any()
    plain = results("plain")
    assert all((plain["a.png"] != three[f"a-random{n}.png"]).any() for n in (1, 2, 3))


def test_a_photos_style_is_what_its_encoder_says(
    tmp_path: Path, faces: Path, weights: Path, translate: Run
) -> None:
    """Of a photo that is framed like the training ones, so that nothing moves it."""
    style = render(6, 3, ALIGNED).photo
    Image.fromarray(style).save(tmp_path / "style.png")
    map_path = faces / "maps/a.png"
    asked = ("--aligned", "--weights", weights, "--style-of", "style.png")
    assert translate(map_path, "-o", "a.png", *asked, "--size", SIDE)[::2] == (0, "")
    system, _ = load_trained(weights)
    paths = {"parsing": map_path, "photo": tmp_path / "style.png"}
    raw = {name: as_array(name, path.read_bytes(), SIDE) for name, path in paths.items()}
    batch = normalise({name: torch.from_numpy(raw[name])[None] for name in raw}, "cpu")
    with torch.no_grad():
        expected = system.in_style_of(batch, batch.pop("photo"))
    assert expected is not None
    levels = scaled(from_signed(expected), SIDE)[0].permute(1, 2, 0).numpy()
    assert np.abs(pixels_of(tmp_path / "a.png").astype(int) - levels).max() <= 1


def test_styles_of_photos_go_to_every_face(
    tmp_path: Path, faces: Path, weights: Path, translate: Run
) -> None:
    asked = ("--weights", weights, "--style-of", faces / "her.png")
    status, printed, wrong = translate(faces / "maps", "-o", "one", *asked)
    assert (status, wrong) == (0, "")
    assert names(tmp_path / "one") == ["a.png", "b.png", "c.png"]
    both = (*asked, "--style-of", faces / "dark.png", "--style-of", faces / "her.png")
    status, printed, wrong = translate(faces / "maps", "-o", "two", *both)
    assert (status, wrong) == (0, "")
    assert "6 photos of 3 faces in 3 pictures" in printed
    assert names(tmp_path / "two") == [f"{a}-{b}.png" for a in "abc" for b in ("dark", "her")]
    for name in "abc":
        in_hers = pixels_of(tmp_path / f"two/{name}-her.png")
        np.testing.assert_array_equal(in_hers, pixels_of(tmp_path / f"one/{name}.png"))
        assert (in_hers != pixels_of(tmp_path / f"two/{name}-dark.png")).any()
    # A photo can take its own style, or another one's.
    assert translate(faces / "her.png", "-o", "her", *both)[::2] == (0, "")
    assert names(tmp_path / "her") == ["her-dark.png", "her-her.png"]


def test_wrong_styles_end_in_one_line_before_anything_is_drawn(
    tmp_path: Path, faces: Path, weights: Path, translate: Run
) -> None:
    plain = make_map_weights(tmp_path / "plain", encoder=False)
    contours = make_contour_weights(tmp_path / "contours")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/her.png").write_bytes((faces / "her.png").read_bytes())
    for name in ("sheet.png", "input.png"):
        (tmp_path / name).write_bytes((faces / "her.png").read_bytes())
    (tmp_path / "text.png").write_text("no picture")
    her = ("--style-of", faces / "her.png")
    for asked, words in (
        ((*her, "--random", 2), "--style, --style-of, --random: give one of the three"),
        (("--style", "1", "--random", 2), "--style, --style-of, --random: give one of the three"),
        (("--style", "1", *her), "--style, --style-of, --random: give one of the three"),
        (("--random", 0), "--random 0: allowed: 1 to 1000"),
        (("--random", 2, "--seed", -1), "--seed -1: allowed: 0 to "),
        (("--seed", 1), "--seed: of no use without --random"),
        (("--style-of", "sheet.png", *her, "--sheet"), "error: style sheet: NAME-sheet.png is "),
        (("--style-of", "input.png", *her, "--show-input"), "rename its photo"),
        ((*her, "--style-of", "other/her.png"), "--style-of other/her.png: of one name with "),
        (("--style-of", faces / "cup.png"), "cup.png: no face found"),
        (("--style-of", "text.png"), "text.png: no readable picture"),
        (("--style-of", "gone.png"), "gone.png: No such file"),
        ((*her, "--weights", plain), "--style-of: "),
        (("--random", 2, "--weights", contours), "contours has no style codes; leave it out, or"),
    ):
        arguments = ("-o", "out", "--weights", weights, *asked)
        status, printed, wrong = translate(faces / "maps", *arguments)
        assert (status, printed) == (1, ""), asked
        assert len(wrong.splitlines()) == 1
        assert wrong.startswith("error: ")
        assert words in wrong
    assert not (tmp_path / "out").exists()
    # Nor is a photo whose style is taken ever drawn over.
    (tmp_path / "a.png").write_bytes((faces / "her.png").read_bytes())
    arguments = ("-o", ".", "--weights", weights, "--style-of", "a.png")
    status, _, wrong = translate(faces / "maps/a.png", *arguments)
    assert status == 1
    assert "would be drawn over the picture a.png" in wrong


def test_a_style_called_like_another_file_is_no_fault_where_that_is_not_written(
    tmp_path: Path, faces: Path, weights: Path, translate: Run
) -> None:
    (tmp_path / "sheet.png").write_bytes((faces / "her.png").read_bytes())
    asked = ("--weights", weights, "--style-of", "sheet.png")
    assert translate(faces / "maps/a.png", "-o", "one", "--sheet", *asked)[::2] == (0, "")
    assert names(tmp_path / "one") == ["a-sheet.png", "a.png"]
    both = (*asked, "--style-of", faces / "dark.png", "--show-input")
    assert translate(faces / "maps/a.png", "-o", "two", *both)[::2] == (0, "")
    assert names(tmp_path / "two") == ["a-dark.png", "a-input.png", "a-sheet.png"]


def test_one_photo_by_two_spellings_is_one_style(
    tmp_path: Path, faces: Path, weights: Path, translate: Run
) -> None:
    (tmp_path / "her.png").write_bytes((faces / "her.png").read_bytes())
    (tmp_path / "there").mkdir()
    (tmp_path / "there/her.png").symlink_to(tmp_path / "her.png")
    spellings = ("her.png", "./her.png", tmp_path / "her.png", "there/her.png")
    asked = [each for photo in spellings for each in ("--style-of", photo)]
    assert translate(faces / "maps/a.png", "-o", "out", "--weights", weights, *asked)[0] == 0
    assert names(tmp_path / "out") == ["a.png"]


def test_results_of_one_face_are_written_as_they_come(
    tmp_path: Path, faces: Path, weights: Path
) -> None:
    """So that a thousand of them need the memory of one batch."""
    generator = open_weights(weights)
    preparation = Preparation(generator.requirements, None, "aligned", "largest")
    styles = StyleChoice(random=2 * BATCH + 1).styles(generator, False, "aligned")
    output = Output(tmp_path / "out", [])
    output.make()
    written: list[int] = []
    network = next(iter(generator.system.networks.children()))
    network.register_forward_pre_hook(lambda *_: written.append(len(names(output.folder))))
    lines: list[str] = []
    translator = Translator(
        generator, preparation, styles, SIDE, Extras(sheet=True), lines.append, lines.append
    )
    result = translator([faces / "maps/a.png", faces / "maps/b.png"], output)
    assert (result.target, result.generated, result.faces) == ("photo", 2 * len(styles), 2)
    assert lines == []
    of_a = [0] * BATCH + [BATCH] * BATCH + [2 * BATCH]
    assert written == of_a + [len(styles) + 1 + before for before in of_a]
    sheet = pixels_of(output.folder / "a-sheet.png")
    first = pixels_of(output.folder / "a-random1.png")
    assert sheet.shape[1] == (len(styles) + 1) * (SIDE + 4) + 8
    np.testing.assert_array_equal(sheet[-20 - SIDE : -20, 8 + SIDE : 8 + 2 * SIDE], first)


def test_sheets_of_many_styles_stay_readable_pictures(
    tmp_path: Path, faces: Path, weights: Path, translate: Run
) -> None:
    asked = ("--weights", weights, "--random", 200, "--sheet", "--size", 128)
    assert translate(faces / "maps/a.png", "-o", "out", *asked)[0] == 0
    shape = pixels_of(tmp_path / "out/a-sheet.png").shape
    assert 200 * 64 < shape[1] <= MAX_SIDE


def test_the_library_takes_styles_too(faces: Path, weights: Path) -> None:
    path = faces / "maps/a.png"
    first, second = sketchface.translate(path, weights=weights, random=2, seed=7)
    assert (first != second).any()
    [same] = sketchface.translate(path, weights=weights, random=1, seed=7, kind="map")
    np.testing.assert_array_equal(first, same)
    [hers] = sketchface.translate(path, weights=weights, style_of=faces / "her.png", size=80)
    assert hers.shape == (80, 80, 3)
    both = [faces / "her.png", str(faces / "dark.png")]
    [again, dark] = sketchface.translate(path, weights=weights, style_of=both, size=80)
    np.testing.assert_array_equal(hers, again)
    assert (hers != dark).any()
    with pytest.raises(SketchFaceError, match="give one of the three"):
        sketchface.translate(path, style=1, weights=weights, random=1)


def test_the_library_takes_pixels_as_it_takes_files(faces: Path, weights: Path) -> None:
    path, styles = faces / "maps/a.png", [faces / "her.png", faces / "dark.png"]
    expected = sketchface.translate(path, weights=weights, style_of=styles)
    pixels = [np.asarray(Image.open(style)) for style in styles]
    labels = np.asarray(Image.open(path))
    photos = sketchface.translate(labels, weights=weights, style_of=pixels)
    np.testing.assert_array_equal(photos, expected)
    [first] = sketchface.translate(labels, weights=weights, style_of=pixels[0])
    np.testing.assert_array_equal(first, expected[0])
    for wrong, words in (
        (labels.astype(np.float32), "picture: an array of shape .* and type float32; allowed: "),
        (np.zeros((0, 4, 3), np.uint8), "picture: an array of shape .0, 4, 3."),
        (np.zeros((8, 8, 2), np.uint8), "picture: an array of shape .8, 8, 2."),
        (np.full((256, 256, 3), 255, np.uint8), "^picture: "),
    ):
        with pytest.raises(SketchFaceError, match=words):
            sketchface.translate(wrong, weights=weights)
    with pytest.raises(SketchFaceError, match=r"^style 1: no face"):
        blank = np.zeros((64, 64, 3), np.uint8)
        sketchface.translate(labels, weights=weights, style_of=[pixels[0], blank])
