"""Every data set has its settings in `conf/data`, and the two fit."""

from __future__ import annotations

import copy
import functools
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.check.check import check_parameters
from pipeline.common.parameters import Parameters
from pipeline.compose import compose
from pipeline.datasets import ADAPTERS
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from tools.config_reference import merged

CONF = Path(__file__).resolve().parents[3] / "conf" / "data"


def test_every_adapter_has_its_file_and_every_file_its_adapter() -> None:
    assert {path.stem for path in CONF.glob("*.yaml")} == set(ADAPTERS)


@pytest.mark.parametrize("name", ADAPTERS)
def test_the_file_holds_every_key_and_offers_something(name: str) -> None:
    values = merged(CONF / f"{name}.yaml")
    values["root"] = values.get("photo", values)["root"]
    module = ADAPTERS[name]
    settings = load(module.Settings, values, "data")
    assert settings.name == name
    assert set(values) == set(module.Settings.__dataclass_fields__)  # no default stays hidden
    assert module.fields(settings) & {"photo", "sketch"}


@pytest.mark.parametrize("photo", [path.stem for path in CONF.glob("photo/*.yaml")])
@pytest.mark.parametrize("drawings", [path.stem for path in CONF.glob("drawings/*.yaml")])
def test_any_photos_go_with_any_drawings(photo: str, drawings: str) -> None:
    values = merged(CONF / "unpaired.yaml")
    values["photo"] = merged(CONF / f"photo/{photo}.yaml")
    values["drawings"] = merged(CONF / f"drawings/{drawings}.yaml")
    values["root"] = values["photo"]["root"]
    unpaired = ADAPTERS["unpaired"]
    settings = load(unpaired.Settings, values, "data")
    assert unpaired.field_sets(settings)[0] >= {"photo"}
    assert {"doodle"} in unpaired.field_sets(settings)


def test_halves_are_chosen_one_by_one(tmp_path: Path) -> None:
    halves = ("data=unpaired", "data/photo=folder", "data.photo.root=own", "data/drawings=doodles")
    values = composed(*halves, "model=sketch2face")
    assert check_parameters(Parameters(values)) == ["doodle", "photo", "sketch"]
    with pytest.raises(SketchFaceError, match="data/photo=folder: only data=unpaired has halves"):
        compose(["data/photo=folder"], tmp_path / "params.yaml")


@functools.cache
def composed(*overrides: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "params.yaml")
        compose(list(overrides), path)
        return yaml.safe_load(path.read_text())


def checked(data: str, run: str, *inputs: str) -> list[str]:
    """Check one run on a data set, with inputs in place of its own where there are any."""
    values = copy.deepcopy(composed(f"data={data}")) | {"run": [run], "pretrain": []}
    if inputs:
        values["systems"][run]["task"]["inputs"] = list(inputs)
    return check_parameters(Parameters(values))


def test_pairs_are_not_to_be_had_from_two_sets() -> None:
    assert checked("unpaired", "pix2pix") == ["doodle", "photo", "sketch"]
    with pytest.raises(SketchFaceError, match="pix2pix-photo needs sketch of the same face") as no:
        checked("unpaired", "pix2pix-photo")
    assert str(no.value).split("it can feed: ")[1].startswith("pix2pix, pix2pix-plain")
    with pytest.raises(SketchFaceError, match="cannot feed every run: pix2pix needs lines, "):
        checked("celeba", "pix2pix")


@pytest.mark.parametrize("data", ["quickdraw", "doodles", "drawings", "unpaired"])
def test_a_drawing_is_no_pair_of_itself(data: str) -> None:
    """A run would read its own target, under another name."""
    with pytest.raises(SketchFaceError, match=r"pix2pix-plain needs (doodle|sketch) of the same"):
        checked(data, "pix2pix-plain", "doodle")
    assert "sketch" in checked(data, "pix2pix-plain", "lines")


def test_what_is_wrong_in_a_half_is_found_before_any_work() -> None:
    values = copy.deepcopy(composed("data=unpaired"))
    values["data"]["drawings"]["pen"] = -1.0
    with pytest.raises(SketchFaceError, match=r"^data\.drawings\.pen: -1\.0; allowed"):
        check_parameters(Parameters(values))
