"""The checkpoints of an unfinished run: when one is due, two generations of them, resume."""

from __future__ import annotations

import contextlib
import fcntl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer

from sketchface_models.checkpoint import load_tensors, save_tensors
from sketchface_models.errors import SketchFaceError
from sketchface_models.training.engine_settings import Engine

State = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors by name, and a note that JSON can hold."""

LoadState = Callable[[dict[str, Tensor], dict[str, Any], Path], None]
"""Called with the tensors of a checkpoint, its note and its file; raises SketchFaceError."""

CLOCK_EVERY = 20
"""Steps between two looks at the clock where several processes have to agree on the time."""


class Checkpoints:
    """The newest checkpoint and the one before it; rank zero alone writes.

    Args:
        folder: named by the run's fingerprint.
        fabric: of the run.
        engine: says how often.

    Attributes:
        step: of the newest checkpoint that was saved or loaded; 0 before the first.
    """

    def __init__(self, folder: Path, fabric: Fabric, engine: Engine) -> None:
        self.folder, self.fabric, self.engine = folder, fabric, engine
        self.newest = folder / "state.safetensors"
        self.previous = folder / "state.previous.safetensors"
        self.newest_is_good = True
        self.step = 0
        self.saved_at = time.monotonic()

    def due(self, step: int) -> bool:
        """Return whether a checkpoint is due after `step` steps; the same in all processes."""
        if step % self.engine.checkpoint_every == 0:
            return True
        alone = self.fabric.world_size == 1
        if not self.engine.checkpoint_minutes or not (alone or step % CLOCK_EVERY == 0):
            return False
        late = time.monotonic() - self.saved_at >= 60 * self.engine.checkpoint_minutes
        return self.fabric.broadcast(late)  # the clock of rank zero

    def save(self, state: State) -> None:
        """Write a checkpoint; the newest one becomes the previous one, unless it was refused.

        Raises:
            SketchFaceError: if there is no space; the earlier checkpoints stay.
        """
        if self.fabric.is_global_zero:
            tensors, note = state
            backup = self.previous if self.newest_is_good else None
            save_tensors(self.newest, tensors, {**note, "run": self.folder.name}, backup)
            self.newest_is_good = True
        self.step = state[1]["step"]
        self.saved_at = time.monotonic()

    def resume(self, load_state: LoadState) -> None:
        """Load the newest good checkpoint; do nothing where there is none.

        Raises:
            SketchFaceError: if there are checkpoints, but no good one.
        """
        errors: list[str] = []
        for path in (self.newest, self.previous):
            if not path.exists():
                continue
            try:
                self._load(path, load_state)
            except SketchFaceError as error:
                errors.append(str(error))
                continue
            self.newest_is_good = not errors
            if errors and self.fabric.is_global_zero:
                print(f"warning: {errors[0]}; going on from {path.name}", file=sys.stderr)
            return
        if errors:
            raise SketchFaceError(errors[0])

    def _load(self, path: Path, load_state: LoadState) -> None:
        tensors, note = load_tensors(path)
        if note.get("run") != self.folder.name:
            raise SketchFaceError(
                f"{path}: no checkpoint of this run; remove it to train from the start"
            )
        load_state(tensors, note, path)
        self.step = note["step"]


@contextlib.contextmanager
def locked(folder: Path, fabric: Fabric) -> Iterator[None]:
    """Hold a run's folder against a second start of the same run; rank zero has the lock.

    Raises:
        SketchFaceError: if another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        free = True
        if fabric.is_global_zero:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                free = False
        if not fabric.broadcast(free):
            raise SketchFaceError(
                f"{folder}: another process trains this very run; wait for it or stop it"
            )
        yield


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """Return an optimizer's state as flat tensors, named `PARAMETER.KEY`."""
    return {
        f"{index}.{key}": torch.as_tensor(value)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
        if value is not None
    }


def load_optimizer_tensors(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restore an optimizer's state from `optimizer_tensors`."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        parameter = parameters[int(index)]
        if tensor.shape == parameter.shape:
            # In the memory layout of the parameter, which may be channels-last.
            tensor = torch.empty_like(parameter).copy_(tensor)
        state.setdefault(int(index), {})[key] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
