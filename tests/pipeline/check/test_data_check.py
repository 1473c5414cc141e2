"""What `check` refuses of the data themselves, before DVC hashes them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from mini_data import other_photo, save, sketch_of

from pipeline.check.__main__ import main
from pipeline.check.data_check import check_data
from pipeline.common.parameters import Parameters, run_stage
from pipeline.compose import compose
from sketchface_models.errors import SketchFaceError

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
        photo = other_photo(number)
        save(root / f"photos/IMG_{number:04d}.jpg", photo)
        save(root / f"sketches/IMG_{number:04d}.png", sketch_of(photo))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return root


@pytest.fixture
def check(composed: dict[str, Any]) -> Any:
    """Check a `data` section, and return the one line that refuses it; empty where it passes."""

    def run(data: dict[str, Any], best: str = "val_ssim") -> str:
        common = {key: composed["data"][key] for key in COMMON}
        if data["name"] == "fs2k":
            del common["test_fraction"]
        engine = composed["engine"] | {"best": best}
        try:
            check_data(Parameters(composed | {"data": common | data, "engine": engine}))
        except SketchFaceError as error:
            assert "\n" not in str(error)  # noqa: PT017
            return str(error)
        return ""

    return run


def folder(root: object, **own: Any) -> dict[str, Any]:
    return {"name": "folder", "root": str(root), "photos": "photos", "sketches": "sketches"} | own


def test_whole_data_pass(faces: Path, check: Any) -> None:
    assert check(folder(faces)) == ""


def test_the_stage_refuses_and_writes_nothing(
    faces: Path, composed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(faces / "photos/pipe")
    values = composed | {"data": composed["data"] | {"root": str(faces)}}
    Path("params.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(SystemExit):
        run_stage("check", main)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: check: data.root: {faces}/photos/pipe: a pipe; ")
    assert not Path("data").exists()


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
    assert check(data) == ""
    (faces / "sketches/gone").symlink_to("nowhere")
    assert check(data).startswith(
        f"data.drawings.root: {drawings}/gone: a link to 'nowhere', which is not there; "
    )
    drawings = data["drawings"] | {"root": "/nope"}
    line = check(data | {"drawings": drawings})
    assert line == "data.drawings.root: '/nope' is no folder; set it to where unpaired lies"


def test_few_pairs_go_through_or_name_the_parameters(faces: Path, check: Any) -> None:
    pairs = sorted(path.stem for path in (faces / "photos").iterdir())
    for count in (10, 5, 4):
        for stem in pairs[count:]:
            (faces / f"photos/{stem}.jpg").unlink(missing_ok=True)
        (faces / f"sketches/{pairs[count]}.png").unlink()
        assert check(folder(faces)) == ""
    (faces / f"photos/{pairs[3]}.jpg").unlink()
    best_wants = "add faces, raise data.val_fraction (0.05), or set engine.best=none"
    assert check(folder(faces)).startswith(
        f"data.root: {faces}: none of 3 faces is in val; {best_wants}"
    )
    assert check(folder(faces, val_fraction=0.0)) == check(folder(faces), best="none") == ""
    (faces / f"photos/{pairs[2]}.jpg").unlink()
    line = check(folder(faces))
    assert re.search(r"none of 2 faces is in test; add faces, or .* data\.seed$", line)
    for stem in pairs[:2]:
        (faces / f"photos/{stem}.jpg").unlink()
    assert "faces can be used; 9 of them: no photo of this name" in check(folder(faces))
    for path in (faces / "sketches").iterdir():
        path.unlink()
    assert check(folder(faces)).endswith("holds no face that folder knows; point it at the data")


def test_splits_that_are_turned_off(faces: Path, check: Any) -> None:
    line = check(folder(faces, test_fraction=0.0))
    assert line.endswith("none of 12 faces is in test; raise data.test_fraction (0)")


def test_without_validation_faces_on_purpose_a_note_says_what_that_means(
    faces: Path, check: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(folder(faces, val_fraction=0.0)) == ""
    assert "engine.best=val_ssim keeps no weights" in capsys.readouterr().err
    assert check(folder(faces, val_fraction=0.0), best="none") == check(folder(faces)) == ""
    assert capsys.readouterr().err == ""
