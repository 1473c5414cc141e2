"""Whatever stands in `data`, the `faces` stage answers in lines and never with a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.common.parameters import run_stage
from pipeline.faces.__main__ import main

COMMON = {"size": 64, "shards": 2, "seed": 0, "val_fraction": 0.05, "limit": 0}
SECTIONS: dict[str, dict[str, Any]] = {
    "synthetic": {"root": "synthetic_faces", "count": 2, "test_count": 1, "styles": [1]},
    "fs2k": {"root": "empty", "drop_shared": False},
    "folder": {"root": "empty", "photos": "", "sketches": "", "test_fraction": 0.1},
    "cufs": {"root": "empty", "test_fraction": 0.1},
    "apdrawing": {"root": "empty"},
    "celeba": {"root": "empty", "images": "img_celeba", "test_fraction": 0.1},
    "ffhq": {"root": "empty", "images": "images1024x1024"},
    "quickdraw": {
        "root": "empty",
        "file": "face.npy",
        "recognized": True,
        "pen": 16.0,
        "test_fraction": 0.1,
    },
    "drawings": {"root": "empty", "folder": "", "test_fraction": 0.1},
    "doodles": {"root": "empty", "count": 5, "test_count": 2},
    "unpaired": {
        "root": "photos",
        "test_fraction": 0.1,
        "photo": {"name": "fs2k", "root": "photos"},
        "drawings": {"name": "drawings", "root": "drawn", "folder": ""},
    },
}
WRONG = (None, "", -1, 1.5, True, [], [1], {"a": 1}, float("nan"), float("inf"), "\0", "no/where")


@pytest.fixture
def answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Run the stage on some parameters, which must fail, and return its lines."""
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "synthetic_faces"):
        (tmp_path / name).mkdir(parents=True)

    def run(parameters: object) -> list[str]:
        if isinstance(parameters, dict):
            parameters = parameters | {"second_root": "drawn"}
        Path("params.yaml").write_text(yaml.safe_dump(parameters))
        with pytest.raises(SystemExit) as end:
            run_stage("faces", main)
        assert end.value.code == 1
        assert not Path("data/faces").exists()
        lines = capsys.readouterr().err.splitlines()
        assert lines
        assert all(line.startswith("error: faces: ") for line in lines)
        return lines

    return run


@pytest.mark.parametrize("whole", [{}, {"data": None}, {"data": 5}, {"data": [1]}, {"data": {}}])
def test_a_section_that_is_none(whole: object, answer: Any) -> None:
    (line,) = answer(whole)
    assert "params.yaml" in line or "data" in line


@pytest.mark.parametrize("name", SECTIONS)
def test_each_key_with_each_wrong_value(name: str, answer: Any) -> None:
    right = {**COMMON, **SECTIONS[name], "name": name}
    for key in right:
        without = {other: value for other, value in right.items() if other != key}
        if key != "drop_shared":  # the only one with a default
            assert f"data.{key}: missing" in answer({"data": without})[0]
        for value in WRONG:
            if type(value) is type(right[key]) and key not in ("name", "root"):
                continue  # not wrong, or only as a folder's name
            lines = answer({"data": right | {key: value}})
            assert f"data.{key}: " in lines[0], (key, value)
    for key in ("extra", 1, None):
        assert "allowed: one of the keys name, root" in answer({"data": right | {key: 1}})[0]


def test_all_that_is_wrong_is_said_at_once(answer: Any) -> None:
    section = {**COMMON, **SECTIONS["folder"], "name": "folder", "size": 8, "shards": 0}
    assert [line.split(": ")[2] for line in answer({"data": section})] == [
        "data.size",
        "data.shards",
    ]


@pytest.mark.parametrize("key", ["photos", "sketches"])
@pytest.mark.parametrize("value", ["no/where", "\0", "a" * 5000])
def test_a_sub_folder_that_cannot_be(key: str, value: str, answer: Any) -> None:
    section = {**COMMON, **SECTIONS["folder"], "name": "folder", key: value}
    (line,) = answer({"data": section})
    assert line.startswith(f"error: faces: data.{key}: ")
    assert line.endswith("is no folder; set it to a sub-folder of empty")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder", "data.root: empty: holds no face that folder knows; point it at the data"),
        ("fs2k", "empty/anno_train.json: No such file or directory; point data.root at"),
        ("synthetic", "data.root: 'synthetic_faces'; built-in faces and doodles need the"),
        ("cufs", "data.root: empty: holds no face that cufs knows; point it at the data"),
        ("apdrawing", "empty/data/train: no such folder; point data.root at APDrawingDB"),
        ("celeba", "empty: neither img_celeba nor Img/img_celeba in it; point data.root at"),
        ("ffhq", "data.images: empty/images1024x1024 is no folder; set it to a sub-folder of"),
        ("quickdraw", "data.file: empty/face.npy is not there; fetch it or name another"),
        ("doodles", "data.root: 'empty'; built-in faces and doodles need the generator's"),
        ("drawings", "data.root: empty: holds no face that drawings knows; point it at the"),
        ("unpaired", "data.photo.root: 'photos' is no folder; set it to where unpaired lies"),
    ],
)
def test_a_folder_without_the_data(name: str, reason: str, answer: Any) -> None:
    (line,) = answer({"data": {**COMMON, **SECTIONS[name], "name": name}})
    assert line.startswith(f"error: faces: {reason}")
