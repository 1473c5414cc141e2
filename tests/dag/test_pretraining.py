"""Runs that start from others: which stages a changed pretraining reruns."""

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from clone_project import Project
from safetensors.torch import load_file

FROM = "pix2pix-photo-transposed"
PART, SOURCE = "generator.down", f"{FROM}:generator.down"
TRAININGS = ("train@pix2pix-photo-0", "train@hida-0")


@pytest.fixture
def values(project: Project) -> Iterator[dict[str, Any]]:
    """Parameters by which `pix2pix-photo` starts from another run and `hida` from nothing."""
    path = project.root / "params.yaml"
    before, lock = path.read_text(), (project.root / "dvc.lock").read_text()
    values = yaml.safe_load(before) | {"run": ["pix2pix-photo", "hida"], "pretrain": [FROM]}
    values["systems"]["pix2pix-photo"]["pretrain"] = {PART: SOURCE}
    yield values
    path.write_text(before)
    (project.root / "dvc.lock").write_text(lock)
    for folder in ("pretrain", "pretrain-pack"):
        shutil.rmtree(project.root / "data" / folder)
    project.run("dvc", "checkout", "-q")


def trained(project: Project, values: dict[str, Any]) -> set[str]:
    """Train under these parameters; the stages that ran."""
    (project.root / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    output = project.run("dvc", "repro", *TRAININGS).stdout
    return set(re.findall("Running stage '(.*)'", output))


def test_a_changed_pretraining_retrains_only_what_starts_from_it(
    project: Project, values: dict[str, Any]
):
    first = trained(project, values)
    assert {f"pretrain-pack@{FROM}", f"pretrain@{FROM}-0", "train@pix2pix-photo-0"} <= first
    assert "train@hida-0" not in first

    data = project.root / "data"
    start = data / "start/pix2pix-photo/0"
    source = load_file(data / f"pretrain/{FROM}/0/weights/model.safetensors")
    weights = load_file(start / "start.safetensors")
    assert all((weights[name] == source[name]).all() for name in weights)
    assert set(weights) == {name for name in source if name.startswith(f"{PART}.")}
    parts = json.loads((start / "start.json").read_text())["parts"]
    fresh = ("generator.up", "discriminator")
    assert parts == {PART: SOURCE} | dict.fromkeys(fresh, "fresh")

    values["systems"][FROM]["loss"]["l1"] += 1
    second = trained(project, values)
    assert {f"pretrain@{FROM}-0", "start@pix2pix-photo-0", "train@pix2pix-photo-0"} <= second
    assert not {"train@hida-0", "pack@pix2pix-photo", f"pretrain-pack@{FROM}"} & second
    assert "train@hida-0" not in trained(project, values)
