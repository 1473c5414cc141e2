"""When checkpoints are made, and what a run leaves in its folder on the way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric

from sketchface_models.training.png import write_png
from sketchface_models.training.settings import Engine
from sketchface_models.training.states import States
from sketchface_models.training.trainer import State

SheetObserver = Callable[[int, Path], None]
"""Told of each validation sheet: steps done, and its PNG file."""

ASK_EVERY = 20
"""Steps between two looks at the clock where several processes have to agree on the time."""


class FolderKeeper:
    """Keeps checkpoints by steps and by minutes, and validation sheets; process 0 alone writes.

    Args:
        fabric: of the run.
        engine: says how often.
        states: where checkpoints go.
        observers: told of the sheets.
    """

    def __init__(
        self, fabric: Fabric, engine: Engine, states: States, observers: tuple[SheetObserver, ...]
    ) -> None:
        self.fabric, self.engine, self.states, self.observers = fabric, engine, states, observers
        self.samples = states.folder / "samples"
        self.saved = time.monotonic()

    def due(self, step: int) -> bool:
        """Whether a checkpoint is wanted after `step` steps."""
        if step % self.engine.checkpoint_every == 0:
            return True
        alone = self.fabric.world_size == 1
        if not self.engine.checkpoint_minutes or not (alone or step % ASK_EVERY == 0):
            return False
        late = time.monotonic() - self.saved >= 60 * self.engine.checkpoint_minutes
        return self.fabric.broadcast(late)  # the clock of process 0

    def save(self, state: State) -> None:
        """Keep a checkpoint."""
        if self.fabric.is_global_zero:
            self.states.save(*state)
        self.saved = time.monotonic()

    def show(self, step: int, sheet: np.ndarray) -> None:
        """Keep a validation sheet and tell of it."""
        if not self.fabric.is_global_zero:
            return
        path = self.samples / f"step-{step:07d}.png"
        write_png(path, sheet)
        for observer in self.observers:
            observer(step, path)
