"""The step log of a training, while it runs and afterwards: where it lies and what it says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sketchface_models.errors import SketchFaceError

STEPS_FILE, SPEED_FILE, ABOUT_FILE = "steps.jsonl", "timing.jsonl", "about.json"
SAMPLES_FOLDER = "samples"
SPEED = "images_per_second"
HIDDEN = ("lr_", "grad_", SPEED)
"""As in `sketchface_models.training`, whose import takes seconds."""
STORE = Path(".cache/resume")
"""Where unfinished trainings wait, also those of `--temp` and queued experiments."""
FINISHED = (Path("data/train"), Path("data/pretrain"))
"""Where finished ones lie, as RUN/SEED."""
VALIDATION = "val_"
ROWS = 20
"""Most lines of the table."""

Step = dict[str, Any]
"""A line of the log: `step` and its terms."""


@dataclass(frozen=True)
class TrainingLog:
    """The log of one training.

    folder: that holds the log. run, seed: whose it is. steps: of the schedule. batch: faces a step.
    finished: whether it has ended.
    """

    folder: Path
    run: str
    seed: int
    steps: int
    batch: int
    finished: bool

    @property
    def title(self) -> str:
        """`hida, seed 0`."""
        return f"{self.run}, seed {self.seed}"

    def lines(self) -> Iterator[Step]:
        """Yield the lines of the log; one that is still being written is left out.

        Raises:
            SketchFaceError: for a damaged line.
        """
        return json_lines(self.folder / STEPS_FILE)

    def speeds(self) -> list[Step]:
        """Return the lines of the log of speeds: `step`, images a second, seconds since 1970."""
        return list(json_lines(self.folder / SPEED_FILE))

    def sheet(self) -> Path | None:
        """Return the newest validation sheet; None before the first."""
        return max((self.folder / SAMPLES_FOLDER).glob("*.png"), default=None)


def json_lines(path: Path) -> Iterator[Step]:
    """Yield the objects of a JSON-lines file, without a last line that has no end yet.

    Raises:
        SketchFaceError: for a damaged line.
    """
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith("\n"):
                return
            try:
                yield dict(json.loads(line))
            except (ValueError, TypeError):
                raise SketchFaceError(f"{path}:{number}: damaged; train this run again") from None


def find_log(name: str | None, seed: int | None = None) -> TrainingLog:
    """Return the training of this name whose log was written last, running or finished.

    Args:
        name: of a run, or a folder that holds a log, such as `data/train/RUN/SEED`; None: any run.
        seed: of the training; None: any.

    Raises:
        SketchFaceError: if there is none; it names those that there are.
    """
    if name and (logs := _logs_in(Path(name))):
        return logs
    every = [*_running(), *_finished()]
    chosen = [
        log for log in every if name in (None, log.run) and seed in (None, log.seed) and _age(log)
    ]
    if not chosen:
        wanted = f"{name or 'any run'}{'' if seed is None else f', seed {seed}'}"
        present = "; ".join(sorted({log.title for log in every})) or "none"
        raise SketchFaceError(
            f"{wanted}: no training here has this name ({present}); run this where dvc.yaml lies"
        )
    return max(chosen, key=_age)


def as_csv(log: TrainingLog) -> str:
    """Return every step as CSV: `step` from 1, then a column a term, empty where it has none."""
    steps = [{**line, "step": line["step"] + 1} for line in log.lines()]
    columns = {"step": None} | {name: None for step in steps for name in step}
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(steps)
    return text.getvalue()


def as_table(log: TrainingLog) -> str:
    """Return at most `ROWS` steps, evenly chosen, with their losses, as a table."""
    steps = list(log.lines())
    last = len(steps) - 1
    places = {round(i * last / (ROWS - 1)) for i in range(ROWS)} if steps else set()
    rows = [steps[place] for place in sorted(places)]
    names = [name for name in {n: None for row in rows for n in row} if is_loss(name)]
    widths = [max(len(name), 9) + 2 for name in names]
    head = f"{'step':>9}" + "".join(f"{name:>{w}}" for name, w in zip(names, widths, strict=True))
    body = [
        f"{row['step'] + 1:>9,}"
        + "".join(
            f"{row[name]:>{w}.4f}" if name in row else " " * w
            for name, w in zip(names, widths, strict=True)
        )
        for row in rows
    ]
    return "\n".join([f"{log.title}: {len(steps):,} of {log.steps:,} steps", "", head, *body])


def is_loss(name: str) -> bool:
    """Whether a term is a loss of the training faces: no rate, norm, speed or validation."""
    return name != "step" and not name.startswith((*HIDDEN, VALIDATION, SPEED))


def _age(log: TrainingLog) -> float:
    """When its log was written last, seconds since 1970; 0 where there is none."""
    path = log.folder / STEPS_FILE
    return path.stat().st_mtime if path.exists() else 0.0


def _running() -> Iterator[TrainingLog]:
    for path in STORE.glob(f"[!.]*/{ABOUT_FILE}"):
        if log := _logs_in(path.parent):
            yield log


def _finished() -> Iterator[TrainingLog]:
    for root in FINISHED:
        for path in root.glob(f"*/*/logs/{STEPS_FILE}"):
            if log := _logs_in(path.parent.parent):
                yield log


def _logs_in(folder: Path) -> TrainingLog | None:
    """The log in a folder: of a finished training (RUN/SEED), or of one in the store."""
    about = _json(folder / ABOUT_FILE)
    try:
        if about:
            own = {key: about[key] for key in ("run", "seed", "steps", "batch")}
            return TrainingLog(folder, **own, finished=False)
        card = _json(folder / "weights" / "model.json")
        if card and (folder / "logs").is_dir():
            batch = card["model"].get("schedule", {}).get("batch", 1)
            own = {key: card[key] for key in ("run", "seed", "steps")}
            return TrainingLog(folder / "logs", **own, batch=batch, finished=True)
    except (KeyError, TypeError, AttributeError):
        raise SketchFaceError(f"{folder}: damaged; train this run again") from None
    return None


def _json(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
