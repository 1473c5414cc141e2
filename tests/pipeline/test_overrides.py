"""Misspelt keys and choices are answered in one line; single values are lists; odd folders pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.common.code_hash import ROOT
from pipeline.compose import compose
from sketchface_models.errors import SketchFaceError

AS_DVC = """
import sys
from dvc.exceptions import DvcException
from dvc.utils.hydra import compose_and_dump
try:
    root, *overrides = sys.argv[1:]
    compose_and_dump("params.yaml", root + "/conf", None, "config", root, overrides)
except DvcException as error:
    print(error)
"""
"""What DVC does when `dvc exp run` composes, with its own folder of plugins: the repository."""


def composed(folder: Path, *overrides: str) -> dict[str, Any]:
    compose(list(overrides), folder / "params.yaml")
    return yaml.safe_load((folder / "params.yaml").read_text())


def as_dvc(folder: Path, *overrides: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", AS_DVC, str(ROOT), *overrides],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("override", "answer"),
    [
        ("scael=smoke", "no parameter 'scael'; nearest: scale"),
        ("scale=smok", "no scale of this name; nearest: smoke"),
        ("model=hidaa", "no model of this name; nearest: hida"),
        ("data=FS2K", "no data of this name; one of apdrawing, celeba, "),
        ("data.sizes=64", "data has no 'sizes'; nearest: size"),
        ("systems.hda.loss.l1=2", "systems has no 'hda'; nearest: hida"),
        ("data.size.x=64", "data.size is a value and has no 'x'"),
        ("best=none", "no such parameter; there is engine.best"),
        ("data.root=~/faces", "Hydra cannot read this value; quote it twice, "),
        ("data.root=/a (1)/b", "Hydra cannot read this value; quote it twice, "),
        ("seeds=[0", "Hydra cannot read this value; quote it twice, "),
    ],
)
def test_what_is_misspelt_is_answered_in_one_line(
    tmp_path: Path, override: str, answer: str
) -> None:
    with pytest.raises(SketchFaceError) as error:
        composed(tmp_path, "engine.device=cpu", override)
    assert str(error.value).startswith(f"{override}: {answer}")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "params.yaml").exists()


def test_one_value_is_a_list_of_it(tmp_path: Path) -> None:
    values = composed(tmp_path, "seeds=3", "run=hida")
    assert (values["seeds"], values["run"]) == ([3], ["hida"])
    values = composed(tmp_path, "seeds=[3,4]", "run=[hida,pix2pix]", "pretrain=hida-base")
    assert (values["seeds"], values["run"]) == ([3, 4], ["hida", "pix2pix"])
    assert values["pretrain"] == ["hida-base"]


@pytest.mark.parametrize("root", ["/data/été (1) [b] 50%", "/a, b = {c}: 'd'", '"q" #x'])
def test_any_folder_passes_through_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str
) -> None:
    monkeypatch.setenv("SKETCHFACE_DATA", root)
    assert composed(tmp_path, "data=folder")["data"]["root"] == root


def test_both_folders_of_an_unpaired_set_and_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SKETCHFACE_DATA", "~/Fotos")
    monkeypatch.setenv("SKETCHFACE_DRAWINGS", "~/doodles")
    values = composed(tmp_path, "data=unpaired")
    assert values["data"]["root"] == values["data"]["photo"]["root"] == f"{tmp_path}/Fotos"
    assert values["data"]["drawings"]["root"] == values["second_root"] == f"{tmp_path}/doodles"


def test_quoted_twice_a_folder_passes_too(tmp_path: Path) -> None:
    values = composed(tmp_path, "data=fs2k", "data.root='/data/été (1) [b]'")
    assert values["data"]["root"] == "/data/été (1) [b]"


def test_dvc_answers_alike(tmp_path: Path) -> None:
    assert as_dvc(tmp_path, "scael=smoke") == "scael=smoke: no parameter 'scael'; nearest: scale"
    assert not (tmp_path / "params.yaml").exists()
    assert as_dvc(tmp_path, "seeds=3") == ""
    assert yaml.safe_load((tmp_path / "params.yaml").read_text())["seeds"] == [3]


def test_dvc_is_told_of_data_that_it_cannot_hash(tmp_path: Path) -> None:
    line = as_dvc(tmp_path, "data=fs2k", "data.root=/nope")
    assert line == "data.root: '/nope' is no folder; set it to where fs2k lies"
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    line = as_dvc(tmp_path, "data=folder", f"data.root={tmp_path}")
    assert line.startswith(f"data.root: {tmp_path}/gone.jpg: a link to 'nowhere', ")
