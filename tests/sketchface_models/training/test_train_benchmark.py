"""The benchmark of a training step runs against the engine as it is, and its levers are real."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import pytest
import torch
from benchmark_modules import BENCHMARKS, ROOT, benchmark_modules
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from sketchface_models.config import load
from sketchface_models.systems.run_settings import Task


@pytest.fixture(scope="module")
def contenders() -> Iterator[object]:
    with benchmark_modules("contenders") as [module]:
        yield module


@pytest.fixture(scope="module")
def job(contenders, tmp_path_factory: pytest.TempPathFactory):
    """pix2pix-plain at smoke scale, in bf16."""
    scratch = tmp_path_factory.mktemp("benchmark")
    model, engine = contenders.composed(
        "pix2pix-plain", "smoke", device="cpu", precision="bf16-mixed"
    )
    assert model["task"]["size"] == 128
    pack = contenders.random_pack(scratch / "pack", load(Task, model["task"]), faces=8)
    return contenders.Job(model, engine, pack, scratch, threads=1)


@dataclass
class Operations(TorchDispatchMode):
    """What kinds of operations a step consists of."""

    names: set[str] = field(default_factory=set)
    types: set[torch.dtype] = field(default_factory=set)
    channels_last: bool = False

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        self.names.add(name)
        tensors = [leaf for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)]
        self.types |= {tensor.dtype for tensor in tensors}
        if name == "convolution":
            layout = torch.channels_last
            self.channels_last |= tensors[1].is_contiguous(memory_format=layout)
        return func(*args, **(kwargs or {}))


def one_step(contender: AbstractContextManager) -> tuple[Operations, int, int]:
    """Operations of a step, their FLOPs, and threads of the feed while it goes on."""
    with contender as (step, device):
        assert device.type == "cpu"
        step()
        with FlopCounterMode(display=False) as counter, Operations() as operations:
            step()
        threads = sum(thread.name.startswith("feed") for thread in threading.enumerate())
    return operations, counter.get_total_flops(), threads


@pytest.fixture(scope="module")
def whole(contenders, job) -> tuple[Operations, int, int]:
    return one_step(contenders.engine_steps(job))


def test_with_all_levers_on(whole):
    operations, _, threads = whole
    assert "_fused_adam_" in operations.names
    assert torch.bfloat16 in operations.types
    assert operations.channels_last
    assert threads


@pytest.mark.parametrize(
    "lever",
    [
        "channels_last",
        "bf16",
        "fused",
        "fused chains",
        "frozen",
        "one fake",
        "memory",
        "prefetch",
    ],
)
def test_each_lever_is_really_off(contenders, job, whole, lever: str):
    assert lever in contenders.LEVERS
    operations, flops, threads = one_step(contenders.engine_steps(job, lever))
    assert operations.channels_last == (lever != "channels_last")
    assert (torch.bfloat16 in operations.types) == (lever != "bf16")
    assert ("_fused_adam_" in operations.names) == (lever != "fused")
    assert bool(threads) == (lever != "prefetch")
    if lever in ("frozen", "one fake"):
        assert flops > 1.05 * whole[1]
    else:
        assert flops == whole[1]


@pytest.mark.parametrize("loop", ["textbook_steps", "plain_steps"])
def test_the_textbook_does_more_work_in_plain_arithmetic(contenders, job, whole, loop: str):
    import textbook

    steps = getattr(textbook, loop)
    plain, flops, _ = one_step(steps(job, second_forward=False))
    assert torch.bfloat16 not in plain.types
    assert not plain.channels_last
    assert "_fused_adam_" not in plain.names
    assert "_local_scalar_dense" in plain.names  # .item()
    assert "_local_scalar_dense" not in whole[0].names
    assert flops > whole[1]
    _, more, _ = one_step(steps(job, second_forward=True))
    assert more > flops


def benchmark(*options: str) -> str:
    done = subprocess.run(
        [sys.executable, *options, "--rounds", "2", "--steps", "1"],
        cwd=BENCHMARKS,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_overhead_is_printed():
    printed = benchmark("train_step.py", "--scale", "smoke", "--precision", "32-true")
    assert "128 px, width 4, batch 4; cpu, 32-true" in printed
    assert len(re.findall(r"^(?:bare|engine).* \d+\.\d .*%$", printed, re.MULTILINE)) == 2
    assert re.search(r"^overhead: -?\d+\.\d %", printed, re.MULTILINE)


def test_levers_are_compared_in_one_table():
    printed = benchmark("train_step.py", "levers", "--scale", "smoke", "--levers", "prefetch")
    row = r" +\d+\.\d +\d+\.\d +\d+\.\d\d x \(\d+\.\d\d to \d+\.\d\d\) +\d+\.\d\d x"
    row += r" +\d+\.\d +\d+\.\d%$"
    for name in ("all levers on", "without prefetch"):
        assert re.search(f"^{name}{row}", printed, re.MULTILINE)
    assert re.search(r"^matrix products: .*bf16|32-true \d+ GFLOP/s", printed, re.MULTILINE)
    times = re.search(r"^feed alone: \d+ images/s, (\d+) x training$", printed, re.MULTILINE)
    assert times
    assert int(times[1]) >= 10


@pytest.mark.slow
def test_engine_and_textbook_are_compared():
    printed = benchmark("train_step.py", "textbook", "--scale", "smoke")
    assert len(re.findall(r"^(?:engine|textbook).* x \(.*%$", printed, re.MULTILINE)) == 3


def test_the_feed_outruns_training_tenfold():
    printed = benchmark("feed.py", "--faces", "32")
    rates = re.findall(r"^feed.* +\d+\.\d +(\d+) +\d+$", printed, re.MULTILINE)
    assert len(rates) == 4
    assert min(map(int, rates)) > 10 * 115  # pix2pix-plain at quick scale on two cores
