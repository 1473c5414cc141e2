from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from mini_data import other_photo, save
from skimage.data import astronaut
from typer.testing import CliRunner

from sketchface.commands import validate
from sketchface.data_sets import locate
from sketchface_models.errors import SketchFaceError

PHOTO = astronaut()[0:250, 100:350]


def run(*arguments: object) -> tuple[int, str]:
    command = typer.Typer()
    command.command()(validate)
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, SketchFaceError):
        raise result.exception
    return result.exit_code, result.stdout


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "mine"
    for number in range(6):
        save(root / f"photos/{number}.jpg", other_photo(number))
    return root


def test_a_whole_folder_ends_with_status_0(photos: Path) -> None:
    for arguments in ([photos], ["folder", "--root", photos]):
        status, text = run(*arguments)
        assert status == 0
        assert "photos in photos/: 6 photos" in text
        assert text.splitlines()[-1] == f"folder in {photos}: complete"


def test_faults_end_with_status_1(photos: Path) -> None:
    (photos / "photos/1.jpg").write_bytes(b"")
    status, text = run(photos)
    assert status == 1
    assert "fault: photos/1.jpg: empty file (0 bytes); fetch it again" in text
    assert text.splitlines()[-1] == f"folder in {photos}: 1 lines of faults"


def test_fs2k_is_recognized_by_its_annotations(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / f"anno_{split}.json").write_text("[]")
    status, text = run(tmp_path)
    assert status == 1
    assert "fault: split test: 0 pairs of 1046" in text
    assert text.splitlines()[-1].startswith(f"fs2k in {tmp_path}: ")


def test_a_name_finds_its_root_in_the_parameters(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    with pytest.raises(SketchFaceError, match=r"params\.yaml: missing.*--root DIR"):
        run("folder")
    Path("params.yaml").write_text("data: {name: folder, root: mine}\n")
    assert run("folder")[0] == 0
    with pytest.raises(SketchFaceError, match=r"data\.name is folder; say where fs2k lies"):
        run("fs2k")


def test_what_is_neither_name_nor_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SketchFaceError, match="no such folder; give a folder or one of"):
        locate(str(tmp_path / "nowhere"), None)
    with pytest.raises(SketchFaceError, match="no such folder"):
        locate("fs2k", tmp_path / "nowhere")
    with pytest.raises(SketchFaceError, match="no data set of that name"):
        locate("imagenet", tmp_path)


def test_celebamask_is_recognized_by_its_folders(tmp_path: Path) -> None:
    for number in range(3):
        save(tmp_path / f"images/{number}.png", other_photo(number))
        save(tmp_path / f"masks/{number}.png", np.zeros((250, 250), np.uint8))
    status, text = run(tmp_path)
    assert status == 0
    assert text.splitlines()[0].startswith("3 photos with masks, 0 of them")
    assert text.splitlines()[-1] == f"celebamask in {tmp_path}: complete"


@pytest.mark.parametrize(
    ("sign", "name"),
    [
        ("img_align_celeba/", "celeba"),
        ("img_celeba/", "celeba"),
        ("thumbnails128x128/", "ffhq"),
        ("face.npy", "quickdraw"),
        ("face.ndjson", "quickdraw"),
        ("photos/", "folder"),
    ],
)
def test_a_data_set_is_recognized_by_what_only_it_has(tmp_path: Path, sign: str, name: str) -> None:
    place = tmp_path / sign
    if sign.endswith("/"):
        place.mkdir()
    else:
        place.touch()
    assert locate(str(tmp_path), None) == (name, tmp_path)
