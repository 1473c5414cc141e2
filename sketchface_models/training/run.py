"""Train one run from its configuration and pack to weights, resumable and locked."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import make_dataclass
from pathlib import Path
from typing import Annotated, Any

import torch

import sketchface_models
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.config import NonEmpty, load
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import CARD, WEIGHTS
from sketchface_models.memory import keep_freed_memory
from sketchface_models.systems.base import System, Task
from sketchface_models.systems.registry import build, system_class
from sketchface_models.training import checkpoint
from sketchface_models.training.feed import stream_seed
from sketchface_models.training.log import Observer, ProgressLine, StepLog
from sketchface_models.training.pack import Pack
from sketchface_models.training.settings import Engine, accelerator, precision
from sketchface_models.training.trainer import Trainer


def train(
    config: Mapping[str, Any],
    pack_folder: Path,
    out: Path,
    store: Path,
    observers: tuple[Observer, ...] = (),
) -> None:
    """Train and write `out/weights` and `out/logs`, both whole or not at all.

    Args:
        config: {"run": name, "seed": number, "model": a `systems.RUN` mapping, "engine": mapping}.
        pack_folder: a pack made for the same task.
        out: folder that receives the two outputs.
        store: folder of resume states; this run's stands under the hash of its parameters, pack
            and code, so that no other run can go on from it.
        observers: told of every step's terms.

    Raises:
        SketchFaceError: for a configuration, pack or state that does not fit, a second process on
            the same state, or a loss that is no longer finite.
    """
    engine = _checked(config)
    keep_freed_memory()
    pack = Pack(pack_folder)
    torch.manual_seed(stream_seed(config["seed"], "init"))
    system = build(config["model"], pack.channels)
    _check_task(system, pack)
    pack_hash = folder_hash(pack_folder)
    facts = [config, pack_hash, code_hash(), accelerator(engine), precision(engine)]
    fingerprint = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
    place = store / fingerprint
    began = time.time()
    with _locked(place):
        trainer = Trainer(system, pack, config["seed"], engine, place / "state.safetensors")
        schedule, start = trainer.schedule, trainer.step
        progress = ProgressLine(f"train {config['run']}", start, schedule.steps, schedule.batch)
        log = StepLog(place / "steps.jsonl", start, (*observers, progress))
        trainer.fit(log)
        card = {
            "run": config["run"],
            "seed": config["seed"],
            "model": dict(config["model"]),
            "channels": pack.channels,
            "pack": pack_hash,
            "parameters": {
                name: sum(p.numel() for p in network.parameters())
                for name, network in system.networks.items()
            },
            "steps": schedule.steps,
            "images": schedule.steps * schedule.batch,
        }
        with atomic_dir(out / "weights") as folder:
            checkpoint.save_tensors(folder / WEIGHTS, trainer.weights(), card)
            write_json(folder / CARD, card)
        with atomic_dir(out / "logs") as folder:
            shutil.copyfile(log.path, folder / "steps.jsonl")
            circumstances = environment(engine) | {
                "resumed_at": start,
                "images_per_second": (schedule.steps - start)
                * schedule.batch
                / max(time.time() - began, 1e-9),
            }
            write_json(folder / "run.json", circumstances)
        shutil.rmtree(place, ignore_errors=True)


def code_hash() -> str:
    """SHA-256 (hex) over every source file of this package."""
    root = Path(sketchface_models.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def folder_hash(folder: Path) -> str:
    """SHA-256 (hex) over the names and bytes of the files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(p for p in Path(folder).iterdir() if p.is_file()):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def environment(engine: Engine) -> dict[str, Any]:
    """Where a run was trained: hardware, versions, commit."""
    cuda = accelerator(engine) == "cuda"
    return {
        "hardware": torch.cuda.get_device_name() if cuda else _processor(),
        "threads": torch.get_num_threads(),
        "precision": precision(engine),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "commit": _commit(),
    }


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


def _commit() -> str:
    """The commit of this code, where it is a checkout and git is there to ask."""
    command = ["git", "rev-parse", "HEAD"]
    with contextlib.suppress(OSError):
        place = Path(__file__).parent
        asked = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
        return asked.stdout.strip() or "unknown"
    return "unknown"


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return platform.processor() or platform.machine()


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[None]:
    """Hold a resume folder for this process alone (the lock goes with the process)."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SketchFaceError(
                f"{place}: another process trains this very run; wait for it or stop it"
            ) from None
        yield
