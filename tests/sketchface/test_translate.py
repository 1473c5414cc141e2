"""`sketchface translate`: any photo, drawn as the pipeline draws those of a data set."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_generators import ALIGNED, SIDE, make_weights, model
from PIL import Image
from skimage import data
from written_pictures import names, pixels_of

import sketchface
from face_geometry.align import PORTRAIT, eyes_and_mouth
from pipeline.datasets import adapter
from pipeline.datasets import synthetic as synthetic_adapter
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.evaluate.generate import generate as generate_pack
from pipeline.faces.ingest import ingest
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks
from pipeline.pack.pack import write_pack
from pipeline.translation import trained_generator
from pipeline.translation.trained_generator import SHIPPED
from sketchface_models.checkpoint import load_tensors, save_tensors
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import generator_names, load_trained
from sketchface_models.systems.registry import build
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.run import train
from synthetic_faces import render

folder_adapter = adapter("folder")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_weights(tmp_path_factory.mktemp("run") / "weights")


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "someone.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


# What is drawn


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two photos, and the pack of it from every stage that HIDA's inputs need."""
    root = tmp_path_factory.mktemp("pipeline")
    source, work = root / "source", root / "data"
    for kind in ("photos", "sketches"):
        (source / kind).mkdir(parents=True)
    scene = Image.fromarray(data.astronaut())
    turns = {"one": scene.rotate(8, expand=True), "two": scene.crop((90, 0, 400, 380))}
    for name, turned in turns.items():
        turned.save(source / "photos" / f"{name}.png")
        turned.convert("L").save(source / "sketches" / f"{name}.png")
    settings = folder_adapter.Settings(
        name="folder", root=str(source), size=ALIGNED, shards=1, seed=1, val_fraction=0.0, limit=0,
        photos="photos", sketches="sketches", test_fraction=0.5, duplicate_distance=-1,
    )  # fmt: skip
    ingest(folder_adapter, settings, work / "faces")
    find_landmarks(work / "faces", work / "landmarks", LandmarkSettings("mediapipe", 0.5))
    depth = DepthSettings("facemesh", surround=0.2)
    make_depth(work / "faces", work / "landmarks", work / "depth", depth)
    task = Task(("photo", "depth"), "sketch", SIDE)
    write_pack("hida", task, work, root / "pack", dataclasses.asdict(depth))
    return root / "pack"


def test_a_data_sets_photo_is_drawn_as_the_pipeline_draws_it(
    tmp_path: Path, packed: Path, translate: Run
) -> None:
    pack = Pack(packed)
    assert pack.faces["framing"] == [list(point) for point in PORTRAIT.points]
    assert pack.faces["data"] == "folder"
    assert pack.faces["size"] == ALIGNED
    assert pack.faces["depth"]["surround"] == 0.2
    assert "path" not in pack.faces["depth"]
    made = model("photo", "depth")
    torch.manual_seed(0)
    system = build(made, pack.channels)
    card = {"model": made, "channels": pack.channels, "faces": pack.faces}
    save_tensors(tmp_path / "w/weights/model.safetensors", system.networks.state_dict(), card)
    system, _ = load_trained(tmp_path / "w/weights")
    expected = generate_pack(system, pack, np.arange(2), ALIGNED, torch.device("cpu"))
    photos = packed.parent / "source/photos"
    assert translate(photos, "-o", "out", "--weights", "w", "--paper", "as-drawn")[0] == 0
    assert names(tmp_path / "out") == ["one.png", "two.png"]
    for row, id in enumerate(pack.ids):
        np.testing.assert_array_equal(
            pixels_of(tmp_path / f"out/{id}.png"), expected[row, 0].numpy()
        )


def test_a_trained_card_carries_the_framing(tmp_path: Path, packed: Path) -> None:
    """From the faces stage to the weights, through training."""
    pack = shutil.copytree(packed, tmp_path / "pack")
    about = json.loads((pack / "pack.json").read_text())
    about["splits"] = ["train", "train"]
    (pack / "pack.json").write_text(json.dumps(about))
    engine = {"device": "cpu", "precision": "32-true"}
    engine |= {"validate_every": 2, "checkpoint_every": 2}
    config = {"run": "hida", "seed": 0, "model": model("photo", "depth"), "engine": engine}
    train(config, pack, tmp_path / "out", tmp_path / "store")
    card = load_tensors(tmp_path / "out/weights/model.safetensors")[1]
    assert card["faces"] == about["faces"]
    assert card["faces"]["framing"] == [list(point) for point in PORTRAIT.points]


def test_files_of_every_kind_show_the_same_face(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    scene = Image.open(photo)
    kinds = tmp_path / "kinds"
    kinds.mkdir()
    upright = Image.Exif()
    upright[0x0112] = 6  # to be turned by 90 degrees
    scene.transpose(Image.Transpose.ROTATE_90).save(kinds / "turned.png", exif=upright)
    scene.convert("RGBA").save(kinds / "alpha.png")
    scene.save(kinds / "lossless.webp", lossless=True)
    assert translate(photo, kinds, "-o", "out", "--weights", weights)[0] == 0
    first = pixels_of(tmp_path / "out/someone.png")
    assert first.shape == (ALIGNED, ALIGNED)
    assert first.std() > 2
    for name in ("turned", "alpha", "lossless"):
        np.testing.assert_array_equal(pixels_of(tmp_path / f"out/{name}.png"), first)


def test_grey_sixteen_bit_and_cmyk_photos_are_drawn(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    scene, kinds = Image.open(photo), tmp_path / "kinds"
    kinds.mkdir()
    scene.convert("L").save(kinds / "grey.png")
    deep = np.asarray(scene.convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(kinds / "deep.png")
    scene.convert("CMYK").save(kinds / "ink.jpg")
    status, printed, _ = translate(kinds, "-o", "out", "--weights", weights)
    assert status == 0
    assert "3 sketches of 3 faces in 3 pictures" in printed
    np.testing.assert_array_equal(
        pixels_of(tmp_path / "out/deep.png"), pixels_of(tmp_path / "out/grey.png")
    )


def group(path: Path) -> Path:
    """Two people of different sizes; the smaller one is too small to be found in the whole."""
    face = Image.fromarray(data.astronaut()).crop((100, 0, 360, 260))
    scene = Image.new("RGB", (1300, 800), (120, 130, 140))
    scene.paste(face.resize((460, 460)), (760, 200))
    scene.paste(face.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((250, 250)), (150, 100))
    scene.save(path)
    return path


def test_everybody_is_drawn_from_left_to_right(
    tmp_path: Path, weights: Path, translate: Run
) -> None:
    group(tmp_path / "two.png")
    status, printed, _ = translate("two.png", "-o", "out", "--weights", weights)
    assert status == 0
    assert "2 sketches of 2 faces in 1 picture" in printed
    assert names(tmp_path / "out") == ["two-1.png", "two-2.png"]
    assert translate("two.png", "-o", "big.png", "--face", "largest", "--weights", weights)[0] == 0
    # The right one is the larger one; the way it was found differs by a fraction of a pixel.
    big = pixels_of(tmp_path / "big.png").astype(int)
    left, right = (pixels_of(tmp_path / f"out/two-{n}.png").astype(int) for n in (1, 2))
    assert np.abs(big - right).mean() < 0.3 * np.abs(big - left).mean()
    status, _, wrong = translate("two.png", "-o", "both.png", "--weights", weights)
    assert status == 1
    assert wrong == (
        "error: two.png: 2 faces do not go into one file; give -o a folder, or --face largest\n"
    )
    assert not (tmp_path / "both.png").exists()


def test_styles_and_mixtures_are_what_the_generator_gets(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    asked = ("--style", "1", "--style", "0.5,0.5,0", "--style", "1,0,0", "--sheet")
    assert translate(photo, "-o", "out", "--weights", weights, *asked)[0] == 0
    out = tmp_path / "out"
    assert names(out) == [
        *("someone-sheet.png", "someone-style0.5-0.5-0.png"),
        *("someone-style1-0-0.png", "someone-style1.png"),
    ]
    pure = pixels_of(out / "someone-style1.png")
    np.testing.assert_array_equal(pixels_of(out / "someone-style1-0-0.png"), pure)
    assert (pixels_of(out / "someone-style0.5-0.5-0.png") != pure).any()
    # Photo, depth and three drawings in cells of 96 with gaps of 4, and two lines of text.
    assert pixels_of(out / "someone-sheet.png").shape == (96 + 4 + 2 * 16 + 4, 5 * 100 + 8, 3)
    assert translate(photo, "-o", "first", "--weights", weights)[0] == 0
    assert names(tmp_path / "first") == ["someone.png"]
    np.testing.assert_array_equal(pixels_of(tmp_path / "first/someone.png"), pure)


def test_a_sheet_alone_shows_every_style_that_was_trained(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    assert translate(photo, "-o", "o.png", "--weights", weights, "--sheet", "--size", 32)[0] == 0
    assert names(tmp_path) == ["o-sheet.png", "o-style1.png", "o-style2.png"]
    assert pixels_of(tmp_path / "o-style2.png").shape == (32, 32)


def test_paper_is_white_unless_it_is_to_stay_and_enlarging_is_noted(
    tmp_path: Path, photo: Path, translate: Run
) -> None:
    shipped = ("--style", "3", "--weights", "hida")  # whose sketches have grey paper
    assert translate(photo, "-o", "white.png", *shipped)[2] == ""
    large = translate(photo, "-o", "grey.png", *shipped, "--paper", "as-drawn", "--size", 600)
    assert large[2] == (
        "note: --size 600: enlarged, without more detail; what is drawn has 128 pixels a side\n"
    )
    white, grey = (pixels_of(tmp_path / f"{name}.png") for name in ("white", "grey"))
    assert grey.shape == (600, 600)
    assert np.median(grey) < 245
    assert np.percentile(white, 75) == 255


# Whole pictures and depth made elsewhere


def ramp(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1)))


def test_any_picture_is_drawn_as_a_whole_with_its_depth(
    tmp_path: Path, weights: Path, translate: Run
) -> None:
    Image.fromarray(data.coffee()).save(tmp_path / "cup.png")  # 600 x 400, no face
    (tmp_path / "near").mkdir()
    ramp(600, 400).save(tmp_path / "near/cup.png")
    files = ("--whole", "--depth", "files", "--depth-path")
    command = ("cup.png", "--weights", weights)
    assert translate(*command, "-o", "a", *files, "near")[0] == 0
    picture = pixels_of(tmp_path / "a/cup.png")
    assert picture.shape == (64, 96)  # the longer side is the training photos'
    assert translate(*command, "-o", "b", *files, "near", "--nearer", "low")[0] == 0
    assert (pixels_of(tmp_path / "b/cup.png") != picture).any()
    (tmp_path / "other").mkdir()
    ramp(300, 200).save(tmp_path / "other/cup.png")
    status, _, wrong = translate(*command, "-o", "c", *files, "other")
    assert status == 1
    assert wrong == "error: cup.png: other/cup.png: 300 x 200 pixels; its photo has 600 x 400\n"
    assert "no face found" in translate(*command, "-o", "d")[2]
    status, _, wrong = translate(*command, "-o", "e", "--whole")
    assert status == 1
    assert wrong.startswith("error: --whole: depth from the face mesh needs a face; give --depth")
    assert (
        "depth from files: give --depth-path"
        in translate(*command, "-o", "e", "--depth", "files")[2]
    )


def test_depth_pictures_of_one_name_are_told_apart_by_their_folders(
    tmp_path: Path, weights: Path, translate: Run
) -> None:
    for who, turn in (("anna", 0), ("ben", 180)):
        for kind, picture in (("p", Image.fromarray(data.coffee())), ("d", ramp(600, 400))):
            (tmp_path / kind / who).mkdir(parents=True)
            (picture.rotate(turn) if kind == "d" else picture).save(tmp_path / kind / who / "1.png")
    depth = ("--whole", "--depth", "files", "--depth-path", "d", "--weights", weights)
    assert translate("p", "-o", "out", *depth)[0] == 0
    drawings = [pixels_of(tmp_path / f"out/{who}/1.png") for who in ("anna", "ben")]
    assert (drawings[0] != drawings[1]).any()
    assert "2 depth pictures of this name" in translate("p/anna", "-o", "o", *depth)[2]


def test_a_photo_in_the_training_framing_keeps_its_pixels(tmp_path: Path, translate: Run) -> None:
    """Of what was cropped already nothing is moved: weights that read the photo alone show it."""
    flat = make_weights(tmp_path / "flat", "photo")
    face = render(0, 3, ALIGNED).photo
    Image.fromarray(face).save(tmp_path / "framed.png")
    assert translate("framed.png", "-o", "a.png", "--aligned", "--weights", flat)[0] == 0
    shifted = np.roll(face, 8, axis=1)
    Image.fromarray(shifted).save(tmp_path / "framed.png")
    assert translate("framed.png", "-o", "b.png", "--aligned", "--weights", flat)[0] == 0
    assert (pixels_of(tmp_path / "a.png") != pixels_of(tmp_path / "b.png")).any()
    Image.fromarray(face[:50]).save(tmp_path / "half.png")
    status, _, wrong = translate("half.png", "-o", "c.png", "--aligned", "--weights", flat)
    assert status == 1
    assert wrong.startswith("error: half.png: 96 x 50 pixels; framed like the training photos")


# Photos that cannot be drawn


def test_what_cannot_be_drawn_is_named_and_the_rest_is_drawn(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    stream = io.BytesIO()
    Image.open(photo).save(stream, "JPEG")
    bad = tmp_path / "bad"
    (bad / "inner.png").mkdir(parents=True)  # a folder that is called like a picture
    (bad / "cut.jpg").write_bytes(stream.getvalue()[:9000])
    (bad / "empty.jpg").write_bytes(b"")
    (bad / "text.png").write_text("no picture")
    (bad / "notes.txt").write_text("not looked at")
    (bad / ".hidden.png").write_bytes(b"")
    Image.new("RGB", (300, 200), "white").save(bad / "nobody.png")
    Image.new("L", (20000, 4)).save(bad / "long.png")
    Image.new("L", (1, 1)).save(bad / "dot.png")
    (tmp_path / "nothing").mkdir()
    (bad / "inner.png" / "someone.png").write_bytes(photo.read_bytes())
    status, printed, wrong = translate(
        bad, "nothing", "gone.jpg", "-o", "out", "--weights", weights
    )
    assert status == 1
    assert "1 sketch of 1 face in 8 pictures; 7 not drawn" in printed
    assert names(tmp_path / "out/inner.png") == ["someone.png"]
    lines = wrong.splitlines()
    assert len(lines) == 9
    assert "bad: passed over: hidden (.hidden.png); no picture by its ending (notes.txt)" in wrong
    for words in (
        "nothing: no picture in this folder",
        "bad/cut.jpg: truncated or damaged",
        "bad/empty.jpg: empty file",
        "bad/text.png: no readable picture",
        "bad/nobody.png: no face found",
        "bad/long.png: 20000 x 4 pixels; shrink it",
        "bad/dot.png: no face found",
        "gone.jpg: No such file or directory",
    ):
        assert sum(words in line and line.startswith("error: ") for line in lines) == 1, words


def test_folders_are_mirrored_and_a_second_run_reads_no_results(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    """With the results in a folder of their own, in one inside, and beside the photos."""
    people = tmp_path / "people"
    for name in ("anna/01.jpg", "ben/01.jpg"):
        (people / name).parent.mkdir(parents=True)
        (people / name).write_bytes(photo.read_bytes())
    for out in ("out", "people/sketches", "people"):
        for _ in range(2):
            status, printed, _ = translate("people", "-o", out, "--weights", weights)
            assert (status, "2 sketches of 2 faces in 2 pictures" in printed) == (0, True)
            written = sorted(
                path.relative_to(out).as_posix()
                for path in Path(out).rglob("*.png")
                if path.parts[1] != "sketches" or out != "people"
            )
            assert written == ["anna/01.png", "ben/01.png"]


def test_photos_are_never_drawn_over_nor_one_drawing_over_another(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    for name in ("a/same.png", "b/same.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(photo.read_bytes())
    status, _, wrong = translate("a", "-o", "a", "--weights", weights)
    assert status == 1
    assert wrong == (
        "error: a/same.png: would be drawn over the picture a/same.png; give -o another folder\n"
    )
    assert (tmp_path / "a/same.png").read_bytes() == photo.read_bytes()
    status, _, wrong = translate("a", "b", "-o", "out", "--weights", weights)
    assert status == 1
    assert "b/same.png: would be drawn over out/same.png, which shows a/same.png" in wrong
    # The same photo named twice is one photo, and drawings that are there are replaced.
    (tmp_path / "out/same.png").write_text("old")
    status, printed, _ = translate("a", "a/same.png", "-o", "out", "--weights", weights)
    assert (status, "in 1 picture" in printed) == (0, True)
    assert pixels_of(tmp_path / "out/same.png").shape == (ALIGNED, ALIGNED)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "out.jpg"), "error: out.jpg: results are PNG"),
        (("-o", "file"), "error: file: a file; give -o a folder"),
        (("-o", "file/out"), "error: file/out: "),
        (("-o", "o", "--size", "5"), "error: --size 5; allowed: 16 to 4096"),
        (("-o", "o", "--style", "4"), "error: style '4'; allowed: one of 1, 2"),
        (("-o", "o", "--style", "3"), "no training face was drawn in style 3"),
        (("-o", "o", "--style", "0.5,0.6,0"), "error: style '0.5,0.6,0'; allowed"),
        (("-o", "o", "--whole", "--aligned"), "give one of the two"),
        (("-o", "o", "--whole", "--face", "largest"), "--face: of no use with --whole"),
        (("-o", "o", "--aligned", "--face", "all"), "--face: of no use with"),
        (("-o", "o", "--depth", "onnx", "--depth-path", "no.onnx"), "no such file"),
        (("-o", "o", "--depth-path", "near"), "not read where depth comes from the face mesh"),
        (("-o", "o", "--nearer", "low"), "give --depth files or --depth onnx with them"),
    ],
)
def test_wrong_options_end_in_one_line(
    tmp_path: Path, photo: Path, weights: Path, translate: Run,
    arguments: tuple[str, ...], words: str,
) -> None:  # fmt: skip
    (tmp_path / "file").write_text("something else")
    status, printed, wrong = translate(photo, "--weights", weights, *arguments)
    assert (status, printed) == (1, "")
    assert words in wrong
    assert len(wrong.splitlines()) == 1
    assert (tmp_path / "file").read_text() == "something else"


def test_several_photos_do_not_go_into_one_file(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    (tmp_path / "other.png").write_bytes(photo.read_bytes())
    status, _, wrong = translate(photo, "other.png", "-o", "one.png", "--weights", weights)
    assert (status, wrong) == (1, "error: one.png: one file for 2 pictures; give -o a folder\n")

    status, printed, wrong = translate(
        photo, "-o", "one.png", "--weights", weights, "--style", 1, "--style", 2
    )
    assert (status, wrong) == (0, "")
    assert printed.startswith("one-*.png: 2 sketches of 1 face in 1 picture")
    assert names(tmp_path) == ["one-style1.png", "one-style2.png", "other.png"]


def test_names_with_line_breaks_are_said_in_one_line(tmp_path: Path, translate: Run) -> None:
    (tmp_path / "no\npicture.png").write_text("text")
    status, printed, wrong = translate("no\npicture.png", "-o", "new\nfolder")
    assert status == 1
    assert len(printed.splitlines()) <= 1
    assert wrong.startswith("error: no\\npicture.png: no readable picture")
    assert len(wrong.splitlines()) == 1


# Weights that cannot draw photos


def test_every_direction_but_from_sketches_has_a_generator_that_ships() -> None:
    used = {name for kinds in SHIPPED.values() for name in kinds.values()}
    assert used - {"cyclegan"} == set(generator_names())
    assert SHIPPED["photo"]["sketch"] == "cyclegan"


def test_what_no_generator_ships_for_says_what_to_train(
    tmp_path: Path, photo: Path, translate: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = functools.partial(generator_names, folder=tmp_path / "package")
    monkeypatch.setattr(trained_generator, "generator_names", inside)
    for asked, result in (
        (("--to", "drawing"), "drawing of a photo"),
        (("--from", "doodle"), "photo of a doodle"),
    ):
        status, printed, wrong = translate(photo, "-o", "out", *asked)
        assert (status, printed, len(wrong.splitlines())) == (1, "", 1)
        assert wrong.startswith(f"error: no generator that makes a {result} comes with the package")
        assert "--weights data/train/sketch2face/0" in wrong


def test_a_copied_file_of_weights_is_enough_under_any_name(
    tmp_path: Path, photo: Path, weights: Path
) -> None:
    file = shutil.copy(weights / "model.safetensors", tmp_path / "mine.safetensors")
    [sketch] = sketchface.translate(photo, weights=file)
    [expected] = sketchface.translate(photo, weights=weights)
    np.testing.assert_array_equal(sketch, expected)


def test_the_library_refuses_what_is_not_allowed_before_any_work(photo: Path) -> None:
    for options, words in (
        ({"to": "painting"}, "to='painting'; allowed: sketch, photo, drawing"),
        ({"kind": "picture"}, "kind='picture'; allowed: photo, contour, map, doodle, sketch"),
        ({"paper": "grey"}, "paper='grey'; allowed: white, as-drawn"),
        ({"size": 100_000}, "size=100000; allowed: 16 to 4096"),
        ({"picture": photo.parent}, "a folder; give the file of one picture"),
    ):
        with pytest.raises(SketchFaceError, match=re.escape(words)):
            sketchface.translate(**{"picture": photo, **options})


def test_one_picture_that_is_not_there_is_all_that_is_said(translate: Run) -> None:
    status, printed, wrong = translate("gone.png", "-o", "out", "--random", 4)
    assert (status, printed) == (1, "")
    assert wrong == "error: gone.png: No such file or directory; check that it is there\n"


def test_a_parsing_map_among_photos_is_told_what_draws_it(
    tmp_path: Path, weights: Path, translate: Run
) -> None:
    Image.fromarray(render(5, 4, 256).labels).save(tmp_path / "map.png")
    status, _, wrong = translate("map.png", "-o", "out", "--weights", weights)
    assert (status, len(wrong.splitlines())) == (1, 1)
    assert "map.png: a parsing map; " in wrong
    assert "as --weights spade" in wrong


def test_a_press_of_ctrl_c_says_how_many_files_are_whole(
    tmp_path: Path, photo: Path, weights: Path, translate: Run
) -> None:
    for number in range(60):
        shutil.copy(photo, tmp_path / f"{number:02}.png")

    def press() -> None:
        while not (tmp_path / "o/00.png").exists():
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    status, _, wrong = translate(".", "-o", "o", "--weights", weights)
    # An interrupt while the system opens a temporary file leaves it behind, empty and hidden.
    written = [path for path in (tmp_path / "o").iterdir() if not path.name.startswith(".")]
    assert status == 130
    count = re.search(r"stopped: (\d+) files? in o, each of them whole", wrong)
    # A file may have got its name in the moment before it was counted.
    assert count is not None, wrong
    assert len(written) - int(count[1]) in (0, 1)
    assert 0 < len(written) < 60
    assert {pixels_of(path).shape for path in written} == {(ALIGNED, ALIGNED)}


def test_weights_that_cannot_be_used_say_why(tmp_path: Path, photo: Path, translate: Run) -> None:
    def refusal(folder: Path | str, *more: str) -> str:
        status, _, wrong = translate(photo, "-o", "o", "--weights", folder, *more)
        assert status == 1
        assert len(wrong.splitlines()) == 1
        return wrong

    assert "nowhere: no model.safetensors in it" in refusal("nowhere")
    run = make_weights(tmp_path / "run/0/weights")
    assert f"name the seed too: {tmp_path}/run/0, or" in refusal(tmp_path / "run")
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(run / "model.safetensors", tmp_path / "elsewhere/mine.safetensors")
    assert "name the file itself: elsewhere/mine.safetensors, or" in refusal("elsewhere")
    both = copied(tmp_path / "both", inputs=["photo"], target="lines", unpaired=True)
    assert "both makes one of a lines alone; a photo gives photo" in refusal(both, "--to", "photo")
    lines = copied(tmp_path / "lines", inputs=["lines"])
    assert (
        "lines: reads lines; a photo gives photo, depth, style, contour, parsing, a contour gives "
        "contour, a map gives parsing, a doodle gives doodle, a sketch gives sketch: name the "
        "weights of another run" in refusal(lines)
    )
    parser = copied(tmp_path / "parser", target="parsing")
    assert "parser: draws parsing, neither sketches nor photos" in refusal(parser)
    loose = make_weights(tmp_path / "loose", faces={})
    assert "loose: does not say how its training photos were framed" in refusal(loose)
    plain = make_weights(tmp_path / "plain", "photo", "depth")
    assert "style '1': " in refusal(plain, "--style", "1")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/model.safetensors").write_bytes(b"nothing")
    assert "bad/model.safetensors: not one of our safetensors files" in refusal("bad")


def copied(folder: Path, **task: Any) -> Path:
    """A pix2pix for another task."""
    tiny = {
        "system": "pix2pix",
        "task": {"inputs": ["photo"], "target": "sketch", "size": SIDE} | task,
        "network": {"width": 2, "dropout": 0.0, "init_std": 0.02},
        "loss": {"l1": 1.0, "scale": 1.0},
        "conditional": {"timer": 1, "threshold": 0.0},
        "greyscale": True,
        "augment": {"flip": False, "jitter": 0.0},
        "schedule": model()["schedule"],
    }
    channels = {"photo": 3, "sketch": 1, "lines": 1, "parsing": 1}
    faces = {"data": "folder", "size": SIDE, "framing": [list(p) for p in PORTRAIT.points]}
    card = {"run": "tiny", "seed": 0, "model": tiny, "channels": channels, "faces": faces}
    save_tensors(folder / "model.safetensors", build(tiny, channels).networks.state_dict(), card)
    return folder


def test_a_run_without_depth_and_style_draws_too(
    tmp_path: Path, photo: Path, translate: Run
) -> None:
    status, _, wrong = translate(photo, "-o", "o", "--weights", copied(tmp_path / "w"))
    assert (status, wrong) == (0, "")
    assert pixels_of(tmp_path / "o/someone.png").shape == (SIDE, SIDE)
    whole = ("--whole", "--weights", tmp_path / "w")
    Image.fromarray(data.coffee()).save(tmp_path / "cup.png")
    assert translate("cup.png", "-o", "o", *whole)[0] == 0  # no depth, so none is missing
    assert pixels_of(tmp_path / "o/cup.png").shape == (43, SIDE)
    status, _, wrong = translate("cup.png", "-o", "p", *whole, "--depth", "onnx")
    assert status == 1
    assert wrong.endswith("w reads no depth; leave --depth, --depth-path and --nearer out\n")


# The framing of the built-in faces


def test_built_in_faces_have_the_framing_they_are_said_to_have() -> None:
    """Mean over faces; a single one turns and leans by several per cent of the side."""
    points = [eyes_and_mouth(render(1, number, 64).landmarks) / 64 for number in range(30)]
    mean = np.mean(points, axis=0)
    error = np.std(points, axis=0) / np.sqrt(len(points))
    stated = np.array(synthetic_adapter.FRAMING.points)
    assert (np.abs(mean - stated) < 3 * error).all(), mean
    assert np.abs(mean - stated).max() < 0.03
