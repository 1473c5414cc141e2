"""Train one run from its configuration and pack to weights, resumable and locked."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import make_dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from lightning_fabric import Fabric

from sketchface_models.config import NonEmpty, load
from sketchface_models.errors import Interrupted, SketchFaceError
from sketchface_models.runtime import deterministic_mode, keep_freed_memory
from sketchface_models.systems.base import System
from sketchface_models.systems.registry import build, system_class
from sketchface_models.systems.run_settings import Schedule, Task
from sketchface_models.training import cost
from sketchface_models.training.checkpoints import Checkpoints, locked
from sketchface_models.training.distributed import (
    all_equal,
    all_reduce_mean_,
    launch,
    rank_zero_errors,
)
from sketchface_models.training.engine_settings import Engine, precision
from sketchface_models.training.feed import Feed, stream_seed
from sketchface_models.training.fingerprint import fingerprint, folder_hash
from sketchface_models.training.guards import one_line_resource_errors
from sketchface_models.training.interruption import Interruption
from sketchface_models.training.log import Observer, StepLog
from sketchface_models.training.outputs import (
    SAMPLES_FOLDER,
    SPEED_FILE,
    STEPS_FILE,
    TrainingSession,
    write_outputs,
    write_untrained,
)
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.speed_log import ProgressLine, SpeedLog
from sketchface_models.training.starting_weights import load_start
from sketchface_models.training.trainer import Trainer
from sketchface_models.training.validation_sheets import SheetObserver, SheetWriter


def train(
    config: Mapping[str, Any],
    pack_folder: Path,
    out: Path,
    store: Path,
    observers: tuple[Observer, ...] = (),
    sheet_observers: tuple[SheetObserver, ...] = (),
    start: Path | None = None,
) -> None:
    """Train and write `out/weights` and `out/logs`, both whole or not at all.

    Where `engine.devices`, `torchrun` or SLURM ask for several processes, each of them runs this
    function; rank zero alone writes and calls observers. The folders must be the same for all.

    Args:
        config: {"run": name, "seed": number, "model": a `systems.RUN` mapping, "engine": mapping}.
        pack_folder: a pack made for the same task.
        out: folder that receives the two outputs.
        store: folder of checkpoints; those of this run lie under its fingerprint (of parameters,
            pack, code, device, precision, ...), so that no other run can resume from them.
        observers: called with every step's terms.
        sheet_observers: called with every validation sheet.
        start: folder with the run's starting weights (see `start`); none if None.

    Raises:
        SketchFaceError: for a configuration, pack or checkpoint that does not fit, a second
            process on the same run, a loss that is no longer finite, or a machine that is too
            small.
        Interrupted: on Ctrl-C, after the step that runs is saved.
    """
    # Settings, data, networks.
    engine = _checked(config)
    keep_freed_memory()
    pack = Pack(pack_folder)
    torch.manual_seed(stream_seed(config["seed"], "init"))
    system = build(config["model"], pack.channels)
    _check_task(system, pack)
    if not system.trained:
        write_untrained(config, pack, out)
        return
    _start(system, start)
    schedule = system.settings.schedule

    # Processes, and the folder that checkpoints wait in.
    fabric = launch(engine)
    data = folder_hash(pack_folder) + (folder_hash(start) if start else "")
    key = fingerprint(config, engine, fabric, data)
    folder = store / key.name
    with (
        rank_zero_errors(fabric),
        locked(folder, fabric),
        deterministic_mode(engine.deterministic),
        one_line_resource_errors(schedule.batch // fabric.world_size, pack.size),
    ):
        costs = _costs(system, pack, engine, fabric)
        trainer = Trainer(system, pack, config["seed"], engine, fabric)

        # Resume.
        checkpoints = Checkpoints(folder, fabric, engine)
        checkpoints.resume(trainer.load_state_dict)
        if not all_equal(fabric, trainer.step):
            raise SketchFaceError(
                f"{folder}: not the same for all processes; put the store where each can read it"
            )
        session = TrainingSession(folder, key, trainer, config["run"])
        title = f"train {config['run']}, seed {config['seed']}"
        if trainer.step and fabric.is_global_zero:
            print(f"{title}: goes on from step {_of(trainer.step, schedule)}", file=sys.stderr)

        # Train.
        line = ProgressLine(title, trainer.step, schedule.steps, schedule.batch)
        log = _step_log(folder, trainer, (line, *observers))
        sheets = SheetWriter(folder / SAMPLES_FOLDER, fabric, sheet_observers)
        with _interruptible(title, checkpoints, trainer, line) as interruption:
            trainer.fit(log, checkpoints, sheets, interruption.due)
        if fabric.is_global_zero:
            write_outputs(config, trainer, folder, out, session.notes() | costs)


@contextmanager
def _interruptible(
    title: str, checkpoints: Checkpoints, trainer: Trainer, line: ProgressLine
) -> Iterator[Interruption]:
    """Listen for Ctrl-C, and say in one line what is kept after it.

    Raises:
        Interrupted: if training stopped before its end.
    """
    try:
        with Interruption(trainer.fabric) as interruption:
            yield interruption
        stopped = trainer.step < trainer.schedule.steps
    except KeyboardInterrupt:
        stopped = True
    finally:
        line.close()
    if not stopped:
        return
    where = f"{title}: stopped after step {_of(trainer.step, trainer.schedule)}"
    if not checkpoints.step:
        raise Interrupted(f"{where}, before its first checkpoint; the same command starts again")
    checkpoint = f"the checkpoint of step {checkpoints.step:,} is kept"
    raise Interrupted(f"{where}; {checkpoint}, and the same command goes on from there")


def _of(step: int, schedule: Schedule) -> str:
    """`1,200 of 4,000`."""
    return f"{step:,} of {schedule.steps:,}"


def _step_log(folder: Path, trainer: Trainer, observers: tuple[Observer, ...]) -> StepLog:
    """The log of the terms; the speed is measured between it and the observers."""
    fabric, start, path = trainer.fabric, trainer.step, None
    if fabric.is_global_zero:
        observers = (SpeedLog(folder / SPEED_FILE, start, trainer.schedule.batch, observers),)
        path = folder / STEPS_FILE
    return StepLog(
        path,
        start,
        observers if fabric.is_global_zero else (),
        all_reduce=lambda values: all_reduce_mean_(fabric, [values]),
        check=trainer.guard.check,
    )


def _costs(system: System, pack: Pack, engine: Engine, fabric: Fabric) -> dict[str, Any]:
    """What training costs, counted on two faces before it begins."""
    if not fabric.is_global_zero:
        return {}
    faces = min(2, system.settings.schedule.batch)
    raw = Feed(pack, system.settings.schedule.batch, system.settings.augment, 0).raw(0)
    counts = cost.measure(system, {name: tensor[:faces] for name, tensor in raw.items()})
    rate = cost.matmul_rate(fabric.device, precision(engine))
    return counts | {"matmul_flops_per_second": rate}


def _checked(config: Mapping[str, Any]) -> Engine:
    """Refuse a configuration with every violation of all its parts at once."""
    model = config.get("model") if isinstance(config, Mapping) else None
    settings = system_class(model.get("system")).Settings if isinstance(model, Mapping) else Task
    parts = [("run", Annotated[str, NonEmpty()]), ("seed", int)]
    whole = make_dataclass("config", [*parts, ("model", settings), ("engine", Engine)])
    engine: Engine = load(whole, config).engine
    return engine


def _start(system: System, folder: Path | None) -> None:
    """Load starting weights; refuse a run that needs them and has none."""
    if folder:
        load_start(system, folder)
    elif getattr(system.settings, "pretrain", {}):
        raise SketchFaceError(
            "pretrain: the run starts from others; name its folder, data/start/RUN/SEED"
        )


def _check_task(system: System, pack: Pack) -> None:
    task: Task = system.settings.task
    wanted = _words(task.inputs, task.target, task.size, task.sizes, task.unpaired)
    sizes = {name: size for name, size in pack.sizes.items() if size != pack.size}
    made = _words(pack.inputs, pack.target, pack.size, sizes, len(pack.domains) > 1)
    if wanted != made:
        raise SketchFaceError(
            f"{pack.folder}: made for {made}, the run asks for {wanted}; rerun its pack stage"
        )
    if any(len(domain.rows("train")) < 2 for domain in pack.domains):
        raise SketchFaceError(f"{pack.folder}: fewer than two training faces")


def _words(
    inputs: Sequence[str], target: str, size: int, sizes: Mapping[str, int], unpaired: bool
) -> str:
    own = "".join(f", {name} at {side}" for name, side in sorted(sizes.items()) if side != size)
    return f"{', '.join(inputs)} -> {target} at {size}{own}{', unpaired' if unpaired else ''}"
