"""Every loss term of every step, as JSON lines, without making the device wait at each step."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError

Lines = list[tuple[int, dict[str, float]]]
"""Steps and their terms."""

Observer = Callable[[Lines], None]
"""Called with each batch of finished lines, in order."""


class StepLog:
    """Collects terms on the device and writes them out every `every` steps.

    Args:
        path: of the JSON-lines file, one object a step: {"step": 17, "l1": 0.21, ...}.
        start: step to go on from; later lines of an interrupted run are cut off.
        observers: told of the lines as they are written.

    Raises:
        SketchFaceError: if lines before `start` are lost, or (from `flush`) when a term is not
            finite, naming step and term.
    """

    def __init__(
        self, path: Path, start: int, observers: tuple[Observer, ...] = (), every: int = 20
    ) -> None:
        self.path, self.observers, self.every = path, observers, every
        self.waiting: list[tuple[int, dict[str, Tensor]]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = path.read_text(encoding="utf-8").splitlines()[:start] if path.exists() else []
        if len(kept) < start:
            raise SketchFaceError(
                f"{path}: {len(kept)} lines, but the checkpoint beside it is at step {start}; "
                f"remove {path.parent} to train from the start"
            )
        with atomic_file(path) as temporary:
            temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")

    def add(self, step: int, terms: dict[str, Tensor]) -> None:
        """Note a step's terms (0-dimensional tensors, still on the device)."""
        self.waiting.append((step, terms))
        if len(self.waiting) >= self.every:
            self.flush()

    def flush(self) -> None:
        """Fetch what waits in one transfer, write it, and check that it is finite."""
        if not self.waiting:
            return
        flat = torch.stack([t.float() for _, terms in self.waiting for t in terms.values()])
        values = iter(flat.tolist())
        lines = [(step, {name: next(values) for name in terms}) for step, terms in self.waiting]
        self.waiting = []
        for step, numbers in lines:
            for name, value in numbers.items():
                if not math.isfinite(value):
                    raise SketchFaceError(
                        f"step {step}: {name} is {value}; lower the learning rate or look at the "
                        "faces of this step"
                    )
        with self.path.open("a", encoding="utf-8") as file:
            for step, numbers in lines:
                file.write(json.dumps({"step": step} | numbers) + "\n")
        for observer in self.observers:
            observer(lines)


class ProgressLine:
    """A live line on the terminal: step, losses, images a second, time left."""

    def __init__(self, name: str, start: int, steps: int, batch: int) -> None:
        self.name, self.start, self.steps, self.batch = name, start, steps, batch
        self.began = self.shown = time.monotonic()

    def __call__(self, lines: Lines) -> None:
        """Show the last step, at most twice a second (twice a minute where nobody watches)."""
        step, terms = lines[-1]
        now = time.monotonic()
        if now - self.shown < (0.5 if sys.stderr.isatty() else 30) and step + 1 < self.steps:
            return
        self.shown = now
        rate = (step + 1 - self.start) / max(now - self.began, 1e-9)
        left = int((self.steps - step - 1) / max(rate, 1e-9))
        losses = "  ".join(f"{name} {value:.3f}" for name, value in terms.items())
        line = (
            f"{self.name}: {step + 1}/{self.steps}  {losses}  {rate * self.batch:.0f} images/s  "
            f"{left // 60}:{left % 60:02d} left"
        )
        end = "\n" if step + 1 == self.steps or not sys.stderr.isatty() else "\r"
        print(line, end=end, file=sys.stderr, flush=True)
