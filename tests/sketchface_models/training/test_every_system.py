"""What every system has to keep to on the engine: layouts of gradients, compiled networks.

Fused Adam on a CPU reads a gradient in its parameter's layout, whatever its own is. Where they
differ it silently learns something else, so no system may let them differ.
"""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from sketchface_models.config import load
from sketchface_models.systems.registry import build, system_class
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.trainer import Trainer

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))
RUNS = [
    run
    for run, settings in sorted(PARAMS["systems"].items())
    if system_class(settings["system"]).trained
]
CHANNELS = {"photo": 3, "style": 3}
SIZE = 64


def noise_pack(folder: Path, task: Task) -> Pack:
    folder.mkdir()
    generator, names = np.random.default_rng(0), (*task.inputs, task.target)
    for name in (each for each in names if each != "style"):
        levels = 19 if name == "parsing" else 256
        side = task.sizes.get(name, task.size)
        shape = (6, CHANNELS.get(name, 1), side, side)
        np.save(folder / f"{name}.npy", generator.integers(0, levels, shape, np.uint8))
    about = {
        "size": task.size,
        "sizes": dict(task.sizes),
        "fields": {name: CHANNELS.get(name, 1) for name in names},
        "inputs": list(task.inputs),
        "target": task.target,
        "ids": [str(row) for row in range(6)],
        "splits": ["train"] * 6,
        "styles": [1 + row % 3 for row in range(6)],
    }
    (folder / "pack.json").write_text(json.dumps(about))
    return Pack(folder)


def mismatches(optimizer: Optimizer) -> list[str]:
    """Shapes of the parameters whose gradients lie in another order."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return [str(tuple(p.shape)) for p in parameters if p.grad is not None and not alike(p, p.grad)]


def alike(one: Tensor, two: Tensor) -> bool:
    """Whether two tensors lie in memory in the same order; sides of one pixel have no order."""
    sides = [axis for axis, side in enumerate(one.shape) if side > 1]
    return [one.stride(axis) for axis in sides] == [two.stride(axis) for axis in sides]


def small_trainer(folder: Path, run: str, compiled: bool = False) -> Trainer:
    model = copy.deepcopy(PARAMS["systems"][run])
    model["task"] |= {"size": SIZE}
    model["schedule"] |= {"batch": 2}
    if "coarse" in model:  # of half this side there are no three scales
        model["coarse"] |= {"until": 0.0}
    if isinstance(model.get("network"), dict) and "width" in model["network"]:
        model["network"] |= {"width": 8}
        if model["network"].get("batch_statistics"):  # of one picture of this size there are none
            model["network"] |= {"batch_statistics": False}
    pack = noise_pack(folder, load(Task, model["task"]))
    torch.manual_seed(0)
    engine = Engine("cpu", "auto", 1, 1, compile=compiled)
    trainer = Trainer(build(model, pack.channels), pack, 0, engine)
    trainer.system.networks.train()
    return trainer


@pytest.mark.parametrize("run", RUNS)
def test_gradients_lie_in_the_layout_of_their_parameters(tmp_path: Path, run: str):
    trainer = small_trainer(tmp_path / "pack", run)
    wrong: list[str] = []
    updates = 0

    def watch(optimizer: Optimizer, *_: object) -> None:
        nonlocal updates
        updates += 1
        wrong.extend(mismatches(optimizer))

    for optimizer in trainer.optimizers.values():
        optimizer.register_step_pre_hook(watch)
    trainer.learn(0, trainer.feed.raw(0))
    assert updates
    assert wrong == []


@pytest.mark.slow
def test_compiled_networks_begin_with_the_same_losses(tmp_path: Path):
    """HIDA has the most kinds of layers; test_samples.py compiles pix2pix."""
    losses = []
    for compiled in (False, True):
        trainer = small_trainer(tmp_path / str(compiled), "hida", compiled)
        for module in trainer.system.networks.modules():
            if isinstance(module, nn.Dropout | nn.Dropout2d):
                module.p = 0.0  # compiled code draws other random numbers
        terms = trainer.learn(0, trainer.feed.raw(0))
        losses.append({n: float(t) for n, t in terms.items() if not n.startswith("grad_")})
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_the_watch_sees_a_gradient_in_another_layout():
    layer = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    layer(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer = Adam(layer.parameters(), fused=True)
    layer.weight.grad = layer.weight.grad.to(memory_format=torch.channels_last)
    assert mismatches(optimizer) == []
    layer.weight.grad = layer.weight.grad.contiguous()
    assert mismatches(optimizer) == ["(4, 3, 3, 3)"]
