"""What training is said to cost, against counting by hand."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from made_packs import make_config
from torch import Tensor, nn
from torch.optim import SGD

from sketchface_models.systems.base import Batch, Clock, System
from sketchface_models.systems.registry import build
from sketchface_models.systems.run_settings import Schedule
from sketchface_models.training.cost import matmul_rate, measure
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.engine_settings import precision as chosen
from sketchface_models.training.pack_reader import Pack, normalise

CPU = torch.device("cpu")


def forward_flops(network: nn.Module, x: Tensor) -> list[int]:
    """Operations of each convolution of one forward pass, from its shapes."""
    counted = []

    def count(layer: nn.Module, arriving: tuple[Tensor], leaving: Tensor) -> None:
        weights = layer.weight.numel()
        # Each weight is used once for every pixel on the side that the kernel is laid on.
        transposed = isinstance(layer, nn.ConvTranspose2d)
        pixels = (arriving[0] if transposed else leaving)[:, 0].numel()
        counted.append(2 * weights * pixels)

    kinds = nn.Conv2d | nn.ConvTranspose2d
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    with torch.no_grad():
        network(x)
    for hook in hooks:
        hook.remove()
    return counted


@pytest.mark.parametrize("batch", [2, 4])
def test_a_step_of_pix2pix_counted_by_hand(pack: Path, batch: int):
    opened = Pack(pack)
    system = build(make_config()["model"], opened.channels)
    raw = opened.read(opened.rows("train")[:batch])
    photo = normalise(raw, CPU)["photo"]
    generator = forward_flops(system.networks["generator"], photo)
    discriminator = forward_flops(system.networks["discriminator"], torch.cat([photo, photo], 1))
    assert (len(generator), len(discriminator)) == (12, 4)
    g, d = sum(generator), sum(discriminator)
    # A backward pass costs as much again for the weights and for what arrives, the latter not for
    # a first layer that sees data. The discriminator learns from two batches, in every second
    # epoch; at each step it scores once more and hands gradients on without learning.
    expected = (3 * d - discriminator[0]) + (3 * g - generator[0]) + 2 * d
    counted = measure(system, raw)
    assert counted["flops_per_sample"] == expected / batch
    assert counted["parameters"] == {
        "generator": sum(p.numel() for p in system.networks["generator"].parameters()),
        "discriminator": sum(p.numel() for p in system.networks["discriminator"].parameters()),
    }


def test_measuring_changes_nothing(pack: Path):
    opened = Pack(pack)
    system = build(make_config()["model"], opened.channels)
    system.networks.eval()
    running = {"generator": [4.0, 3], "discriminator": [1.5, 3]}
    system.load_state_dict(system.state_dict() | {"running": running})
    optimizers = system.optimizers()
    raw = opened.read(opened.rows("train")[:4])

    def all_there_is() -> list[Tensor]:
        weights = [value.clone() for value in system.networks.state_dict().values()]
        return [*weights, torch.get_rng_state(), *(tensor.clone() for tensor in raw.values())]

    before, remembered = all_there_is(), system.state_dict()
    first = measure(system, raw)
    assert all(torch.equal(old, new) for old, new in zip(before, all_there_is(), strict=True))
    assert system.state_dict() == remembered
    assert all(p.grad is None for p in system.networks.parameters())
    assert not system.networks["generator"].training
    assert not any(optimizer.state for optimizer in optimizers.values())
    assert measure(system, raw) == first


class Critic(System):
    """One 1x1 convolution, stepped `times` times a step, its gradient penalised if asked."""

    def __init__(self, times: int, penalty: bool = False) -> None:
        schedule = Schedule(steps=10, batch=2, decay_from=1.0, ema_half_life=0.0)
        self.settings = SimpleNamespace(schedule=schedule)
        self.times, self.penalty = times, penalty
        self.networks = nn.ModuleDict({"critic": nn.Conv2d(3, 5, 1), "frozen": nn.Conv2d(3, 3, 1)})
        self.networks["frozen"].requires_grad_(False)

    def optimizers(self) -> dict[str, SGD]:
        return {"critic": SGD(self.networks["critic"].parameters(), lr=0.1)}

    def training_step(self, batch: Batch, clock: Clock, update: Callable) -> dict[str, Tensor]:
        assert torch.is_grad_enabled()
        assert (clock.step, clock.steps, clock.epoch) == (0, 10, 0)
        for _ in range(self.times):
            x = batch["photo"].requires_grad_(self.penalty)
            loss = self.networks["critic"](self.networks["frozen"](x)).square().mean()
            if self.penalty:
                [slope] = torch.autograd.grad(loss, x, create_graph=True)
                loss = loss + slope.square().mean()
            value = update("critic", loss)
            assert not value.requires_grad
        return {"critic": value}

    def generate(self, batch: Batch) -> Tensor:
        return self.networks["frozen"](batch["photo"])


def test_critic_steps_frozen_parts_and_second_derivatives_are_counted():
    raw = {"photo": torch.zeros(2, 3, 8, 8, dtype=torch.uint8)}
    critic, frozen = 2 * 15 * 64, 2 * 9 * 64  # operations a sample, forward
    # Forward both; backward the critic's weights alone.
    assert measure(Critic(1), raw)["flops_per_sample"] == 2 * critic + frozen
    assert measure(Critic(5), raw)["flops_per_sample"] == 5 * (2 * critic + frozen)
    # The slope goes back through both (+1, +1), and its own gradient through both again.
    assert measure(Critic(1, penalty=True), raw)["flops_per_sample"] > 5 * critic + 3 * frozen
    assert measure(Critic(1), raw)["parameters"] == {"critic": 20, "frozen": 12}


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_rate_of_matrix_products_is_measured_quickly(precision: str):
    began = time.process_time()
    rate = matmul_rate(CPU, precision)
    assert time.process_time() - began < 5
    assert 1e8 < rate < 1e14  # between a pocket calculator and a rack
    side = 256
    matrix = torch.ones(side, side)
    start = time.perf_counter()
    (matrix @ matrix).sum().item()
    at_least = 2 * side**3 / (time.perf_counter() - start)
    if precision == chosen(Engine("cpu", "auto", 1, 1)):  # the other one may be slow here
        assert rate > at_least / 10


def test_peak_memory_is_a_high_water_mark_in_bytes():
    """In a process of its own: this one may hold freed memory that it would use again."""
    code = """
import torch
from sketchface_models.training.cost import peak_memory
before = peak_memory()
held = torch.ones(16 * 2**20)
after = peak_memory()
del held
assert peak_memory() > after - 2**21  # the kernel counts in batches
print(after - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 32 * 2**20 < int(done.stdout) < 128 * 2**20
