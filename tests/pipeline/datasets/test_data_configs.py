"""Every data set has its settings in `conf/data`, and the two fit."""

from __future__ import annotations

from pathlib import Path

import pytest

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
    assert checked(tmp_path, *halves, "model=sketch2face") == ["doodle", "photo", "sketch"]
    with pytest.raises(SketchFaceError, match="data/photo=folder: only data=unpaired has halves"):
        compose(["data/photo=folder"], tmp_path / "params.yaml")


def checked(folder: Path, *overrides: str) -> list[str]:
    compose(list(overrides), folder / "params.yaml")
    return check_parameters(Parameters.from_file(folder / "params.yaml"))


def test_pairs_are_not_to_be_had_from_two_sets(tmp_path: Path) -> None:
    assert checked(tmp_path, "data=unpaired", "model=pix2pix") == ["doodle", "photo", "sketch"]
    with pytest.raises(SketchFaceError, match="pix2pix-photo needs sketch of the same face") as no:
        checked(tmp_path, "data=unpaired", "model=pix2pix-photo")
    assert str(no.value).split("it can feed: ")[1].startswith("pix2pix, pix2pix-plain")
    with pytest.raises(SketchFaceError, match="cannot feed every run: pix2pix needs lines, "):
        checked(tmp_path, "data=celeba", "model=pix2pix")


@pytest.mark.parametrize("data", ["quickdraw", "doodles", "drawings", "unpaired"])
def test_a_drawing_is_no_pair_of_itself(tmp_path: Path, data: str) -> None:
    """A run would read its own target, under another name."""
    task = "systems.pix2pix-plain.task.inputs=[doodle]"
    with pytest.raises(SketchFaceError, match=r"pix2pix-plain needs (doodle|sketch) of the same"):
        checked(tmp_path, f"data={data}", "model=pix2pix-plain", task)
    alone = "systems.pix2pix-plain.task.inputs=[lines]"
    assert "sketch" in checked(tmp_path, f"data={data}", "model=pix2pix-plain", alone)


def test_what_is_wrong_in_a_half_is_found_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(SketchFaceError, match=r"^data\.drawings\.pen: -1\.0; allowed"):
        checked(tmp_path, "data=unpaired", "data.drawings.pen=-1.0", "model=pix2pix")
