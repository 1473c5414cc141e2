"""Generators that come with the package: half precision, a card, and what draws alone."""

from __future__ import annotations

import functools
import hashlib
import json
import sys
import tomllib
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from made_packs import make_config
from safetensors.torch import load_file
from torch import Tensor

from sketchface_models import ship
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import (
    GENERATOR_FOLDER,
    generator_names,
    load_generator,
    load_trained,
)
from sketchface_models.pretrained.store import half
from sketchface_models.ship import DATA_SETS, MOST_BYTES
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.run import train

ROOT = Path(__file__).parents[3]
MOST_MEGABYTES = {"hida": 30, "pix2pixhd": 14, "spade": 16, "sketch2face": 16}
"""Of each generator's weights in half precision."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, pack: Path) -> Path:
    """A run of a few steps, with the summary of its evaluation."""
    root = tmp_path_factory.mktemp("trained")
    train(make_config(model__schedule__steps=3), pack, root, root / "store")
    (root / "summary.json").write_text(json.dumps(summary()))
    return root


def summary(**changes: Any) -> dict[str, Any]:
    """What `evaluate` says of the run, as far as a card tells of it."""
    value = {"mean": 0.5, "low": 0.4, "high": 0.6}
    ranks = {rank: {"mean": mean} for rank, mean in (("rank_1", 0.25), ("rank_5", 0.75))}
    return {
        "run": "tiny",
        "seed": 0,
        "data": "fs2k",
        "output": "sketch",
        "split": "test",
        "protocol": "fs2k-250:8e3cca0b",
        "n": 1046,
        "means": {
            method: {"ssim": value, "scoot": value} | ranks for method in ("system", "input")
        },
        "not_learned": [],
    } | changes


@pytest.fixture
def shipped(trained: Path, tmp_path: Path) -> Path:
    path = ship.ship_generator(
        "tiny", trained / "weights", [trained / "summary.json"], tmp_path / "generators"
    )
    assert path == tmp_path / "generators/tiny.safetensors"
    return path.parent


def batch(pack: Path) -> dict[str, Tensor]:
    opened = Pack(pack)
    return normalise(opened.read(opened.rows("test"), ["photo"]), torch.device("cpu"))


def test_what_ships_draws_what_was_trained(trained: Path, shipped: Path, pack: Path) -> None:
    system, card = load_generator("tiny", folder=shipped)
    whole, _ = load_trained(trained / "weights")
    with torch.no_grad():
        ours, theirs = system.generate(batch(pack)), whole.generate(batch(pack))
    assert theirs.std() > 0.01
    assert (ours - theirs).abs().max() < 0.02  # half precision
    assert set(system.networks) == {"generator"}
    assert not any(p.requires_grad for p in system.networks.parameters())
    assert not any(module.training for module in system.networks.modules())
    assert card["parameters"] == sum(p.numel() for p in system.networks.parameters())
    for key, tensor in system.networks.state_dict().items():
        expected = whole.networks.state_dict()[key]
        assert tensor.dtype == expected.dtype
        assert torch.equal(tensor, half(expected).to(tensor.dtype)), key


def test_files_hold_the_generator_alone_in_half_precision(shipped: Path) -> None:
    stored = load_file(shipped / "tiny.safetensors")
    assert all(key.startswith("generator.") for key in stored)
    for tensor in stored.values():
        matrix = sum(side > 1 for side in tensor.shape) > 1
        if tensor.is_floating_point():
            assert tensor.dtype == (torch.float16 if matrix else torch.float32)
    data = (shipped / "tiny.safetensors").read_bytes()
    card = json.loads((shipped / "tiny.json").read_text())
    assert (card["sha256"], card["bytes"]) == (hashlib.sha256(data).hexdigest(), len(data))


def test_a_card_tells_of_real_photos_and_of_rows_that_see_the_target(
    trained: Path, tmp_path: Path
) -> None:
    value, scores = {"mean": 0.5, "low": 0.4, "high": 0.6}, summary()
    parsed = {"resegmentation_mean_iou": value, "resegmentation_iou_skin": value}
    scores["means"]["system"] |= parsed
    scores["means"] |= {"own_style": scores["means"]["input"], "real": parsed}
    (tmp_path / "summary.json").write_text(json.dumps(scores))
    ship.ship_generator("tiny", trained / "weights", [tmp_path / "summary.json"], tmp_path)
    lines = (tmp_path / "tiny.md").read_text().splitlines()
    cells = {line.split(" | ")[0]: line.strip("| ").split(" | ")[1:] for line in lines}
    columns = cells["| row"]
    assert columns == ["ssim", "scoot", "resegmentation_mean_iou", "rank 1", "rank 5"]
    assert cells["| real photos"] == ["-", "-", "0.5000 (0.4000 to 0.6000)", "-", "-"]
    assert cells["| own style (sees the target)"][2:] == ["-", "0.250", "0.750"]
    card = json.loads((tmp_path / "tiny.json").read_text())
    assert "resegmentation_iou_skin" in card["scores"]["rows"]["system"]


def test_vectors_of_any_shape_stay_exact() -> None:
    assert half(torch.zeros(1, 5, 1, 1)).dtype == torch.float32  # InfoACON's slopes
    assert half(torch.zeros(5)).dtype == torch.float32
    assert half(torch.zeros(2, 5, 1, 1)).dtype == torch.float16
    assert half(torch.zeros(2, 5, dtype=torch.long)).dtype == torch.long


def test_cards_say_what_they_are(trained: Path, shipped: Path) -> None:
    card = json.loads((shipped / "tiny.json").read_text())
    about = json.loads((trained / "weights/model.json").read_text())
    assert card["model"] == about["model"]
    assert card["faces"] == about["faces"]
    assert card["terms"] == DATA_SETS["fs2k"][1]
    assert card["training"] == {"run": "tiny", "seed": 0, "steps": 3, "images": 12}
    assert card["scores"]["rows"]["system"]["ssim"]["mean"] == 0.5
    text = (shipped / "tiny.md").read_text()
    for words in ("# Generator `tiny`", "research only", "| system | 0.5000 (0.4000 to 0.6000)",
                  "`fs2k-250:8e3cca0b`, 1,046 faces", "| 0.250 | 0.750 |"):  # fmt: skip
        assert words in text
    assert str(trained) not in text + json.dumps(card)


def refusal(name: str, folder: Path) -> str:
    with pytest.raises(SketchFaceError) as caught:
        load_generator(name, folder=folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_and_foreign_files_are_refused_in_one_line(shipped: Path, tmp_path: Path) -> None:
    nowhere = refusal("hida", tmp_path / "nowhere")
    assert "hida.safetensors: no generator of this name comes with the package" in nowhere
    assert "model=hida" in nowhere
    assert "(there: tiny)" in refusal("hida", shipped)
    path, about = shipped / "tiny.safetensors", shipped / "tiny.json"
    whole, card = path.read_bytes(), json.loads(about.read_text())
    path.write_bytes(whole[:1000])
    assert "not the file that tiny.json describes" in refusal("tiny", shipped)
    path.write_bytes(whole)
    wider = json.loads(about.read_text())
    wider["model"]["network"]["width"] += 1
    about.write_text(json.dumps(wider))
    assert "do not fit the network" in refusal("tiny", shipped)
    about.write_text(json.dumps({k: v for k, v in card.items() if k != "model"}))
    assert "does not say how to build the network" in refusal("tiny", shipped)
    about.write_text("{")
    assert "tiny.json: damaged" in refusal("tiny", shipped)
    about.unlink()
    assert "tiny.json: No such file" in refusal("tiny", shipped)


def test_what_cannot_ship_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(scores: dict[str, Any] | str) -> str:
        path = tmp_path / "summary.json"
        path.write_text(scores if isinstance(scores, str) else json.dumps(scores))
        with pytest.raises(SketchFaceError) as caught:
            ship.ship_generator("tiny", trained / "weights", [path], tmp_path / "out")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out").exists()
        return str(caught.value)

    assert "scores of seed 1, weights of seed 0" in refused(summary(seed=1))
    assert "summary.json: not the scores" in refused("{}")
    assert "summary.json: not the scores" in refused("nothing")
    assert MOST_BYTES == 30_000_000
    monkeypatch.setattr(ship, "MOST_BYTES", 10_000)
    assert "MB in half precision; a package carries at most" in refused(summary())


def test_the_command_ends_in_one_line(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["tiny", str(tmp_path / "none"), str(trained / "summary.json")]
    monkeypatch.setattr(sys, "argv", ["ship", "generator", *arguments])
    with pytest.raises(SystemExit, match=r"^error: .*none/model\.safetensors: not one of our"):
        ship.main()


def test_a_note_on_the_training_stands_in_both_cards(trained: Path, tmp_path: Path) -> None:
    note = "The last steps ran on warmer evenings."
    ship.ship_generator(
        "noted", trained / "weights", [trained / "summary.json"], tmp_path, note=note
    )
    assert json.loads((tmp_path / "noted.json").read_text())["training"]["note"] == note
    assert f" images. {note}\n" in (tmp_path / "noted.md").read_text()


def test_each_output_of_a_run_has_its_scores_on_the_card(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    other = tmp_path / "photo.json"
    inside = functools.partial(ship.ship_generator, folder=tmp_path)
    monkeypatch.setattr(ship, "ship_generator", inside)
    scores = [str(trained / "summary.json"), str(other)]
    command = ["ship", "generator", "both", str(trained / "weights"), *scores]
    monkeypatch.setattr(sys, "argv", [*command, "--learned-from", "synthetic", "quickdraw"])
    other.write_text(json.dumps(summary(output="photo", seed=1)))
    with pytest.raises(SystemExit, match=r"^error: scores of seed 1, weights of seed 0"):
        ship.main()
    other.write_text(json.dumps(summary(output="photo", n=3)))
    ship.main()
    assert capsys.readouterr().out == f"{tmp_path / 'both.safetensors'}\n"
    card = json.loads((tmp_path / "both.json").read_text())
    assert [each["output"] for each in (card["scores"], *card["other_scores"])] == [
        "sketch", "photo",
    ]  # fmt: skip
    text = (tmp_path / "both.md").read_text()
    assert "**Scores of the sketch.** Protocol `fs2k-250:8e3cca0b`, 1,046 faces of test" in text
    assert "**Scores of the photo.** Protocol `fs2k-250:8e3cca0b`, 3 faces of test" in text
    assert "CC BY 4.0" in card["terms"]


def test_the_package_carries_its_generators() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["sketchface_models"]
    assert set(generator_names()) >= {"hida", "pix2pixhd"}
    for name, ending in product(generator_names(), ("safetensors", "json", "md")):
        path = GENERATOR_FOLDER / f"{name}.{ending}"
        inside = path.relative_to(ROOT / "sketchface_models").as_posix()
        assert any(fnmatch(inside, pattern) for pattern in patterns)


@pytest.mark.parametrize("name", generator_names())
def test_the_packages_own_generators_load_and_say_where_they_come_from(name: str) -> None:
    system, card = load_generator(name)
    assert (GENERATOR_FOLDER / f"{name}.safetensors").stat().st_size <= MOST_MEGABYTES[name] * 1e6
    assert card["parameters"] == sum(p.numel() for p in system.networks.parameters())
    assert {"data", "terms", "scores", "sha256", "training"} <= card.keys()
    assert card["faces"]["framing"]
    assert (GENERATOR_FOLDER / f"{name}.md").read_text().startswith(f"# Generator `{name}`")
