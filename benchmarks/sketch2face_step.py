"""What a training step of Sketch2face's cycle costs, against a textbook loop.

    python benchmarks/sketch2face_step.py                   published width, batch 16
    python benchmarks/sketch2face_step.py --scale quick     the width of `make repro`
    python benchmarks/sketch2face_step.py --emulate-bf16    bf16 too where the processor has none

A step is one update of both critics, gradient penalties included, and one of both translations,
faces of 64 and doodles of 32 pixels, without latent layers. The textbook loop has the same
networks, losses and batch in 32 bits, channels-first, Adam as it comes, pictures read one by one,
losses read every time, and gradients of the critics that nobody uses. The penalties alone are timed
too: each critic's, forward and both backward passes. What computes in bf16 is left out where the
processor does not, unless it is asked for: then PyTorch emulates it. Contenders take turns in
processes of their own: read the ratios.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from contenders import Contender, Job, channels_first, composed, engine_steps, random_pack
from textbook import endless
from timing import Remote, Seconds, in_turn, median_ms, processor_ratio, ratios
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, Dataset

from sketchface_models.config import load
from sketchface_models.losses.wasserstein import gradient_penalty
from sketchface_models.runtime import keep_freed_memory
from sketchface_models.systems.registry import build
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.engine_settings import accelerator, precision
from sketchface_models.training.fingerprint import environment
from sketchface_models.training.pack_reader import Pack

RUN = "sketch2face-scratch"
TEXTBOOK, STEP, PENALTIES = "textbook loop", "project's step", "gradient penalties alone"
WHOLE, HALF = "32-true", "bf16-mixed"
BITS = {WHOLE: "32 bits", HALF: "bf16"}


class Pictures(Dataset):
    """One field of a pack, picture by picture, mirrored by chance."""

    def __init__(self, pictures: Any, flip: bool) -> None:
        self.pictures, self.flip = pictures, flip

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, row: int) -> Tensor:
        picture = torch.tensor(self.pictures[row], dtype=torch.float32) / 127.5 - 1
        return picture.flip(2) if self.flip and torch.rand(()) < 0.5 else picture


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", default="gpu", help="a file of conf/scale; gpu: width 256")
    parser.add_argument("--batch", type=int, default=16, help="pictures of each kind a step")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contender")
    parser.add_argument("--steps", type=int, default=1, help="steps in a turn")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--emulate-bf16", action="store_true", help="time bf16 on any processor")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        job = job_of(options, Path(name))
        own = precision(dataclasses.replace(job.settings, precision="auto"))
        print(headline(options, job))
        if own == WHOLE:
            words = "emulated" if options.emulate_bf16 else "left out"
            print(f"this machine does not compute in bf16: {words}")
        kinds = [WHOLE, HALF] if own == HALF or options.emulate_bf16 else [WHOLE]
        times, memory = compete(job, kinds, options)
    print_table(job, times, memory, own)


def job_of(options: argparse.Namespace, scratch: Path) -> Job:
    """The cycle on a pack of noise, both sides updated every time."""
    model, engine = composed(RUN, options.scale, device=options.device, precision="auto")
    model["schedule"] |= {"batch": options.batch, "critic_steps": 1}
    pack = random_pack(scratch / "pack", load(Task, model["task"]))
    return Job(model, engine, pack, scratch, options.threads)


def in_bits(job: Job, bits: str) -> Job:
    """The same job in another precision."""
    return dataclasses.replace(job, engine=job.engine | {"precision": bits})


def headline(options: argparse.Namespace, job: Job) -> str:
    where, task = environment(accelerator(job.settings)), job.model["task"]
    return (
        f"{RUN} at scale {options.scale}: {task['size']} and {task['sizes']['doodle']} px, width "
        f"{job.model['network']['width']}, batch {job.batch}; {options.threads} threads, "
        f"{where['hardware']}, torch {torch.__version__}, commit {where['commit'][:12]}\n"
        f"medians of {options.rounds} rounds of {options.steps} steps, taken in turn"
    )


@contextmanager
def textbook_steps(job: Job) -> Iterator[Contender]:
    """The loop; the pictures that the critics judge are those that the translations learn from."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    device, pack = torch.device(accelerator(job.settings)), Pack(job.pack)
    system = build(job.model, pack.channels)
    channels_first(system)
    networks = system.networks.to(device).train()
    (doodle,), photo = job.model["task"]["inputs"], job.model["task"]["target"]
    sources, weights = {photo: doodle, doodle: photo}, job.model["loss"]
    rate = job.model["schedule"]["lr_generator"]
    critics = [p for field in sources for p in networks[f"{field}_critic"].parameters()]
    known = {id(p) for p in critics}
    translators = [p for p in networks.parameters() if id(p) not in known]
    adam_c = Adam(critics, lr=rate, betas=(0.5, 0.999))
    adam_g = Adam(translators, lr=rate, betas=(0.5, 0.999))
    batches = {
        field: endless(DataLoader(Pictures(pack.arrays[field], True), job.batch, shuffle=True))
        for field in sources
    }
    losses: list[float] = []

    def translate(picture: Tensor, field: str) -> tuple[Tensor, Tensor]:
        code = networks[f"{sources[field]}_encoder"](picture)
        mean, log_variance = code.chunk(2, dim=1)
        sampled = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        return networks[f"{field}_decoder"](sampled), code

    def step() -> None:
        real = {field: next(each).to(device) for field, each in batches.items()}
        fakes, codes = {}, {}
        for field, source in sources.items():
            fakes[field], codes[field] = translate(real[source], field)
        adam_c.zero_grad()
        losses.clear()
        for field in sources:
            critic, fake = networks[f"{field}_critic"], fakes[field].detach()
            loss = critic(fake).mean() - critic(real[field]).mean()
            loss = loss + weights["penalty"] * penalty(critic, real[field], fake)
            loss.backward()
            losses.append(loss.item())
        adam_c.step()
        adam_g.zero_grad()
        total = torch.zeros((), device=device)
        for field, source in sources.items():
            cycled, _ = translate(fakes[source], field)
            mean, log_variance = codes[field].chunk(2, dim=1)
            kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).mean()
            cycle = F.l1_loss(cycled, real[field])
            adversarial = -networks[f"{field}_critic"](fakes[field]).mean()
            total = total + weights["reconstruction"] * cycle + weights["kl"] * kl + adversarial
            losses.extend((cycle.item(), kl.item(), adversarial.item()))
        total.backward()
        adam_g.step()

    yield step, device


def penalty(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Gulrajani et al. 2017's penalty, as their readers write it."""
    mix = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (mix * real + (1 - mix) * fake).requires_grad_(True)
    values = critic(between)
    (gradient,) = torch.autograd.grad(
        values, between, torch.ones_like(values), create_graph=True, retain_graph=True
    )
    norms: Tensor = gradient.flatten(1).norm(2, dim=1)
    return ((norms - 1) ** 2).mean()


@contextmanager
def penalty_steps(job: Job) -> Iterator[Contender]:
    """Both critics' gradient penalties as the project computes them, on pictures of noise."""
    torch.set_num_threads(job.threads)
    torch.manual_seed(0)
    keep_freed_memory()
    device, pack = torch.device(accelerator(job.settings)), Pack(job.pack)
    system = build(job.model, pack.channels)
    system.networks.to(device).train()
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision(job.settings) == HALF)
    critics = {field: system.networks[f"{field}_critic"] for field in system.outputs}
    sides = {field: pack.sizes[field] for field in critics}
    real = {
        field: torch.randn(job.batch, pack.channels[field], side, side, device=device)
        for field, side in sides.items()
    }

    def step() -> None:
        for field, critic in critics.items():
            with autocast:
                loss = gradient_penalty(critic, real[field], -real[field], "sample")
            loss.backward()
            critic.zero_grad()

    yield step, device


def compete(
    job: Job, kinds: list[str], options: argparse.Namespace
) -> tuple[dict[str, list[Seconds]], dict[str, int]]:
    """Times and peak memory of every contender, one at work at a time."""
    makes: dict[str, tuple[Callable[..., Any], Job]] = {
        f"{TEXTBOOK}, 32 bits": (textbook_steps, in_bits(job, WHOLE))
    }
    for bits in kinds:
        makes[f"{STEP}, {BITS[bits]}"] = engine_steps, in_bits(job, bits)
    for bits in kinds:
        makes[f"{PENALTIES}, {BITS[bits]}"] = penalty_steps, in_bits(job, bits)
    remotes = {name: Remote(*make, steps=options.steps) for name, make in makes.items()}
    for remote in remotes.values():
        remote.wait_until_ready()
    times = in_turn({name: remote.turn for name, remote in remotes.items()}, options.rounds)
    memory = {name: remote.peak_memory() for name, remote in remotes.items()}
    for remote in remotes.values():
        remote.close()
    return times, memory


def print_table(
    job: Job, times: dict[str, list[Seconds]], memory: dict[str, int], own: str
) -> None:
    """Times against the project's own step in the precision that it would choose, `own`."""
    reference = times[f"{STEP}, {BITS[own]}"]
    print(f"{'':36}{'ms':>9}{'processor ms':>14}{'images/s':>10}", end="")
    print(f"{'time, (middle half)':>25}{'processor':>11}{'GiB at most':>13}")
    for name, seconds in times.items():
        low, middle, high = ratios(seconds, reference)
        processor = 1e3 * statistics.median(each.processor for each in seconds)
        rate = 1e3 * job.batch / median_ms(seconds)
        print(
            f"{name:36}{median_ms(seconds):9.1f}{processor:14.1f}{rate:10.1f}"
            f"{f'{middle:.2f} x ({low:.2f} to {high:.2f})':>25}"
            f"{processor_ratio(seconds, reference):9.2f} x{memory[name] / 2**30:13.2f}"
        )


if __name__ == "__main__":
    # Processes of contenders import this file under another name and must not start over.
    main()
