"""What a finished run hands over, and the notes on where and how fast it was trained."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sketchface_models import checkpoint
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.inference import BEST_FILE, CARD_FILE, WEIGHTS_FILE
from sketchface_models.styles import STYLE, style_counts
from sketchface_models.training import cost
from sketchface_models.training.guards import SKIPPED
from sketchface_models.training.identity import Identity, environment, folder_hash
from sketchface_models.training.trainer import Trainer

STEPS, TIMING, SESSIONS, SAMPLES = "steps.jsonl", "timing.jsonl", "sessions.json", "samples"
"""What a run's folder in the store holds beside its checkpoints."""


def deliver(
    config: Mapping[str, Any], trainer: Trainer, place: Path, out: Path, notes: dict[str, Any]
) -> None:
    """Write both outputs, and drop the state."""
    schedule, pack, best = trainer.schedule, trainer.pack, trainer.best
    card = {
        "run": config["run"],
        "seed": config["seed"],
        "model": dict(config["model"]),
        "channels": pack.channels,
        "pack": folder_hash(pack.folder),
        "faces": pack.faces,
        "parameters": notes["parameters"],
        "steps": schedule.steps,
        "images": schedule.steps * schedule.batch,
    }
    if STYLE in pack.channels:
        trained = (pack.styles[row] for row in pack.rows("train"))
        card["styles"] = style_counts(trained, pack.channels[STYLE])
    with atomic_dir(out / "weights") as folder:
        checkpoint.save_tensors(folder / WEIGHTS_FILE, trainer.weights(), card)
        write_json(folder / CARD_FILE, card)
        if best.step is not None:
            chosen = {"steps": best.step, "images": best.step * schedule.batch}
            about = card | chosen | {"best": best.note()}
            checkpoint.save_tensors(folder / BEST_FILE, best.weights, about)
    with atomic_dir(out / "logs") as folder:
        for name in (STEPS, TIMING):
            shutil.copyfile(place / name, folder / name)
        if (place / SAMPLES).exists():
            shutil.copytree(place / SAMPLES, folder / SAMPLES)
        lines = (folder / STEPS).read_text(encoding="utf-8").splitlines()
        skipped = sum(json.loads(line).get(SKIPPED, 0) for line in lines)
        write_json(folder / "run.json", notes | {"best": best.note(), "skipped_updates": skipped})
    _drop(place)


def _drop(place: Path) -> None:
    """Remove a run's folder; in one stroke first, so that no part of it is ever taken for whole."""
    for folder in (place, *place.parent.glob(".*.finished")):
        gone = place.parent / f".{folder.name.strip('.').removesuffix('.finished')}.finished"
        with contextlib.suppress(OSError):
            folder.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)


class Session:
    """One stretch of training between two interruptions, noted where the next will find it."""

    def __init__(self, place: Path, who: Identity, trainer: Trainer) -> None:
        self.trainer, self.start, self.began = trainer, trainer.step, time.monotonic()
        self.here = environment(who)
        self.earlier: list[dict[str, Any]] = []
        if not trainer.fabric.is_global_zero:
            return
        who.claim(place)
        path = place / SESSIONS
        with contextlib.suppress(OSError, ValueError):
            self.earlier = list(json.loads(path.read_text(encoding="utf-8")))
        write_json(path, [*self.earlier, self.here | {"from_step": self.start}])

    def notes(self) -> dict[str, Any]:
        """Where and how fast it was trained, in this session and the ones before."""
        schedule = self.trainer.schedule
        images = (schedule.steps - self.start) * schedule.batch
        return self.here | {
            "resumed_at": self.start,
            "earlier_sessions": self.earlier,
            "images_per_second": images / max(time.monotonic() - self.began, 1e-9),
            "peak_memory_bytes": cost.peak_memory(),
        }
