"""What a training step costs, of any run at any scale.

    python benchmarks/train_step.py             the engine on top of bare networks
    python benchmarks/train_step.py levers      the engine with each speed lever off in turn
    python benchmarks/train_step.py textbook    the engine against a plain loop, same networks
    python benchmarks/train_step.py textbook --run pix2pixhd --scale gpu --rounds 3 --steps 1
    python benchmarks/train_step.py levers --run pix2pix --scale cpu --threads 2

Contenders take turns within one run, so that a busy machine slows all alike: read the ratios, not
the times. Settings are composed from conf/; the pack is --pack, or noise of the same shape.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import torch
from contenders import (
    COMPILE,
    LEVERS,
    NEVER,
    Job,
    composed,
    engine_steps,
    random_pack,
)
from textbook import plain_steps, textbook_steps
from timing import Remote, Seconds, in_turn, median_ms, processor_ratio, ratios, timed
from torch import Tensor

from sketchface_models.config import load
from sketchface_models.runtime import deterministic_mode, keep_freed_memory
from sketchface_models.systems.base import Batch, Clock, System
from sketchface_models.systems.registry import build
from sketchface_models.systems.run_settings import Augment, Task
from sketchface_models.training import cost
from sketchface_models.training.engine_settings import accelerator, precision
from sketchface_models.training.feed import Feed
from sketchface_models.training.fingerprint import environment
from sketchface_models.training.log import StepLog
from sketchface_models.training.pack_reader import Pack, normalise
from sketchface_models.training.trainer import Trainer

ALL_ON = "all levers on"
FLOOR, ENGINE = "bare forward-backward", "engine step"
Rates = dict[str, float]
"""Matrix products a second by precision, in FLOP/s."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    modes = ("overhead", "levers", "textbook")
    parser.add_argument("mode", nargs="?", choices=modes, default="overhead")
    parser.add_argument("--run", default="pix2pix-plain")
    parser.add_argument("--scale", default="quick", help="a file of conf/scale")
    parser.add_argument("--pack", type=Path, help="folder of a pack stage; else noise")
    parser.add_argument("--batch", type=int, help="faces a step; else the scale's")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each contender")
    parser.add_argument("--steps", type=int, default=4, help="steps in a turn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("auto", "32-true", "bf16-mixed"), default="auto")
    parser.add_argument(
        "--levers", nargs="+", choices=(*LEVERS, COMPILE), default=list(LEVERS), metavar="LEVER"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, engine = composed(
        options.run, options.scale, device=options.device, precision=options.precision
    )
    if options.batch:
        model["schedule"]["batch"] = options.batch
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        pack = options.pack or random_pack(scratch / "pack", load(Task, model["task"]))
        job = Job(model, engine, pack, scratch, options.threads)
        print(headline(options, job))
        {"overhead": overhead, "levers": levers, "textbook": textbook}[options.mode](job, options)


def headline(options: argparse.Namespace, job: Job) -> str:
    device = accelerator(job.settings)
    where = environment(device)
    size, width = job.model["task"]["size"], job.model["network"].get("width")
    return (
        f"{options.run} at scale {options.scale}: {size} px, width {width}, batch {job.batch}; "
        f"{device}, {precision(job.settings)}, {options.threads} threads, "
        f"{where['hardware']}, torch {torch.__version__}, commit {where['commit'][:12]}\n"
        f"medians of {options.rounds} rounds of {options.steps} steps, taken in turn"
    )


def levers(job: Job, options: argparse.Namespace) -> None:
    """Images a second with each lever off in turn."""
    makes = {ALL_ON: (engine_steps, job)}
    for lever in options.levers:
        name = f"with {COMPILE}" if lever == COMPILE else f"without {lever}"
        makes[name] = (engine_steps, job, lever)
    times = compete(makes, options)
    lower = {"without bf16": "32-true"}
    print_table(job, times, lower, ALL_ON)
    for lever in options.levers:
        if lever in LEVERS:
            print(f"without {lever}: {LEVERS[lever]}")
    print_feed(job, median_ms(times[ALL_ON]))


def textbook(job: Job, options: argparse.Namespace) -> None:
    """The engine against a plain loop, which hands freed memory back as any process does."""
    loop = textbook_steps if job.model["system"] == "pix2pix" else plain_steps
    makes = {
        "engine": (engine_steps, job),
        "textbook": (loop, job, True),
        "textbook, one picture for both": (loop, job, False),
    }
    if job.model["system"] == "pix2pixhd":  # the released code draws once
        del makes["textbook"]
    times = compete(makes, options)
    print_table(job, times, {name: "32-true" for name in makes if name != "engine"}, "engine")


def compete(
    makes: dict[str, tuple[Any, ...]], options: argparse.Namespace
) -> dict[str, list[Seconds]]:
    """Every contender in a process of its own, one at work at a time."""
    remotes = {name: Remote(*make, steps=options.steps) for name, make in makes.items()}
    for remote in remotes.values():
        remote.wait_until_ready()
    times = in_turn({name: remote.turn for name, remote in remotes.items()}, options.rounds)
    for name, remote in remotes.items():
        print(f"{name}: {remote.peak_memory() / 2**30:.2f} GiB held at most")
        remote.close()
    return times


def print_table(
    job: Job, times: dict[str, list[Seconds]], lower: dict[str, str], reference: str
) -> None:
    """Speeds against `reference`, and arithmetic against the processor's matrix products.

    Times are those of the clock on the wall, and the ratio of processor times beside them: with one
    thread it is the steadier of the two where others work on the machine.

    Args:
        job: that was timed.
        times: by contender.
        lower: precision of those contenders that differ from the job's.
        reference: contender whose time is 1.
    """
    flops, rates = step_cost(job)
    print(f"{flops['flops_per_sample'] / 1e9:.2f} GFLOP an image, ", end="")
    print(", ".join(f"{n} {count:,} parameters" for n, count in flops["parameters"].items()))
    print("matrix products: " + ", ".join(f"{n} {r / 1e9:.0f} GFLOP/s" for n, r in rates.items()))
    print(f"{'':32}{'ms/step':>9}{'images/s':>10}{'time, (middle half)':>25}", end="")
    print(f"{'processor':>11}{'GFLOP/s':>9}{'of matmul':>10}")
    for name, seconds in times.items():
        low, middle, high = ratios(seconds, times[reference])
        processor = processor_ratio(seconds, times[reference])
        speed = 1e3 * job.batch / median_ms(seconds)
        reached = speed * flops["flops_per_sample"]
        part = reached / rates[lower.get(name, precision(job.settings))]
        print(
            f"{name:32}{median_ms(seconds):9.1f}{speed:10.1f}"
            f"{f'{middle:.2f} x ({low:.2f} to {high:.2f})':>25}"
            f"{processor:9.2f} x{reached / 1e9:9.1f}{part:10.1%}"
        )


def step_cost(job: Job) -> tuple[dict[str, Any], Rates]:
    """What one engine step computes at least, and how fast this device multiplies matrices."""
    pack = Pack(job.pack)
    system = build(job.model, pack.channels)
    device = torch.device(accelerator(job.settings))
    system.networks.to(device)
    rows = [domain.rows("train")[: job.batch] for domain in pack.domains]
    raw = pack.read_domains(rows)
    kinds = {precision(job.settings), "32-true"}
    return cost.measure(system, raw), {k: cost.matmul_rate(device, k) for k in sorted(kinds)}


def print_feed(job: Job, step_ms: float) -> None:
    """How far the feed's rate, on one core, is above that of training."""
    feed = Feed(Pack(job.pack), job.batch, load(Augment, job.model["augment"]), 0)
    cpu, steps = torch.device("cpu"), itertools.count()
    times = [timed(lambda: feed.raw(next(steps)), cpu) for _ in range(50)]
    speed = 1e3 * job.batch / median_ms(times)
    print(f"feed alone: {speed:.0f} images/s, {speed * step_ms / job.batch / 1e3:.0f} x training")


def overhead(job: Job, options: argparse.Namespace) -> None:
    """Engine steps and their parts against forward and backward passes alone."""
    keep_freed_memory()
    pack = Pack(job.pack)
    trainer = Trainer(build(job.model, pack.channels), pack, 0, job.settings)
    trainer.system.networks.train()
    device = trainer.fabric.device
    bare = build(job.model, pack.channels)
    bare.networks.to(device).train()
    log = StepLog(job.scratch / "steps.jsonl", 0)
    batches = trainer.feed.prefetched(0, pin=device.type == "cuda")
    fixed = normalise(trainer.feed.raw(0), device)
    autocast = torch.autocast(
        device.type, torch.bfloat16, enabled=precision(job.settings) == "bf16-mixed"
    )

    def engine_step() -> None:
        step, raw = next(batches)
        log.add(step, trainer.learn(step, raw))

    parts: dict[str, Callable[[], Any]] = {
        FLOOR: forward_backward(bare, fixed, autocast),
        ENGINE: engine_step,
        "  of it feed, normalise": lambda: normalise(trainer.feed.raw(0), device),
        "  of it optimizers": lambda: [o.step() for o in trainer.optimizers.values()],
        "  of it EMA": lambda: [
            ema.update(trainer.system.networks[name], 0) for name, ema in trainer.ema.items()
        ],
    }
    turns = {
        name: lambda work=work: timed(work, device, options.steps) for name, work in parts.items()
    }
    with deterministic_mode(job.settings.deterministic), closing(batches):
        report_overhead(job, in_turn(turns, options.rounds))


def forward_backward(
    system: System, batch: Batch, autocast: AbstractContextManager[Any]
) -> Callable[[], None]:
    """A system's own passes on a batch in memory, without learning from them."""
    learners = {
        name: [p for group in optimizer.param_groups for p in group["params"]]
        for name, optimizer in system.optimizers().items()
    }

    def differentiate(name: str, loss: Tensor) -> Tensor:
        loss.backward(inputs=learners[name])
        return loss.detach()

    def work() -> None:
        with autocast:
            system.training_step(dict(batch), Clock(0, NEVER, 0), differentiate)
        system.networks.zero_grad(set_to_none=True)

    return work


def report_overhead(job: Job, times: dict[str, list[Seconds]]) -> None:
    floor = times[FLOOR]
    print(f"{'':26}{'wall ms':>9}{'processor ms':>14}{'images/s':>10}{'of floor':>10}")
    for name, seconds in times.items():
        wall, processor = (1e3 * statistics.median(column) for column in zip(*seconds, strict=True))
        speed = f"{'':10}" if name.startswith(" ") else f"{1e3 * job.batch / wall:10.1f}"
        part = wall / median_ms(floor)
        print(f"{name:26}{wall:9.2f}{processor:14.2f}{speed}{part:10.1%}")
    low, middle, high = (100 * (ratio - 1) for ratio in ratios(times[ENGINE], floor))
    print(f"overhead: {middle:.1f} % (middle half of the paired rounds: {low:.1f} to {high:.1f} %)")


if __name__ == "__main__":
    # Processes of contenders import this file under another name and must not start over.
    main()
