"""Give the engine a run's configuration, a store of checkpoints, and DVCLive as a logger."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from dvclive import Live

from pipeline.common.parameters import Parameters
from sketchface_models.systems.registry import system_class
from sketchface_models.training.engine_settings import Engine
from sketchface_models.training.log import Lines

SHEET = "validation.png"


def run_config(params: Parameters, run: str, seed: int) -> dict[str, Any]:
    """Return the configuration that `sketchface_models.training.run.train` takes, JSON-able.

    Raises:
        SketchFaceError: listing every violation in the run's section and the engine's.
    """
    cls = system_class(params.value(f"systems.{run}.system"))
    params.check({f"systems.{run}": cls.Settings, "engine": Engine})
    return {
        "run": run,
        "seed": seed,
        "model": dataclasses.asdict(params.section(f"systems.{run}", cls.Settings)),
        "engine": dataclasses.asdict(params.section("engine", Engine)),
    }


def resume_store() -> Path:
    """Return the folder of checkpoints; `--temp` and queued runs share it."""
    return _work_in_progress() / "resume"


def live_folder(run: str, seed: int) -> Path:
    """Return the folder in which DVCLive shows a run; shared with `--temp` and queued runs."""
    return _work_in_progress() / "live" / run / str(seed)


def _work_in_progress() -> Path:
    return Path(os.environ.get("DVC_ROOT", "."), ".cache")


class LiveLogger:
    """Writes DVCLive's files: every validation, the last step, and in between a step a second.

    A context manager. Nothing is written before the first line arrives: of several processes,
    only the one that receives lines writes.

    Args:
        folder: for the files.
        per_second: most steps written a second.
    """

    def __init__(self, folder: Path, per_second: float = 1.0) -> None:
        self.folder, self.interval = folder, 1 / per_second
        self.live: Live | None = None
        self.written_at = float("-inf")
        self.waiting: Lines = []

    def lines(self, lines: Lines) -> None:
        """Log a batch of lines; an `Observer` of `sketchface_models.training.log`."""
        chosen = [line for line in lines if any(name.startswith("val_") for name in line[1])]
        if time.monotonic() - self.written_at >= self.interval and lines[-1] not in chosen:
            chosen.append(lines[-1])
        self._write(chosen)
        self.waiting = [] if lines[-1] in chosen else [lines[-1]]

    def sheet(self, step: int, path: Path) -> None:
        """Show the validation sheet after `step` steps in place of the one before."""
        live = self._open_live()
        live.step = step - 1
        live.log_image(SHEET, str(path))

    def __enter__(self) -> LiveLogger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._write(self.waiting)
        if self.live:
            self.live.end()

    def _write(self, lines: Lines) -> None:
        for step, terms in lines:
            self.written_at = time.monotonic()
            live = self._open_live()
            live.step = step
            for name, value in terms.items():
                live.log_metric(name, value)
        if lines:
            self._open_live().make_summary()

    def _open_live(self) -> Live:
        if not self.live:
            self.live = Live(str(self.folder), dvcyaml=None, save_dvc_exp=False, report=None)
        return self.live
