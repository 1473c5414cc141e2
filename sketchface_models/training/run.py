"""Train one run from its configuration and pack to weights, resumable and locked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import make_dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from lightning_fabric import Fabric

from sketchface_models.config import NonEmpty, load
from sketchface_models.errors import SketchFaceError
from sketchface_models.memory import keep_freed_memory
from sketchface_models.systems.base import System, Task
from sketchface_models.systems.registry import build, system_class
from sketchface_models.training import cost
from sketchface_models.training.deliver import STEPS, TIMING, Session, deliver
from sketchface_models.training.distributed import agree, average_, launch, one_voice
from sketchface_models.training.feed import Feed, stream_seed
from sketchface_models.training.guards import plain_failures
from sketchface_models.training.identity import folder_hash, identity
from sketchface_models.training.keeper import FolderKeeper, SheetObserver
from sketchface_models.training.log import Observer, StepLog
from sketchface_models.training.modes import torch_modes
from sketchface_models.training.pack import Pack
from sketchface_models.training.progress import ProgressLine, Stopwatch
from sketchface_models.training.settings import Engine, precision
from sketchface_models.training.states import States, locked
from sketchface_models.training.trainer import Trainer


def train(
    config: Mapping[str, Any],
    pack_folder: Path,
    out: Path,
    store: Path,
    observers: tuple[Observer, ...] = (),
    sheets: tuple[SheetObserver, ...] = (),
) -> None:
    """Train and write `out/weights` and `out/logs`, both whole or not at all.

    Where `engine.devices`, `torchrun` or SLURM ask for several processes, each of them runs this
    function; process 0 alone writes and calls observers. The folders must be the same for all.

    Args:
        config: {"run": name, "seed": number, "model": a `systems.RUN` mapping, "engine": mapping}.
        pack_folder: a pack made for the same task.
        out: folder that receives the two outputs.
        store: folder of resume states; this run's stands under the hash of its parameters, pack,
            code and circumstances, so that no other run can go on from it.
        observers: told of every step's terms.
        sheets: told of every validation sheet.

    Raises:
        SketchFaceError: for a configuration, pack or state that does not fit, a second process on
            the same state, a loss that is no longer finite, or a machine that is too small.
    """
    engine = _checked(config)
    keep_freed_memory()
    pack = Pack(pack_folder)
    torch.manual_seed(stream_seed(config["seed"], "init"))
    system = build(config["model"], pack.channels)
    _check_task(system, pack)
    fabric = launch(engine)
    who = identity(config, engine, fabric, folder_hash(pack_folder))
    place = store / who.fingerprint
    schedule = system.settings.schedule
    with (
        one_voice(fabric),
        locked(place, fabric),
        torch_modes(engine),
        plain_failures(schedule.batch // fabric.world_size, pack.size),
    ):
        costs = _measured(system, pack, engine, fabric)
        trainer = Trainer(system, pack, config["seed"], engine, fabric)
        states = States(place)
        states.resume(trainer.load, warn=fabric.is_global_zero)
        if not agree(fabric, trainer.step):
            raise SketchFaceError(
                f"{place}: not the same for all processes; put the store where each can read it"
            )
        session = Session(place, who, trainer)
        line = ProgressLine(f"train {config['run']}", trainer.step, schedule.steps, schedule.batch)
        log = _log(place, trainer, (line, *observers))
        trainer.fit(log, FolderKeeper(fabric, engine, states, sheets))
        if fabric.is_global_zero:
            deliver(config, trainer, place, out, session.notes() | costs)


def _log(place: Path, trainer: Trainer, observers: tuple[Observer, ...]) -> StepLog:
    """The log of the terms, with a stopwatch between it and the observers."""
    start = trainer.step
    fabric, check = trainer.fabric, trainer.guard.check
    if not fabric.is_global_zero:
        return StepLog(None, start, share=lambda t: average_(fabric, [t]), check=check)
    watch = Stopwatch(place / TIMING, start, trainer.schedule.batch, observers)
    path = place / STEPS
    return StepLog(path, start, (watch,), share=lambda t: average_(fabric, [t]), check=check)


def _measured(system: System, pack: Pack, engine: Engine, fabric: Fabric) -> dict[str, Any]:
    """What training costs, counted on two faces before it begins."""
    if not fabric.is_global_zero:
        return {}
    seen = min(2, system.settings.schedule.batch)
    raw = Feed(pack, system.settings.schedule.batch, system.settings.augment, 0).raw(0)
    counted = cost.measure(system, {name: tensor[:seen] for name, tensor in raw.items()})
    rate = cost.matmul_rate(fabric.device, precision(engine))
    return counted | {"matmul_flops_per_second": rate}


def _checked(config: Mapping[str, Any]) -> Engine:
    """Refuse a configuration with every violation of all its parts at once."""
    model = config.get("model") if isinstance(config, Mapping) else None
    settings = system_class(model.get("system")).Settings if isinstance(model, Mapping) else Task
    parts = [("run", Annotated[str, NonEmpty()]), ("seed", int)]
    whole = make_dataclass("config", [*parts, ("model", settings), ("engine", Engine)])
    engine: Engine = load(whole, config).engine
    return engine


def _check_task(system: System, pack: Pack) -> None:
    task: Task = system.settings.task
    wanted = f"{', '.join(task.inputs)} -> {task.target} at {task.size}"
    made = f"{', '.join(pack.inputs)} -> {pack.target} at {pack.size}"
    if wanted != made:
        raise SketchFaceError(
            f"{pack.folder}: made for {made}, the run asks for {wanted}; rerun its pack stage"
        )
    if len(pack.rows("train")) < 2:
        raise SketchFaceError(f"{pack.folder}: fewer than two training faces")
