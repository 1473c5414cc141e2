"""The textbook loop of Sketch2face's benchmark does the engine's work, and no less of it."""

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from benchmark_modules import benchmark_modules

from sketchface_models.config import load
from sketchface_models.losses.wasserstein import gradient_penalty
from sketchface_models.networks.sketch2face import Critic
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.cost import _Total as FlopCounter
from sketchface_models.training.pack_reader import Pack


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    with benchmark_modules("sketch2face_step") as [module]:
        yield module


def flops(contender: object) -> int:
    with contender as (step, _), FlopCounter() as counter:
        step()
    return counter.get_total_flops()


def test_one_step_of_each_contender(benchmark, tmp_path: Path):
    model, engine = benchmark.composed(benchmark.RUN, "smoke", device="cpu", precision="32-true")
    model["schedule"] |= {"batch": 4, "critic_steps": 1}
    pack = benchmark.random_pack(tmp_path / "pack", load(Task, model["task"]), faces=8)
    assert Pack(pack).sizes == {"doodle": 32, "photo": 64}
    job = benchmark.Job(model, engine, pack, tmp_path, threads=1)
    own = flops(benchmark.engine_steps(job))
    # The engine computes no gradients of critics for the generators' sake.
    assert own < flops(benchmark.textbook_steps(job)) < 1.5 * own
    assert flops(benchmark.penalty_steps(job)) < 0.5 * own


def test_the_penalty_is_that_of_the_losses(benchmark):
    torch.manual_seed(0)
    critic = Critic(1, 16, 4)
    real, fake = torch.randn(3, 1, 16, 16), torch.randn(3, 1, 16, 16)
    values = []
    for penalty in (benchmark.penalty, lambda *of: gradient_penalty(*of, "sample")):
        torch.manual_seed(1)
        values.append(penalty(critic, real, fake))
    torch.testing.assert_close(*values)
