"""Whole training steps of the engine to time, with one of its speed levers off if wanted."""

from __future__ import annotations

import itertools
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from sketchface_models.config import load
from sketchface_models.networks import fused
from sketchface_models.runtime import deterministic_mode, keep_freed_memory
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import System
from sketchface_models.systems.registry import build
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.log import StepLog
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.trainer import Trainer

NEVER = 10**9
STYLES = 3
"""Of the noise, where a run asks for one: as many as FS2K has."""
LEVERS = {
    "channels_last": "networks in channels-first memory",
    "bf16": "32-bit arithmetic",
    "fused chains": "activations one operation after the other",
    "fused": "Adam one operation after the other",
    "frozen": "the generator's step computes the discriminator's gradients too",
    "one fake": "the discriminator gets a second, separately drawn picture",
    "memory": "freed memory goes back to the system",
    "prefetch": "batches are read when they are needed",
}
"""What each lever's absence means."""
COMPILE = "compile"
"""The one switch that is off by default and is turned *on*."""

Contender = tuple[Callable[[], Any], torch.device]
"""The work of one step, and where it is done."""


@dataclass(frozen=True)
class Job:
    """What everybody trains."""

    model: dict[str, Any]
    engine: dict[str, Any]
    pack: Path
    scratch: Path
    threads: int

    @property
    def settings(self) -> Engine:
        """The engine's, typed."""
        return load(Engine, self.engine)

    @property
    def batch(self) -> int:
        """Faces a step."""
        return int(self.model["schedule"]["batch"])


def composed(
    run: str, scale: str, model: str = "all", **engine: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings of a run at a scale and of the engine, as `dvc exp run` would compose them.

    Args:
        run: one of the runs of `model`, or of all systems.
        scale: a file of conf/scale.
        model: a file of conf/model, such as a study that brings runs of its own.
        engine: settings to change.
    """
    # Seconds of imports, which the processes of the contenders can do without.
    from pipeline.common.parameters import Parameters
    from pipeline.compose import compose
    from pipeline.train.training import run_config

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "params.yaml")
        compose([f"scale={scale}", f"model={model}"], path)
        config = run_config(Parameters.from_file(path), run, 0)
    # Nothing but steps is timed, and there are always more of them.
    config["model"]["schedule"]["steps"] = NEVER
    engine |= {"validate_every": NEVER, "checkpoint_every": NEVER}
    return config["model"], config["engine"] | engine


def random_pack(folder: Path, task: Task, faces: int = 64) -> Path:
    """A pack of noise; what is in the pictures does not change how long a step takes."""
    from pipeline.common.fields import FIELDS

    folder.mkdir()
    draw = np.random.default_rng(0)
    pictures = [name for name in (*task.inputs, task.target) if name != STYLE]
    channels = {name: FIELDS[name].channels for name in pictures}
    for name, count in channels.items():
        side = task.sizes.get(name, task.size)
        noise = draw.integers(0, 256, (faces, count, side, side), np.uint8)
        np.save(folder / f"{name}.npy", noise)
    styled = {STYLE: STYLES} if STYLE in task.inputs else {}
    about = {
        "size": task.size,
        "sizes": dict(task.sizes),
        "fields": channels | styled,
        "inputs": list(task.inputs),
        "target": task.target,
        "ids": [f"{row:04d}" for row in range(faces)],
        "splits": ["train"] * faces,
        "styles": [row % STYLES + 1 if styled else None for row in range(faces)],
    }
    if task.unpaired:
        columns = {key: about[key] for key in ("ids", "splits", "styles")}
        about["domains"] = [{"fields": list(fields), **columns} for fields in task.domains[1:]]
    (folder / "pack.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


@contextmanager
def engine_steps(job: Job, off: str | None = None) -> Iterator[Contender]:
    """The engine's step, log included, with one lever off (or, for compile, on)."""
    torch.set_num_threads(job.threads)
    if off == "fused chains":
        fused.FEWEST = NEVER
    if off != "memory":
        keep_freed_memory()
    changed = {"bf16": {"precision": "32-true"}, COMPILE: {"compile": True}}.get(off or "", {})
    engine = load(Engine, job.engine | changed)
    pack = Pack(job.pack)
    torch.manual_seed(0)
    system = build(job.model, pack.channels)
    switch_off = {"channels_last": channels_first, "fused": unfuse, "one fake": draw_twice}
    switch_off.get(off or "", lambda system: None)(system)
    trainer = Trainer(system, pack, 0, engine)
    system.networks.train()
    if off == "frozen":
        learn_everywhere(trainer)
    log = StepLog(job.scratch / f"{off}.jsonl", 0)
    batches = trainer.feed.prefetched(0, pin=trainer.fabric.device.type == "cuda")
    if off == "prefetch":
        batches = ((step, trainer.feed.raw(step)) for step in itertools.count())

    def step() -> None:
        number, raw = next(batches)
        log.add(number, trainer.learn(number, raw))

    with deterministic_mode(engine.deterministic), closing(batches):
        yield step, trainer.fabric.device


def channels_first(system: System) -> None:
    """Weights, and so all that flows through them, in the order torch starts with."""
    system.networks.to(memory_format=torch.contiguous_format)


def unfuse(system: System) -> None:
    """Optimizers as they come if nothing is asked for."""
    fused = system.optimizers

    def plain() -> dict[str, Optimizer]:
        found = fused()
        for optimizer in found.values():
            for group in optimizer.param_groups:
                group["fused"] = None
        return found

    system.optimizers = plain


def draw_twice(system: System) -> None:
    """Every forward pass of a generator while training costs two."""

    def again(network: nn.Module, arriving: tuple[Tensor, ...]) -> None:
        with torch.no_grad():
            network.forward(*arriving)

    for name in system.ema:
        system.networks[name].register_forward_pre_hook(again)


def learn_everywhere(trainer: Trainer) -> None:
    """Backward passes that compute the gradients of all networks, whoever steps."""
    backward = trainer.fabric.backward
    trainer.fabric.backward = lambda loss, inputs=None: backward(loss)
