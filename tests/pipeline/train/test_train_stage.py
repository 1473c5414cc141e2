"""The train stage, from parameters to outputs."""

import json
from pathlib import Path

import pytest
import yaml
from made_packs import write_pack

import sketchface_models
from pipeline.common.parameters import Parameters
from pipeline.train.__main__ import main

ROOT = Path(sketchface_models.__file__).resolve().parents[1]


def plotted(folder: Path, name: str) -> list[int]:
    """Steps at which DVCLive was told of a term."""
    lines = (folder / "plots" / "metrics" / f"{name}.tsv").read_text().splitlines()
    column = lines[0].split("\t").index("step")
    return [int(line.split("\t")[column]) for line in lines[1:]]


def test_the_stage_trains_and_writes_beside_the_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    values = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params = Parameters(values)
    model = values["systems"]["pix2pix-photo"]
    model["task"]["size"], model["network"]["width"] = 64, 2
    model["schedule"] |= {"steps": 3, "batch": 2}
    values["engine"] |= {"precision": "32-true", "validate_every": 2}
    write_pack(tmp_path / "data" / "pack" / "pix2pix-photo", 4, 2, 0)
    main(params, "pix2pix-photo", 7)
    out = Path("data/train/pix2pix-photo/7")
    assert {path.name for path in out.iterdir()} == {"weights", "logs"}
    assert json.loads((out / "weights" / "model.json").read_text())["seed"] == 7
    live = Path(".cache/live/pix2pix-photo/7")
    assert plotted(live, "val_ssim") == [1, 2]
    assert plotted(live, "images_per_second")[-1] == 2
    assert (live / "plots/images/validation.png").stat().st_size > 0
    assert {path.name for path in tmp_path.iterdir()} == {"data", ".cache"}
