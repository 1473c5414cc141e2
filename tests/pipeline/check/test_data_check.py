"""What `check` refuses of the data themselves, before DVC hashes them."""

from __future__ import annotations

import copy
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from mini_data import FACE, save, sketch_of

from pipeline.check.__main__ import main
from pipeline.common.parameters import run_stage
from pipeline.compose import compose

COMMON = ("size", "shards", "seed", "val_fraction", "limit", "duplicate_distance", "test_fraction")


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("composed") / "params.yaml"
    compose(["model=pix2pix-photo", "data=folder"], path)
    return yaml.safe_load(path.read_text())


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twelve pairs; the working folder is an empty one beside them."""
    root = tmp_path / "faces"
    for number in range(12):
        photo = FACE.copy()
        photo[:9, :9] = number
        save(root / f"photos/IMG_{number:04d}.jpg", photo)
        save(root / f"sketches/IMG_{number:04d}.png", sketch_of(photo))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return root


@pytest.fixture
def check(composed: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the stage on a `data` section, and return its one line; empty where it passes."""

    def run(data: dict[str, Any], **top: Any) -> str:
        common = {key: composed["data"][key] for key in COMMON if key in composed["data"]}
        own = {"drop_shared": False} if data["name"] == "fs2k" else {}
        if own:
            common.pop("test_fraction")
        values = copy.deepcopy(composed) | {"data": common | own | data} | top
        Path("params.yaml").write_text(yaml.safe_dump(values))
        shutil.rmtree("data", ignore_errors=True)
        try:
            run_stage("check", main)
        except SystemExit:
            assert not Path("data").exists()
            (line,) = capsys.readouterr().err.splitlines()
            return line.removeprefix("error: check: ")
        assert Path("data/check.json").is_file()
        return ""

    return run


def folder(root: object, **own: Any) -> dict[str, Any]:
    return {"name": "folder", "root": str(root), "photos": "photos", "sketches": "sketches"} | own


def test_whole_data_pass(faces: Path, check: Any) -> None:
    assert check(folder(faces)) == ""


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (folder("/nope"), "data.root"),
        (folder("no/where", photos=""), "data.root"),
        ({"name": "fs2k", "root": "/nope/FS2K"}, "data.root"),
    ],
)
def test_a_missing_root(faces: Path, check: Any, data: dict[str, Any], key: str) -> None:
    assert check(data) == (
        f"{key}: {data['root']!r} is no folder; set it to where {data['name']} lies"
    )


def test_a_dead_link_and_a_pipe(faces: Path, check: Any) -> None:
    (faces / "photos/gone.jpg").symlink_to("nowhere.jpg")
    assert check(folder(faces)) == (
        f"data.root: {faces}/photos/gone.jpg: a link to 'nowhere.jpg', which is not there; "
        "move it out of the data"
    )
    (faces / "photos/gone.jpg").unlink()
    os.mkfifo(faces / "sketches/IMG_0003.jpg")
    assert check(folder(faces)).startswith(f"data.root: {faces}/sketches/IMG_0003.jpg: a pipe; ")


def test_both_halves_of_an_unpaired_set(faces: Path, check: Any) -> None:
    photos, drawings = f"{faces}/photos", f"{faces}/sketches"
    data = {
        "name": "unpaired",
        "root": photos,
        "photo": {"name": "folder", "root": photos, "photos": "", "sketches": ""},
        "drawings": {"name": "drawings", "root": drawings, "folder": ""},
    }
    assert check(data, run=["cyclegan"]) == ""
    (faces / "sketches/gone").symlink_to("nowhere")
    assert check(data, run=["cyclegan"]).startswith(
        f"data.drawings.root: {drawings}/gone: a link to 'nowhere', which is not there; "
    )
    drawings = data["drawings"] | {"root": "/nope"}
    line = check(data | {"drawings": drawings}, run=["cyclegan"])
    assert line == "data.drawings.root: '/nope' is no folder; set it to where unpaired lies"
