"""Log every loss term of every step as JSON lines, without waiting for the device at each step."""

from __future__ import annotations

import json
import os
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

Terms = dict[str, Tensor | float]
"""A step's terms by name: tensors of shape (), still on the device, or plain numbers."""


class StepLog:
    """Collects terms on the device and writes them out every `every` steps.

    Args:
        path: of the JSON-lines file, one object a step: {"step": 17, "l1": 0.21, ...}; None in
            processes that do not write.
        start: step to go on from; later lines of an interrupted run are cut off.
        observers: called with the lines as they are written.
        every: steps between two looks at the device.
        all_reduce: replaces a vector by its mean over all processes, in place.
        check: refuses or cleans lines before they are written.

    Raises:
        SketchFaceError: if lines before `start` are lost.
    """

    def __init__(
        self,
        path: Path | None,
        start: int,
        observers: tuple[Observer, ...] = (),
        every: int = 20,
        all_reduce: Callable[[Tensor], None] = lambda values: None,
        check: Callable[[Lines], Lines] = lambda lines: lines,
    ) -> None:
        self.path, self.observers, self.every = path, observers, every
        self.all_reduce, self.check = all_reduce, check
        self.waiting: list[tuple[int, Terms]] = []
        if path:
            truncate(path, start)

    def add(self, step: int, terms: Terms) -> None:
        """Add a step's terms."""
        self.waiting.append((step, terms))
        if len(self.waiting) >= self.every:
            self.flush()

    def flush(self) -> None:
        """Fetch the waiting terms in one transfer, check them and write them to the disk.

        Raises:
            SketchFaceError: from `check`.
        """
        if not self.waiting:
            return
        lines = self.check(self._fetch())
        if self.path:
            with self.path.open("a", encoding="utf-8") as file:
                for step, numbers in lines:
                    file.write(json.dumps({"step": step} | numbers) + "\n")
                file.flush()
                os.fsync(file.fileno())
            for observer in self.observers:
                observer(lines)

    def _fetch(self) -> Lines:
        tensors = [t for _, terms in self.waiting for t in terms.values() if isinstance(t, Tensor)]
        values = iter(())
        if tensors:
            flat = torch.stack([tensor.float() for tensor in tensors])
            self.all_reduce(flat)
            values = iter(flat.tolist())
        lines = [
            (
                step,
                {name: next(values) if isinstance(t, Tensor) else t for name, t in terms.items()},
            )
            for step, terms in self.waiting
        ]
        self.waiting = []
        return lines


def truncate(path: Path, start: int) -> None:
    """Keep the first `start` lines of a log; make an empty one where there is none.

    Raises:
        SketchFaceError: if there are fewer.
    """
    kept = path.read_text(encoding="utf-8").splitlines()[:start] if path.exists() else []
    if len(kept) < start:
        raise SketchFaceError(
            f"{path}: {len(kept)} lines, but the checkpoint beside it is at step {start}; "
            f"remove {path.parent} to train from the start"
        )
    with atomic_file(path) as temporary:
        temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
