"""`sketchface peek`: what lies in a folder, on one sheet."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from pipeline.common.evaluations import GENERATED, GENERATED_FILE
from pipeline.common.images import encode_depth, encode_png
from pipeline.common.shards import IMAGE, image_cell, shard_name, write_rows
from sketchface.cli import main
from sketchface.sheet_faces import as_colours, mark_landmarks
from synthetic_faces import render

SCHEMA = pa.schema(
    [
        *(("id", pa.string()), ("photo", IMAGE), ("labels", IMAGE), ("depth", IMAGE)),
        ("landmarks", pa.list_(pa.float32())),
    ]
)
GAP, CAPTION, SIDE = 4, 16, 160
Status = tuple[int, str, str]


@pytest.fixture
def peek(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    """Run the command as a user does: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Status:
        monkeypatch.setattr(sys, "argv", ["sketchface", "peek", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


def grey(value: int) -> np.ndarray:
    return np.full((32, 32, 3), value, np.uint8)


def row(id: str, value: int | None) -> dict[str, object]:
    if value is None:
        return {"id": id}
    depth = encode_depth(np.full((32, 32), 0.5, np.float32))
    return {
        "id": id,
        "photo": image_cell(encode_png(grey(value)), f"{id}.png"),
        "labels": image_cell(encode_png(np.full((32, 32), 13, np.uint8)), f"{id}.png"),
        "depth": image_cell(depth, f"{id}.png"),
        "landmarks": [8.9, 16.0, -3.0, 5.0],  # a dot, and one outside the picture
    }


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """Three shards: faces a0 to a5, none with pictures, and c0."""
    shards = [[row(f"a{i}", 10 + i) for i in range(6)], [row("b0", None)], [row("c0", 200)]]
    for number, rows in enumerate(shards):
        write_rows(tmp_path / "faces" / "shards" / shard_name(number), rows, SCHEMA)
    return tmp_path / "faces"


def cells(path: Path, places: int, columns: int = 1) -> np.ndarray:
    """The pictures on a sheet: (groups, places, 160, 160, 3)."""
    image = np.asarray(Image.open(path))
    width, height = places * (SIDE + GAP) + 2 * GAP, SIDE + GAP + CAPTION
    rows = (image.shape[0] - CAPTION - GAP) // height
    return np.array(
        [
            [
                image[y : y + SIDE, x : x + SIDE]
                for x in (column * width + GAP + place * (SIDE + GAP) for place in range(places))
            ]
            for y in (CAPTION + r * height + GAP for r in range(rows))
            for column in range(columns)
        ]
    )


def test_a_stages_folder_shows_faces_of_every_shard(stage: Path, peek):
    status, out, err = peek(stage, "-n", 3)
    assert (status, err) == (0, "")
    assert out == f"sheet.png: 3 of {stage} (photo, labels, depth, landmarks)\n"
    shown = cells(Path("sheet.png"), 4, columns=2)
    centres = shown[:, :, 80, 80]
    assert centres[:3, 0, 0].tolist() == [10, 200, 11]  # a0, c0, a1
    assert centres[0, 1].tolist() == [0, 0, 204]  # hair in the palette
    assert centres[0, 2].tolist() == [128] * 3
    again = Path("sheet.png").read_bytes()
    assert peek(stage, "-n", 3, "-o", "again.png")[0] == 0
    assert Path("again.png").read_bytes() == again


def test_landmarks_are_dots_on_the_pixels_they_lie_in(stage: Path, peek):
    assert peek(stage, "-n", 1)[0] == 0
    dots = (cells(Path("sheet.png"), 4)[0, 3] == (220, 0, 60)).all(axis=-1)
    rows, columns = np.nonzero(dots)
    # (8.9, 16.0) lies in pixel (8, 16); with its neighbours, five times enlarged.
    assert abs(columns.mean() + 0.5 - 8.5 * 5) < 1
    assert abs(rows.mean() + 0.5 - 16.5 * 5) < 1
    assert dots.sum() < 4 * 15 * 15 / 2  # and nothing else is painted over


def test_all_there_is_is_shown_where_more_is_asked_for(stage: Path, peek):
    assert peek(stage, "-n", 100)[1].startswith("sheet.png: 7 of ")


def test_a_pack_shows_rows_from_all_over_it(tmp_path: Path, peek):
    pack = tmp_path / "pack"
    pack.mkdir()
    about = {
        "size": 32,
        "fields": {"photo": 3, "sketch": 1},
        "inputs": ["photo"],
        "target": "sketch",
        "ids": [f"f{i}" for i in range(9)],
        "splits": ["train"] * 8 + ["test"],
        "styles": [None] * 9,
    }
    (pack / "pack.json").write_text(json.dumps(about))
    values = np.arange(0, 90, 10, np.uint8)[:, None, None, None]
    np.save(pack / "photo.npy", np.broadcast_to(values, (9, 3, 32, 32)))
    np.save(pack / "sketch.npy", np.broadcast_to(values + 100, (9, 1, 32, 32)))
    assert peek(pack, "-n", 3)[1] == f"sheet.png: 3 of {pack} (photo, sketch)\n"
    centres = cells(Path("sheet.png"), 2, columns=3)[:, :, 80, 80, 0]
    assert centres.tolist() == [[0, 100], [30, 130], [60, 160]]
    assert peek(pack, "-n", 50)[1].startswith("sheet.png: 9 of ")


def test_an_unpaired_pack_shows_faces_of_both_domains(tmp_path: Path, peek):
    pack = tmp_path / "pack"
    pack.mkdir()
    ids = {"photo": [f"p{i}" for i in range(6)], "sketch": [f"s{i}" for i in range(2)]}
    for name, channels in (("photo", 3), ("sketch", 1)):
        levels = np.arange(len(ids[name]), dtype=np.uint8)[:, None, None, None]
        np.save(pack / f"{name}.npy", levels * 20 + np.zeros((1, channels, 32, 32), np.uint8))

    def columns(name: str) -> dict[str, list]:
        count = len(ids[name])
        return {"ids": ids[name], "splits": ["train"] * count, "styles": [None] * count}

    about = {"size": 32, "fields": {"photo": 3, "sketch": 1}, "inputs": ["photo"]}
    about |= {"target": "sketch", "domains": [{"fields": ["sketch"], **columns("sketch")}]}
    (pack / "pack.json").write_text(json.dumps(about | columns("photo")))
    assert peek(pack, "-n", 4)[1] == f"sheet.png: 4 of {pack} (photo, sketch)\n"
    pictures = cells(Path("sheet.png"), 2, columns=4)
    shown = [(0, 0), (1, 0), (0, 60), (1, 20)]  # domain, level
    assert [int(pictures[i, place, 80, 80, 0]) for i, (place, _) in enumerate(shown)] == [
        level for _, level in shown
    ]
    assert peek(pack, "-n", 50)[1].startswith("sheet.png: 8 of ")


def test_an_evaluation_shows_every_output_of_its_faces(tmp_path: Path, peek):
    for output, value in (("sketch", 40), ("photo", 90)):
        (tmp_path / "0" / output).mkdir(parents=True)
        cell = image_cell(encode_png(grey(value)), "a.png")
        rows = [{"id": id, "generated": cell} for id in ("a", "b")]
        write_rows(tmp_path / "0" / output / GENERATED_FILE, rows, GENERATED)
    assert peek("0") == (0, "sheet.png: 2 of 0 (photo, sketch)\n", "")
    pictures = cells(Path("sheet.png"), 2, columns=2)
    assert pictures[:, :, 80, 80, 0].tolist() == [[90, 40]] * 2


def test_a_folder_of_pictures_is_shown_whatever_else_lies_in_it(tmp_path: Path, peek):
    folder = tmp_path / "mine"
    (folder / "more").mkdir(parents=True)
    for name in ("b.png", "a.jpg"):
        Image.fromarray(grey(50)).save(folder / name)
    (folder / "notes.txt").write_text("no picture")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.png").write_bytes(encode_png(grey(1)))
    status, out, err = peek(folder, "-o", "deep/er/sheet.png")
    assert (status, err) == (0, "")
    assert out == f"deep/er/sheet.png: 2 of {folder} (picture)\n"
    assert Image.open("deep/er/sheet.png").mode == "RGB"


def test_nothing_to_show_is_one_line(tmp_path: Path, peek):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("no picture")
    write_rows(tmp_path / "bare" / "shards" / shard_name(0), [row("a", None)], SCHEMA)
    nowhere = "no such folder; give one or synthetic, synthetic/edits, synthetic/doodles"
    for name, reason in (
        ("empty", "no pictures in it; give a stage's folder or pictures"),
        ("text", "no pictures in it; give a stage's folder or pictures"),
        ("bare", "no pictures in it; give a stage's folder or pictures"),
        ("nowhere", nowhere),
        ("text/notes.txt", nowhere),
    ):
        assert peek(name) == (1, "", f"error: {name}: {reason}\n")
    assert not Path("sheet.png").exists()


def test_a_damaged_table_is_named_in_one_line(stage: Path, peek):
    path = stage / "shards" / shard_name(0)
    path.write_bytes(path.read_bytes()[:-20])
    status, _, err = peek(stage)
    assert status == 1
    assert err.startswith(f"error: {path}: not a readable Parquet table (")
    assert err.count("\n") == 1


def test_a_sheet_that_cannot_be_written_is_one_line(stage: Path, peek):
    Path("file").touch()
    Path("folder.png").mkdir()
    for out in ("file/sheet.png", "folder.png", "/proc/nowhere/sheet.png", "a" * 300 + ".png"):
        status, _, err = peek(stage, "-o", out)
        assert status == 1
        assert err.startswith(f"error: {out}: ")
        assert err.endswith("; name another place with -o\n")
        assert err.count("\n") == 1
    assert peek(stage, "-o", "sheet.jpg") == (
        *(1, ""),
        "error: sheet.jpg: the sheet is a PNG; give -o a name that ends in .png\n",
    )
    assert not Path("sheet.jpg").exists()
    assert sorted(path.name for path in Path().iterdir()) == ["faces", "file", "folder.png"]


def test_what_the_system_refuses_is_one_line(tmp_path: Path, peek):
    """A name longer than any file's: no command looks for that itself."""
    name = "a" * 300
    assert peek(name) == (1, "", f"error: {name}: File name too long\n")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("synthetic", "photo, landmarks, labels, depth, normals, style 1, style 2, style 3"),
        ("synthetic/edits", "lines before, after, what changed"),
        ("synthetic/doodles", "doodle"),
    ],
)
def test_the_built_in_faces_need_no_folder(
    peek: Callable[..., Status], tmp_path: Path, name: str, fields: str
):
    status, said, _ = peek(name, "-n", 2)
    assert status == 0
    assert fields in said
    assert np.asarray(Image.open(tmp_path / "sheet.png")).std() > 10


def test_hidden_landmarks_are_marked_otherwise():
    face = render(0, 5, 128)
    assert 0 < face.visible.sum() < 68
    seen, hidden = mark_landmarks(replace(face, visible=np.ones(68, bool))), mark_landmarks(face)
    assert (seen != hidden).any(axis=-1).sum() > 10


def test_normals_have_the_usual_colours():
    normals = np.array([[(0, 0, 1), (1, 0, 0), (0, -1, 0), (0, 0, 0)]], np.float32)
    assert as_colours(normals).tolist() == [
        [[127, 127, 255], [255, 127, 127], [127, 255, 127], [255, 255, 255]]
    ]
