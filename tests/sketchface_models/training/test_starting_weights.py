"""Runs that start from others: parts of their networks, all listed, none silently missing."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tiny_systems import SYSTEMS, tiny_config

from sketchface_models.checkpoint import save_tensors
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems import registry
from sketchface_models.systems.base import System
from sketchface_models.training.run import train
from sketchface_models.training.starting_weights import load_start, write_start

CHANNELS = {"photo": 3, "sketch": 1}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cls in SYSTEMS.items():
        monkeypatch.setitem(registry.SYSTEMS, name, cls)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory, pack: Path) -> Path:
    """`data/pretrain`: the run `tiny`, seed 0, a few steps long."""
    folder = tmp_path_factory.mktemp("pretrain")
    config = tiny_config("tiny")
    config["model"]["schedule"]["steps"] = 4
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.SYSTEMS, "tiny", SYSTEMS["tiny"])
        train(config, pack, folder / "tiny" / "0", folder / "store")
    return folder


def built(pretrain: dict[str, str], system: str = "phases") -> System:
    torch.manual_seed(5)
    return registry.build(tiny_config(system)["model"] | {"pretrain": pretrain}, CHANNELS)


PARTS = {"encoder": "tiny:generator.0", "decoder.1": "tiny:generator.1.1"}


def test_parts_come_from_the_named_parts_and_all_else_starts_fresh(tmp_path: Path, sources: Path):
    write_start(built(PARTS), sources, 0, tmp_path / "start")
    system, fresh = built(PARTS), built({})
    load_start(system, tmp_path / "start")
    trained = load_file(sources / "tiny/0/weights/model.safetensors")
    state, before = system.networks.state_dict(), fresh.networks.state_dict()
    for name, tensor in state.items():
        network, _, rest = name.partition(".")
        source = {"encoder": f"generator.0.{rest}", "decoder": f"generator.1.{rest}"}.get(network)
        expected = trained[source] if source else before[name]
        assert torch.equal(tensor, expected), name
    listed = json.loads((tmp_path / "start/start.json").read_text())
    assert listed["parts"] == PARTS | {"critic": "fresh"}  # decoder.0 and .2 hold no weights
    assert set(listed["tensors"]) == {
        name for name in state if name.startswith(("encoder.", "decoder.1."))
    }


@pytest.mark.parametrize(
    ("pretrain", "fresh"),
    [
        (PARTS, ["critic"]),
        ({"encoder.0": "tiny:generator.0.0"}, ["encoder.1", "encoder.3", "decoder", "critic"]),
        (
            {"encoder.3.bias": "tiny:generator.0.3.bias"},
            ["encoder.0", "encoder.1", "encoder.3.weight", "decoder", "critic"],
        ),
        ({"critic": "tiny:critic"}, ["encoder", "decoder"]),
    ],
)
def test_listed_parts_hold_every_weight_once(
    tmp_path: Path, sources: Path, pretrain: dict[str, str], fresh: list[str]
):
    system = built(pretrain)
    write_start(system, sources, 0, tmp_path / "start")
    parts = json.loads((tmp_path / "start/start.json").read_text())["parts"]
    assert parts == pretrain | dict.fromkeys(fresh, "fresh")
    for name in system.networks.state_dict():
        assert sum(f"{name}.".startswith(f"{part}.") for part in parts) == 1, name


def test_a_run_that_starts_from_nothing_needs_no_weights(tmp_path: Path):
    (tmp_path / "start.json").write_text("{}")
    system = built({})
    before = {name: t.clone() for name, t in system.networks.state_dict().items()}
    load_start(system, tmp_path)
    assert all(torch.equal(t, before[name]) for name, t in system.networks.state_dict().items())


@pytest.mark.parametrize(
    ("pretrain", "words"),
    [
        ({"encoder": "tiny"}, r"^pretrain\.encoder: 'tiny'; allowed: RUN:PART"),
        ({"encoder": "other:generator.0"}, r"other/0/weights/model\.safetensors"),
        ({"encoder": "tiny:generator.7"}, r"tiny:generator\.7 holds no weights"),
        ({"coder": "tiny:generator.0"}, r"^pretrain\.coder: coder holds no weights"),
        ({"encoder": "tiny:generator"}, r"only in"),
        ({"decoder": "tiny:critic"}, r"only in|is \("),
        ({"critic.0": "tiny:generator.1.1"}, r"critic\.0\.weight is \(4, 1, 4, 4\), in tiny"),
        ({"encoder": "tiny:generator.0", "encoder.0": "tiny:generator.0.0"}, r"list it once"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    tmp_path: Path, sources: Path, pretrain: dict[str, str], words: str
):
    with pytest.raises(SketchFaceError, match=words) as caught:
        write_start(built(pretrain), sources, 0, tmp_path / "start")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "start").exists()


def config_of(pretrain: dict[str, str]) -> dict[str, Any]:
    config = tiny_config("phases")
    config["model"] |= {"pretrain": pretrain}
    config["model"]["schedule"]["steps"] = 2
    return config


def test_training_goes_on_from_its_start_and_needs_it(tmp_path: Path, sources: Path, pack: Path):
    starts = []
    for name, pretrain in (("from", PARTS), ("fresh", {"critic": "tiny:critic"})):
        write_start(built(pretrain), sources, 0, tmp_path / name)
        out = tmp_path / f"out-{name}"
        train(config_of(pretrain), pack, out, tmp_path / "store", start=tmp_path / name)
        lines = (out / "logs/steps.jsonl").read_text().splitlines()
        starts.append(json.loads(lines[0])["l1"])
    assert starts[0] != starts[1]
    with pytest.raises(SketchFaceError, match=r"^pretrain: the run starts from others"):
        train(config_of(PARTS), pack, tmp_path / "none", tmp_path / "store")
    with pytest.raises(SketchFaceError, match=r"made for other parts; rerun the start stage"):
        train(config_of(PARTS), pack, tmp_path / "no", tmp_path / "store", start=tmp_path / "fresh")


def test_another_start_is_another_run(tmp_path: Path, sources: Path, pack: Path):
    """A checkpoint of a run belongs to its start: another one never goes on from it."""
    write_start(built(PARTS), sources, 0, tmp_path / "start")

    class Interrupted(Exception):
        pass

    def interrupt(lines: object) -> None:
        raise Interrupted

    config = config_of(PARTS)
    config["engine"]["checkpoint_every"] = 1
    for scale in (1.0, 2.0):
        tensors = {
            name: t * scale if t.is_floating_point() else t
            for name, t in load_file(tmp_path / "start/start.safetensors").items()
        }
        save_tensors(tmp_path / "start/start.safetensors", tensors, {"pretrain": PARTS})
        with pytest.raises(Interrupted):
            train(
                config, pack, tmp_path / "out", tmp_path / "store", (interrupt,),
                start=tmp_path / "start",
            )  # fmt: skip
    assert len(list((tmp_path / "store").iterdir())) == 2
