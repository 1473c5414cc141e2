"""Write the outputs of a finished run: weights with a card, logs with where and how fast."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from sketchface_models import checkpoint
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.inference import BEST_FILE, CARD_FILE, WEIGHTS_FILE
from sketchface_models.styles import STYLE, style_counts
from sketchface_models.training import cost
from sketchface_models.training.fingerprint import Fingerprint, environment, folder_hash
from sketchface_models.training.guards import SKIPPED
from sketchface_models.training.pack_reader import Pack
from sketchface_models.training.trainer import Trainer

STEPS_FILE, SPEED_FILE, SESSIONS_FILE = "steps.jsonl", "timing.jsonl", "sessions.json"
ABOUT_FILE = "about.json"
SAMPLES_FOLDER = "samples"
"""What a run's folder in the store holds beside its checkpoints."""


class TrainingSession:
    """One stretch of training between two interruptions; recorded in the run's folder.

    Beside it `ABOUT_FILE` says whose the folder is, for those who watch: `run`, `seed`, `steps` of
    the schedule, `batch` faces a step.

    Args:
        folder: of the run in the store.
        fingerprint: of the run.
        trainer: ready to go on.
        run: its name.
    """

    def __init__(self, folder: Path, fingerprint: Fingerprint, trainer: Trainer, run: str) -> None:
        self.trainer, self.first_step, self.started = trainer, trainer.step, time.monotonic()
        numerics = fingerprint.numerics
        self.environment = numerics | environment(numerics["device"])
        self.earlier: list[dict[str, Any]] = []
        if not trainer.fabric.is_global_zero:
            return
        fingerprint.record(folder)
        schedule = trainer.schedule
        about = {"run": run, "seed": trainer.seed}
        write_json(folder / ABOUT_FILE, about | {"steps": schedule.steps, "batch": schedule.batch})
        path = folder / SESSIONS_FILE
        with contextlib.suppress(OSError, ValueError):
            self.earlier = list(json.loads(path.read_text(encoding="utf-8")))
        write_json(path, [*self.earlier, self.environment | {"from_step": self.first_step}])

    def notes(self) -> dict[str, Any]:
        """Return where and how fast it was trained, in this session and the ones before."""
        schedule = self.trainer.schedule
        images = (schedule.steps - self.first_step) * schedule.batch
        return self.environment | {
            "resumed_at": self.first_step,
            "earlier_sessions": self.earlier,
            "images_per_second": images / max(time.monotonic() - self.started, 1e-9),
            "peak_memory_bytes": cost.peak_memory(),
        }


def write_outputs(
    config: Mapping[str, Any], trainer: Trainer, store: Path, out: Path, notes: dict[str, Any]
) -> None:
    """Write `out/weights` and `out/logs`, and remove the run's folder from the store.

    Args:
        config: of the run, see `run.train`.
        trainer: at its last step.
        store: the run's folder in the store.
        out: receives both outputs.
        notes: for `logs/run.json`; needs `parameters`.
    """
    _write_weights(config, trainer, out / "weights", notes["parameters"])
    _write_logs(trainer, store, out / "logs", notes)
    _remove(store)


def write_untrained(config: Mapping[str, Any], pack: Pack, out: Path) -> None:
    """Write the two outputs of a run that learns nothing: a card, and logs of no step.

    Args:
        config: of the run, see `run.train`.
        pack: of the run.
        out: receives both outputs.
    """
    card = _card(config, pack, {}) | {"steps": 0, "images": 0}
    with atomic_dir(out / "weights") as folder:
        checkpoint.save_tensors(folder / WEIGHTS_FILE, {}, card)
        write_json(folder / CARD_FILE, card)
    with atomic_dir(out / "logs") as folder:
        (folder / STEPS_FILE).touch()
        numerics = {"device": "cpu", "precision": "none", "torch": torch.__version__}
        write_json(folder / "run.json", numerics | environment("cpu") | {"parameters": {}})


def _card(config: Mapping[str, Any], pack: Pack, parameters: dict[str, int]) -> dict[str, Any]:
    card = {
        "run": config["run"],
        "seed": config["seed"],
        "model": dict(config["model"]),
        "channels": pack.channels,
        "pack": folder_hash(pack.folder),
        "faces": pack.faces,
        "parameters": parameters,
    }
    if STYLE in pack.channels:
        styles = (pack.styles[row] for row in pack.rows("train"))
        card["styles"] = style_counts(styles, pack.channels[STYLE])
    return card


def _write_weights(
    config: Mapping[str, Any], trainer: Trainer, out: Path, parameters: dict[str, int]
) -> None:
    schedule, pack, best = trainer.schedule, trainer.pack, trainer.best
    card = _card(config, pack, parameters)
    card |= {"steps": schedule.steps, "images": schedule.steps * schedule.batch}
    with atomic_dir(out) as folder:
        checkpoint.save_tensors(folder / WEIGHTS_FILE, trainer.weights(), card)
        write_json(folder / CARD_FILE, card)
        if best.step is not None:
            length = {"steps": best.step, "images": best.step * schedule.batch}
            best_card = card | length | {"best": best.note()}
            checkpoint.save_tensors(folder / BEST_FILE, best.weights, best_card)


def _write_logs(trainer: Trainer, store: Path, out: Path, notes: dict[str, Any]) -> None:
    with atomic_dir(out) as folder:
        for name in (STEPS_FILE, SPEED_FILE):
            shutil.copyfile(store / name, folder / name)
        if (store / SAMPLES_FOLDER).exists():
            shutil.copytree(store / SAMPLES_FOLDER, folder / SAMPLES_FOLDER)
        lines = (folder / STEPS_FILE).read_text(encoding="utf-8").splitlines()
        skipped = sum(json.loads(line).get(SKIPPED, 0) for line in lines)
        best = trainer.best.note()
        write_json(folder / "run.json", notes | {"best": best, "skipped_updates": skipped})


def _remove(store: Path) -> None:
    """Remove a run's folder; renamed first, so that no part of it is ever taken for whole."""
    # What a run left that was killed in here would be in the new name's way.
    for finished in store.parent.glob(".*.finished"):
        shutil.rmtree(finished, ignore_errors=True)
    finished = store.parent / f".{store.name}.finished"
    with contextlib.suppress(OSError):
        store.replace(finished)
    shutil.rmtree(finished, ignore_errors=True)
