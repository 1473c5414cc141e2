"""What the training engine costs on top of the networks: `python benchmarks/train_step.py`.

Times whole steps of the engine (feed, normalise, both losses, Adam, running average, log) against
the floor, which is the forward and backward passes of the same networks and losses alone, with
the batch in memory already and no optimizer. Both take turns, step by step, within one process,
so that a busy machine slows both alike: read the overhead, not the times. On a busy CPU believe
the processor time (of one thread; several wait for each other by spinning).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sketchface_models.config import load
from sketchface_models.systems.base import Batch, System
from sketchface_models.systems.registry import build
from sketchface_models.training.log import StepLog
from sketchface_models.training.pack import Pack, normalise
from sketchface_models.training.settings import Engine, accelerator, precision
from sketchface_models.training.trainer import Trainer

FACES = 64
WARM_UP = 3

Seconds = tuple[float, float]
"""By the clock on the wall, and of this process on all its cores."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=128, help="side of the pictures")
    parser.add_argument("--width", type=int, default=32, help="channels of the first level")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=60, help="timed steps of each kind")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("auto", "32-true", "bf16-mixed"), default="auto")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    engine = load(
        Engine,
        {
            "device": options.device,
            "precision": options.precision,
            "validate_every": 10**9,
            "checkpoint_every": 10**9,
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        times = measure(options, engine, Path(folder))
    report(options, engine, times)


def measure(options: argparse.Namespace, engine: Engine, folder: Path) -> dict[str, list[Seconds]]:
    """Wall and processor seconds of every timed step, by what was timed."""
    pack = write_pack(folder / "pack", options.size)
    model = model_settings(options)
    trainer = Trainer(build(model, pack.channels), pack, 0, engine, folder / "state.safetensors")
    trainer.system.networks.train()
    log = StepLog(folder / "steps.jsonl", 0)
    device = trainer.fabric.device
    bare = build(model, pack.channels)
    bare.networks.to(device).train()
    batch = normalise(pack.read(trainer.feed.rows(0)), device)
    autocast = torch.autocast(
        device.type, torch.bfloat16, enabled=precision(engine) == "bf16-mixed"
    )

    def engine_step() -> None:
        log.add(trainer.step, trainer._one_step())
        trainer.step += 1

    parts: dict[str, Callable[[], Any]] = {
        "floor": lambda: forward_backward(bare, batch, model, autocast),
        "engine": engine_step,
        "feed": lambda: normalise(trainer.feed.raw(trainer.step), device),
        "adam": lambda: [optimizer.step() for optimizer in trainer.optimizers.values()],
        "average": lambda: trainer.averages["generator"].update(
            trainer.system.networks["generator"].module, trainer.step
        ),
    }
    times: dict[str, list[Seconds]] = {name: [] for name in parts}
    for turn in range(options.steps + WARM_UP):
        # Forward and backward in turn, so that none always runs on another's warm cache.
        names = list(parts) if turn % 2 else list(reversed(parts))
        for name in names:
            seconds = timed(parts[name], device)
            if turn >= WARM_UP:
                times[name].append(seconds)
    return times


def timed(work: Callable[[], Any], device: torch.device) -> Seconds:
    wait(device)
    wall, processor = time.perf_counter(), time.process_time()
    work()
    wait(device)
    return time.perf_counter() - wall, time.process_time() - processor


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def forward_backward(
    system: System, batch: Batch, model: dict[str, Any], autocast: AbstractContextManager[Any]
) -> None:
    """The losses of one step and their gradients, written down plainly."""
    generator, discriminator = system.networks["generator"], system.networks["discriminator"]
    photo, sketch = batch["photo"], batch["sketch"].expand(-1, 3, -1, -1)
    with autocast:
        fake = generator(photo)
        real_logits = discriminator(torch.cat([photo, sketch], 1))
        fake_logits = discriminator(torch.cat([photo, fake.detach()], 1))
    (entropy(real_logits, 1.0) + entropy(fake_logits, 0.0)).backward()
    discriminator.requires_grad_(False)
    with autocast:
        logits = discriminator(torch.cat([photo, fake], 1))
    l1 = F.l1_loss(fake.float(), sketch)
    (model["loss"]["scale"] * (entropy(logits, 1.0) + model["loss"]["l1"] * l1)).backward()
    discriminator.requires_grad_(True)
    system.networks.zero_grad(set_to_none=True)


def entropy(logits: Tensor, label: float) -> Tensor:
    logits = logits.float()
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def model_settings(options: argparse.Namespace) -> dict[str, Any]:
    """The run with everything on: mirroring, shifts, running average, discriminator each step."""
    return {
        "system": "pix2pix",
        "task": {"inputs": ["photo"], "target": "sketch", "size": options.size},
        "network": {"width": options.width, "dropout": 0.5, "init_std": 0.0},
        "loss": {"l1": 100.0, "scale": 0.1},
        "conditional": {"timer": 1, "threshold": 0.0},
        "greyscale": True,
        "augment": {"flip": True, "jitter": 0.06},
        "schedule": {
            "steps": 10**9,
            "batch": options.batch,
            "lr_generator": 1e-3,
            "lr_discriminator": 5e-4,
            "decay_from": 0.5,
            "ema_half_life": 2000.0,
        },
    }


def write_pack(folder: Path, size: int) -> Pack:
    """A pack of noise; what is in the pictures does not change how long a step takes."""
    folder.mkdir()
    draw = np.random.default_rng(0)
    channels = {"photo": 3, "sketch": 1}
    for name, count in channels.items():
        pictures = draw.integers(0, 256, (FACES, count, size, size), np.uint8)
        np.save(folder / f"{name}.npy", pictures)
    about = {
        "size": size,
        "fields": channels,
        "inputs": ["photo"],
        "target": "sketch",
        "ids": [f"{row:04d}" for row in range(FACES)],
        "splits": ["train"] * FACES,
        "styles": [None] * FACES,
    }
    (folder / "pack.json").write_text(json.dumps(about), encoding="utf-8")
    return Pack(folder)


def report(options: argparse.Namespace, engine: Engine, times: dict[str, list[Seconds]]) -> None:
    names = {
        "floor": "bare forward-backward",
        "engine": "engine step",
        "feed": "  of it feed, normalise",
        "adam": "  of it Adam, both",
        "average": "  of it running average",
    }
    clock = 0 if accelerator(engine) == "cuda" or options.threads > 1 else 1
    print(
        f"{options.size} px, width {options.width}, batch {options.batch}, "
        f"{accelerator(engine)} {precision(engine)}, {options.threads} threads, "
        f"medians of {options.steps} steps"
    )
    print(f"{'':24} {'wall ms':>9} {'processor ms':>13} {'images/s':>9} {'of floor':>9}")
    floor = statistics.median(step[clock] for step in times["floor"])
    for name, title in names.items():
        wall, processor = (statistics.median(column) for column in zip(*times[name]))
        part = (wall, processor)[clock] / floor
        rate = f"{options.batch / wall:9.1f}" if name in ("floor", "engine") else " " * 9
        print(f"{title:24} {1e3 * wall:9.2f} {1e3 * processor:13.2f} {rate} {part:9.1%}")
    for number, title in enumerate(("wall", "processor")):
        pairs = zip(times["engine"], times["floor"], strict=True)
        ratios = [whole[number] / bare[number] for whole, bare in pairs]
        low, middle, high = (100 * (ratio - 1) for ratio in statistics.quantiles(ratios, n=4))
        print(
            f"overhead, {title} time: {middle:.1f} % "
            f"(middle half of the paired steps: {low:.1f} to {high:.1f} %)"
        )


if __name__ == "__main__":
    main()
