"""What the pipeline hands to the engine: a run's configuration, the resume store, a logger."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dvclive import Live

from pipeline.stage import Parameters
from sketchface_models.systems.registry import system_class
from sketchface_models.training.log import Lines, Observer
from sketchface_models.training.settings import Engine


def run_config(params: Parameters, run: str, seed: int) -> dict[str, Any]:
    """The configuration `sketchface_models.training.run.train` takes, as plain JSON-able values.

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
    """Where unfinished runs wait: beside DVC's outputs, shared with `--temp` and queued runs."""
    return _work_in_progress() / "resume"


def live_folder(run: str, seed: int) -> Path:
    """Where DVCLive shows a run while it learns; `--temp` and queued runs share it too."""
    return _work_in_progress() / "live" / run / str(seed)


def _work_in_progress() -> Path:
    return Path(os.environ.get("DVC_ROOT", "."), ".cache")


@contextmanager
def live_logger(folder: Path, per_second: float = 1.0) -> Iterator[Observer]:
    """An observer that writes DVCLive's files for whoever watches while a run learns.

    At most `per_second` new lines a second. They are no output: what stays are the run's own logs.
    """
    last = float("-inf")
    with Live(str(folder), dvcyaml=None, save_dvc_exp=False, report=None) as live:

        def observe(lines: Lines) -> None:
            nonlocal last
            chosen = [line for line in lines if any(name.startswith("val_") for name in line[1])]
            if time.monotonic() - last >= 1 / per_second and lines[-1] not in chosen:
                chosen.append(lines[-1])
            for step, terms in chosen:
                last = time.monotonic()
                live.step = step
                for name, value in terms.items():
                    live.log_metric(name, value)
            if chosen:
                live.make_summary()

        yield observe
