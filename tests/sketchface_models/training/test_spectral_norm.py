"""Spectral norm on the engine: its vectors survive steps, EMA, checkpoints and resume."""

import json
import signal
from pathlib import Path

import pytest
import torch
from test_processes import Program
from tiny_systems import SYSTEMS, Spectral, tiny_config

from sketchface_models.config import load
from sketchface_models.systems import registry
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.trainer import Trainer


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cls in SYSTEMS.items():
        monkeypatch.setitem(registry.SYSTEMS, name, cls)


def make_trainer(pack: Path, precision: str) -> Trainer:
    config, opened = tiny_config("spectral", precision=precision), Pack(pack)
    torch.manual_seed(0)
    system = registry.build(config["model"], opened.channels)
    return Trainer(system, opened, 0, load(Engine, config["engine"]))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_largest_singular_value_stays_one(unpaired_pack: Path, precision: str):
    trainer = make_trainer(unpaired_pack, precision)
    trainer.system.networks.train()
    for step in range(10):
        trainer.learn(step, trainer.feed.raw(step))
    critic = trainer.system.networks["critic"].module
    for layer in (critic[0], critic[2]):
        vector = layer.parametrizations.weight[0]._u
        assert vector.dtype == torch.float32
        assert vector.norm() == pytest.approx(1, rel=1e-2)
        weight = layer.eval().weight.detach().flatten(1)
        assert torch.linalg.matrix_norm(weight, 2) == pytest.approx(1, rel=0.05)


def test_a_checkpoint_restores_the_vectors_to_the_last_bit(
    tmp_path: Path, unpaired_pack: Path, monkeypatch: pytest.MonkeyPatch
):
    """In the network and in its EMA."""
    monkeypatch.setattr(Spectral, "ema", ("generator", "critic"))
    first, second = (make_trainer(unpaired_pack, "auto") for _ in range(2))
    for trainer in (first, second):
        trainer.system.networks.train()
    for step in range(4):
        first.learn(step, first.feed.raw(step))
        first.step = step + 1
    tensors, note = first.state_dict()
    vectors = [name for name in tensors if name.endswith(("_u", "_v"))]
    assert len([name for name in vectors if name.startswith("network.critic/")]) == 4
    assert len([name for name in vectors if name.startswith("ema.critic/")]) == 4
    copies = {name: tensor.clone() for name, tensor in tensors.items()}
    second.load_state_dict(copies, json.loads(json.dumps(note)), tmp_path)
    for trainer in (first, second):
        trainer.learn(4, trainer.feed.raw(4))
    ahead, behind = first.state_dict()[0], second.state_dict()[0]
    assert all(torch.equal(behind[name], tensor) for name, tensor in ahead.items())
    assert any(not torch.equal(copies[name], ahead[name]) for name in vectors)


def test_a_killed_run_of_everything_at_once_ends_with_the_same_bytes(
    tmp_path: Path, unpaired_pack: Path
):
    """A pool, spectral norm, two optimizers at five to one, two domains, random codes."""
    config = tiny_config("unpaired", checkpoint_every=5)
    straight = Program(tmp_path / "straight", unpaired_pack, config).finished()
    broken = Program(tmp_path / "broken", unpaired_pack, config)
    assert broken.run("kill", "9").returncode == -signal.SIGKILL
    assert not broken.out.exists()
    broken.finished()
    assert broken.notes()["resumed_at"] == 5
    assert broken.bytes() == straight.bytes()
    assert broken.lines() == straight.lines()
    assert {"critic", "generator"} <= straight.lines()[4].keys()
    assert "generator" not in straight.lines()[3]
