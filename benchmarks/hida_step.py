"""What HIDA's training step costs, and which of its parts.

    python benchmarks/hida_step.py          HIDA and its relatives beside pix2pix-photo
    python benchmarks/hida_step.py parts    where a step's time goes, on the processor
    python benchmarks/hida_step.py deform   what deformable up-sampling (DOG) costs of a step
    python benchmarks/hida_step.py parts --run hida-released --scale cpu --threads 2
    python benchmarks/hida_step.py --model study-fs2k --runs hida cyclegan    other runs

Contenders take turns within one run, so that a busy machine slows all alike: read the ratios, not
the times. Settings are composed from conf/; pictures are noise.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from contenders import Job, composed, engine_steps, random_pack
from timing import WARM_UP, Seconds, ratios
from torch import nn
from torch.autograd.profiler import record_function
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile
from train_step import compete

from sketchface_models.config import load
from sketchface_models.networks.hida.decoder import DOG, DecoderLayer
from sketchface_models.networks.hida.generator import Generator
from sketchface_models.runtime import deterministic_mode, keep_freed_memory
from sketchface_models.systems.base import System
from sketchface_models.systems.registry import build
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.engine_settings import accelerator, precision
from sketchface_models.training.fingerprint import environment
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.trainer import Trainer

RELATIVES = ("pix2pix-photo", "hida", "hida-base", "hida-released")
UP, APPEARANCE, CONDITIONS, ACTIVATION, NORM = LAYER_PARTS = (
    *("up-sampling", "appearance", "conditions", "activation", "modulation"),
)
"""Of a decoder layer. `modulation` is DySPADE with its residual, or the norm that stands there."""
MARK = "part: "
BACKWARD = "autograd::engine::evaluate_function"
OPTIMIZER = "Optimizer.step"
Spent = dict[tuple[str, str], float]
"""Milliseconds by part and by `forward` or `backward`."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mode", nargs="?", choices=("beside", "parts", "deform"), default="beside")
    parser.add_argument("--run", default="hida", help="a HIDA run of params.yaml (parts, deform)")
    parser.add_argument("--runs", nargs="+", default=RELATIVES, help="what to set beside the first")
    parser.add_argument("--model", default="all", help="a file of conf/model that has the runs")
    parser.add_argument("--scale", help="a file of conf/scale; else cpu for deform, quick for all")
    parser.add_argument("--batch", type=int, help="faces a step; else the scale's")
    parser.add_argument("--rounds", type=int, default=9, help="turns of each contender")
    parser.add_argument("--steps", type=int, default=2, help="steps in a turn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("auto", "32-true", "bf16-mixed"), default="auto")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.scale = options.scale or ("cpu" if options.mode == "deform" else "quick")
    with tempfile.TemporaryDirectory() as name:
        {"beside": beside, "parts": parts, "deform": deform}[options.mode](options, Path(name))


def job_of(run: str, options: argparse.Namespace, scratch: Path) -> Job:
    """A run on a pack of noise."""
    how = {"device": options.device, "precision": options.precision}
    model, engine = composed(run, options.scale, options.model, **how)
    if options.batch:
        model["schedule"]["batch"] = options.batch
    scratch.mkdir()
    pack = random_pack(scratch / "pack", load(Task, model["task"]))
    return Job(model, engine, pack, scratch, options.threads)


def headline(options: argparse.Namespace, job: Job, name: str) -> str:
    device = accelerator(job.settings)
    where = environment(device)
    size, width = job.model["task"]["size"], job.model["network"]["width"]
    return (
        f"{name} at scale {options.scale}: {size} px, width {width}, batch {job.batch}; "
        f"{device}, {precision(job.settings)}, {options.threads} threads, "
        f"{where['hardware']}, torch {torch.__version__}, commit {where['commit'][:12]}"
    )


def beside(options: argparse.Namespace, scratch: Path) -> None:
    """Whole engine steps of several runs, each at the sizes that its scale gives it."""
    jobs = {run: job_of(run, options, scratch / run) for run in options.runs}
    for run, job in jobs.items():
        print(headline(options, job, run))
    times = compete({run: (engine_steps, job) for run, job in jobs.items()}, options)
    timed = {run: (jobs[run], seconds) for run, seconds in times.items()}
    print_times(timed, options.runs[0], options)


def deform(options: argparse.Namespace, scratch: Path) -> None:
    """A run as it is against itself with transposed convolutions in place of DOG."""
    job = job_of(options.run, options, scratch / "with")
    model = copy.deepcopy(job.model)
    model["network"]["dog"] = "none"
    plain = Job(model, job.engine, job.pack, scratch, job.threads)
    dog = job.model["network"]["dog"]
    print(headline(options, job, f"{options.run}, DOG in {dog}"))
    jobs = {"without DOG": plain, "with DOG": job}
    times = compete({name: (engine_steps, each) for name, each in jobs.items()}, options)
    print_times({name: (jobs[name], times[name]) for name in jobs}, "without DOG", options)
    for clock, seconds in by_clock(times).items():
        shares = (100 * (1 - 1 / ratio) for ratio in ratios(*seconds))
        low, middle, high = shares
        print(f"DOG's share of a step by {clock}: {middle:.1f} % ({low:.1f} to {high:.1f} %)")


def by_clock(times: dict[str, list[Seconds]]) -> dict[str, tuple[list[Seconds], list[Seconds]]]:
    """With and without DOG, also with processor time where `ratios` looks for wall time."""
    slow, fast = times["with DOG"], times["without DOG"]
    worked = [[Seconds(s.processor, s.processor) for s in column] for column in (slow, fast)]
    return {"the wall clock": (slow, fast), "processor time": (worked[0], worked[1])}


def print_times(
    found: dict[str, tuple[Job, list[Seconds]]], reference: str, options: argparse.Namespace
) -> None:
    print(f"medians of {options.rounds} rounds of {options.steps} steps, taken in turn")
    print(f"{'':20}{'ms/step':>9}{'processor ms':>14}{'images/s':>10}{'time, (middle half)':>25}")
    for name, (job, seconds) in found.items():
        wall, processor = (1e3 * statistics.median(column) for column in zip(*seconds, strict=True))
        low, middle, high = ratios(seconds, found[reference][1])
        print(
            f"{name:20}{wall:9.1f}{processor:14.1f}{1e3 * job.batch / wall:10.1f}"
            f"{f'{middle:.2f} x ({low:.2f} to {high:.2f})':>25}"
        )


def parts(options: argparse.Namespace, scratch: Path) -> None:
    """Profiled engine steps, split by module."""
    options.device = "cpu"
    job = job_of(options.run, options, scratch / "run")
    print(headline(options, job, options.run))
    keep_freed_memory()
    pack = Pack(job.pack)
    torch.manual_seed(0)
    trainer = Trainer(build(job.model, pack.channels), pack, 0, job.settings)
    system = trainer.system
    system.networks.train()
    found = []
    with deterministic_mode(job.settings.deterministic), marked(system):
        for step in range(WARM_UP + options.rounds):
            raw = trainer.feed.raw(step)
            with profile(activities=[ProfilerActivity.CPU]) as profiler, part("rest of the step"):
                trainer.learn(step, raw)
            if step >= WARM_UP:
                found.append(spent(profiler.events()))
    least = least_of(found)
    print(f"milliseconds under a profiler, each operation at its fastest of {options.rounds} steps")
    print_parts(least)
    print_layers(least, generator_of(system))


def part(name: str) -> record_function:
    return record_function(MARK + name)


def generator_of(system: System) -> Generator:
    """The bare network, in whatever it is wrapped."""
    return next(m for m in system.networks["generator"].modules() if isinstance(m, Generator))


def named_parts(system: System) -> Iterator[tuple[str, nn.Module]]:
    """Modules whose forward passes are marked; the innermost mark counts."""
    generator = generator_of(system)
    yield "joining maps", generator
    yield "encoder", generator.encoder
    heads = (generator.sketch_head, generator.depth_head)
    optional = [("depth pyramid", generator.pyramid), *(("heads", head) for head in heads)]
    yield from ((name, module) for name, module in optional if module is not None)
    for number, layer in enumerate(generator.decoder):
        assert isinstance(layer, DecoderLayer)
        yield decoder_part(number, NORM), layer
        inner = {
            UP: layer.up,
            APPEARANCE: layer.appearance,
            CONDITIONS: layer.adaptation,
            ACTIVATION: layer.activation,
        }
        for name, module in inner.items():
            if module is not None:
                yield decoder_part(number, name), module
    yield "discriminator", system.networks["discriminator"]


def decoder_part(number: int, name: str) -> str:
    return f"decoder {number}, {name}"


@contextmanager
def marked(system: System) -> Iterator[None]:
    """Every part's forward pass as a range of the profiler; what is outside counts as losses."""
    open_ranges: list[record_function] = []

    def enter(name: str) -> Callable[..., None]:
        return lambda *_: open_ranges.append(part(name).__enter__())

    def leave(*_: Any) -> None:
        open_ranges.pop().__exit__(None, None, None)

    handles = []
    for name, module in named_parts(system):
        handles.append(module.register_forward_pre_hook(enter(name)))
        handles.append(module.register_forward_hook(leave))
    step = system.training_step

    def training_step(*arguments: Any) -> Any:
        with part("losses"):
            return step(*arguments)

    system.training_step = training_step
    yield
    for handle in handles:
        handle.remove()
    del system.training_step


def spent(events: list[FunctionEvent]) -> list[tuple[tuple[str, str], float]]:
    """Every microsecond of a step, cut into operations: whose it is and milliseconds, in order.

    A backward operation bears the number of the forward operation that it differentiates, and
    belongs to the part in which that ran; the number's last bearer made the node.
    """
    own: dict[int, float] = {}
    maker: dict[int, str] = {}
    pieces = sorted(filter(is_piece, events), key=lambda event: event.time_range.start)
    for event in pieces:
        own[id(event)] = own.get(id(event), 0.0) + event.cpu_time_total
        around = enclosing(event)
        if around is not None:
            own[id(around)] = own.get(id(around), 0.0) - event.cpu_time_total
    for event in sorted(events, key=lambda event: event.time_range.start):
        operation = event if is_operation(event) else enclosing(event)
        if event.sequence_nr >= 0 and operation is not None and is_operation(operation):
            maker[event.sequence_nr] = part_of(operation)
    found = []
    for event in pieces:
        if event.name.startswith(BACKWARD):
            key = maker.get(event.sequence_nr, "summing gradients"), "backward"
        elif event.name.startswith(OPTIMIZER):
            key = "optimizers", "forward"
        else:
            key = part_of(event), "forward"
        found.append((key, own[id(event)] / 1e3))
    return found


def least_of(steps: list[list[tuple[tuple[str, str], float]]]) -> Spent:
    """By part, with each operation at its fastest: other people's work comes in stalls."""
    total: Spent = {}
    for same in zip(*steps, strict=True):
        (key, _), *_ = same
        total[key] = total.get(key, 0.0) + min(milliseconds for _, milliseconds in same)
    return total


def is_range(event: FunctionEvent) -> bool:
    return event.name.startswith((MARK, BACKWARD, OPTIMIZER))


def is_operation(event: FunctionEvent) -> bool:
    """Whether an event stands in a part directly, and is none itself."""
    around = event.cpu_parent
    return around is not None and around.name.startswith(MARK) and not is_range(event)


def is_piece(event: FunctionEvent) -> bool:
    return is_range(event) or is_operation(event)


def part_of(event: FunctionEvent) -> str:
    """The name of a part, or of the one that an operation stands in."""
    around = event if event.name.startswith(MARK) else event.cpu_parent
    return "" if around is None else around.name.removeprefix(MARK)


def enclosing(event: FunctionEvent) -> FunctionEvent | None:
    """The innermost piece around an event."""
    around = event.cpu_parent
    while around is not None and not is_piece(around):
        around = around.cpu_parent
    return around


def print_parts(least: Spent) -> None:
    """One line for the decoder as a whole, and one for each other part."""
    lines: dict[str, list[float]] = {}
    for (name, way), milliseconds in least.items():
        line = lines.setdefault("decoder" if name.startswith("decoder ") else name, [0.0, 0.0])
        line[way == "backward"] += milliseconds
    everything = sum(itertools.chain.from_iterable(lines.values()))
    print(f"{'':20}{'forward':>9}{'backward':>10}{'both':>9}{'of step':>9}")
    for name, (forward, backward) in sorted(lines.items(), key=lambda line: -sum(line[1])):
        both = forward + backward
        print(f"{name:20}{forward:9.1f}{backward:10.1f}{both:9.1f}{both / everything:9.1%}")
    print(f"{'step':20}{'':19}{everything:9.1f}")


def print_layers(least: Spent, generator: Generator) -> None:
    """The decoder's parts by layer, forward and backward together."""
    print("decoder by layer, the innermost first, forward and backward")
    print(f"{'':26}" + "".join(f"{name:>13}" for name in (*LAYER_PARTS, "all")))
    sums = dict.fromkeys((*LAYER_PARTS, "all"), 0.0)
    for number, layer in enumerate(generator.decoder):
        row = {
            name: sum(
                least.get((decoder_part(number, name), w), 0.0) for w in ("forward", "backward")
            )
            for name in LAYER_PARTS
        }
        row["all"] = sum(row.values())
        sums = {name: sums[name] + row[name] for name in sums}
        up = "DOG" if isinstance(layer.up, DOG) else "transposed"
        print(f"{f'{number}: to {2 ** (number + 1)} px, {up}':26}", end="")
        print("".join(f"{value:13.1f}" for value in row.values()))
    print(f"{'all':26}" + "".join(f"{value:13.1f}" for value in sums.values()))


if __name__ == "__main__":
    # Processes of contenders import this file under another name and must not start over.
    main()
