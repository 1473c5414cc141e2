"""Losses that differentiate twice, in every precision that `auto` can choose."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny_systems import SYSTEMS, tiny_config
from torch import Tensor, nn

from sketchface_models.config import load
from sketchface_models.systems import registry
from sketchface_models.training.distributed import Autocast
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.trainer import Trainer
from sketchface_models.training.validation import validation_terms

PRECISIONS = ("32-true", "bf16-mixed")
PENALTIES = {"critics": "penalty", "lazyr1": "r1"}
"""System -> its term that differentiates twice."""


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cls in SYSTEMS.items():
        monkeypatch.setitem(registry.SYSTEMS, name, cls)


def make_trainer(pack: Path, name: str, precision: str) -> Trainer:
    config, opened = tiny_config(name, precision=precision), Pack(pack)
    config["model"]["schedule"]["steps"] = 60
    torch.manual_seed(0)
    system = registry.build(config["model"], opened.channels)
    trainer = Trainer(system, opened, 0, load(Engine, config["engine"]))
    trainer.system.networks.train()
    return trainer


def steps(trainer: Trainer, count: int) -> Iterator[dict[str, float]]:
    for step in range(count):
        terms = trainer.learn(step, trainer.feed.raw(step))
        yield {name: float(value) for name, value in terms.items()}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalised_critic_learns(pack: Path, name: str, precision: str):
    """The penalty is at work, and the generator comes nearer to its targets."""
    trainer = make_trainer(pack, name, precision)
    cpu = torch.device("cpu")
    before = float(validation_terms(trainer.system, trainer.pack, cpu)["val_l1"])
    lines = list(steps(trainer, 40))
    after = float(validation_terms(trainer.system, trainer.pack, cpu)["val_l1"])
    assert all(math.isfinite(value) for line in lines for value in line.values())
    assert min(line[PENALTIES[name]] for line in lines if PENALTIES[name] in line) > 0
    assert after < 0.8 * before


@pytest.mark.parametrize("name", PENALTIES)
def test_gradients_of_penalties_agree_between_precisions(pack: Path, name: str):
    gradients = []
    for precision in PRECISIONS:
        trainer, updates = make_trainer(pack, name, precision), []
        step = trainer.guard.step

        def record(optimizer, finite, step=step, updates=updates) -> None:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            grads = [p.grad.flatten() for p in parameters if p.grad is not None]
            updates.append(torch.cat(grads).clone())
            step(optimizer, finite)

        trainer.guard.step = record
        trainer.learn(0, trainer.feed.raw(0))
        gradients.append(updates[-1 if name == "lazyr1" else 0])  # the update with the penalty
    exact, mixed = gradients
    assert exact.norm() > 0.01
    assert (mixed - exact).norm() < 0.02 * exact.norm()


def test_autocast_computes_in_bf16_and_returns_float32():
    seen: list[torch.dtype] = []

    class Watched(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            seen.extend((x.dtype, super().forward(x).dtype))
            return super().forward(x)

    plugin = Autocast("cpu")
    x = {"a": [torch.zeros(2, 3)], "labels": torch.zeros(2, dtype=torch.long), "n": 3}
    converted = plugin.convert_input(x)
    assert converted["labels"].dtype == torch.long
    assert converted["n"] == 3
    with plugin.forward_context():
        y = Watched(3, 3)(converted["a"][0])
    assert seen == [torch.bfloat16, torch.bfloat16]
    assert plugin.convert_output((y,))[0].dtype == torch.float32
