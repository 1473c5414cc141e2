"""Speed of training, kept apart from the log of its terms, which holds no clock."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from sketchface_models.training.log import Lines, Observer

SPEED = "images_per_second"
HIDDEN = ("lr_", "grad_", SPEED)
"""Beginnings of the terms that the live line leaves out."""


class SpeedLog:
    """An observer that logs the images a second and passes them on with the last line.

    Args:
        path: of a JSON-lines file: {"step": 39, "images_per_second": 41.2, "time": seconds since
            1970}, one line for each look at the device.
        start: step to go on from; the lines of later steps are cut off.
        batch: images a step.
        observers: called with the lines, the last of which also has the term `images_per_second`.
    """

    def __init__(self, path: Path, start: int, batch: int, observers: tuple[Observer, ...]) -> None:
        self.path, self.batch, self.observers = path, batch, observers
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        kept = [line for line in lines if _step(line) < start]
        path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        self.before = time.monotonic()

    def __call__(self, lines: Lines) -> None:
        """Log the speed of these lines."""
        now = time.monotonic()
        speed = len(lines) * self.batch / max(now - self.before, 1e-9)
        self.before = now
        step, terms = lines[-1]
        entry = {"step": step, SPEED: round(speed, 2), "time": round(time.time(), 1)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        for observer in self.observers:
            observer([*lines[:-1], (step, terms | {SPEED: speed})])


class ProgressLine:
    """A live line on the terminal: step, losses, images a second, time left.

    Without a terminal a line a minute.
    """

    def __init__(self, name: str, start: int, steps: int, batch: int) -> None:
        self.name, self.start, self.steps, self.batch = name, start, steps, batch
        self.began = self.shown = time.monotonic()
        self.open = False

    def __call__(self, lines: Lines) -> None:
        """Show the last step, at most twice a second (once a minute without a terminal)."""
        step, terms = lines[-1]
        now = time.monotonic()
        if now - self.shown < (0.5 if sys.stderr.isatty() else 60) and step + 1 < self.steps:
            return
        self.shown = now
        rate = (step + 1 - self.start) / max(now - self.began, 1e-9)
        left = int((self.steps - step - 1) / max(rate, 1e-9))
        losses = "  ".join(
            f"{name} {value:.3f}" for name, value in terms.items() if not name.startswith(HIDDEN)
        )
        line = (
            f"{self.name}: {step + 1}/{self.steps}  {losses}  {rate * self.batch:.0f} images/s  "
            f"{left // 60}:{left % 60:02d} left"
        )
        self.open = step + 1 < self.steps and sys.stderr.isatty()
        print(line, end="\r" if self.open else "\n", file=sys.stderr, flush=True)

    def close(self) -> None:
        """End a live line, so that what follows stands on one of its own."""
        if self.open:
            print(file=sys.stderr, flush=True)
        self.open = False


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")  # torn by the end of the process that wrote it
