"""The checkpoints of one unfinished run: the newest, and the one before it."""

from __future__ import annotations

import contextlib
import fcntl
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.optim import Optimizer

from sketchface_models.checkpoint import load_tensors, save_tensors
from sketchface_models.errors import SketchFaceError

Take = Callable[[dict[str, Tensor], dict[str, Any], Path], None]
"""Told the tensors of a checkpoint, the note on them and the file."""


class States:
    """Two generations of checkpoints in a folder named by the run's fingerprint."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.newest = folder / "state.safetensors"
        self.previous = folder / "state.previous.safetensors"
        self.newest_is_good = True

    def save(self, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
        """Write a checkpoint; the newest one becomes the previous one, unless it was refused.

        Raises:
            SketchFaceError: if there is no space; the earlier checkpoints stay.
        """
        keep = self.previous if self.newest_is_good else None
        save_tensors(self.newest, tensors, {**about, "run": self.folder.name}, keep)
        self.newest_is_good = True

    def resume(self, take: Take, warn: bool = True) -> None:
        """Hand the newest good checkpoint to `take`; nothing happens where there is none.

        Args:
            take: raises SketchFaceError if the checkpoint does not fit.
            warn: say so if it is not the newest one.

        Raises:
            SketchFaceError: if there are checkpoints, but no good one.
        """
        refused: list[str] = []
        for path in (self.newest, self.previous):
            if not path.exists():
                continue
            try:
                self._give(path, take)
            except SketchFaceError as error:
                refused.append(str(error))
                continue
            self.newest_is_good = not refused
            if refused and warn:
                print(f"warning: {refused[0]}; going on from {path.name}", file=sys.stderr)
            return
        if refused:
            raise SketchFaceError(refused[0])

    def _give(self, path: Path, take: Take) -> None:
        tensors, about = load_tensors(path)
        if about.get("run") != self.folder.name:
            raise SketchFaceError(
                f"{path}: no checkpoint of this run; remove it to train from the start"
            )
        take(tensors, about, path)


@contextlib.contextmanager
def locked(place: Path, fabric: Fabric) -> Iterator[None]:
    """Hold a resume folder for this run alone (the lock goes with process 0)."""
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as file:
        free = True
        if fabric.is_global_zero:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                free = False
        if not fabric.broadcast(free):
            raise SketchFaceError(
                f"{place}: another process trains this very run; wait for it or stop it"
            )
        yield


def pack_optimizer(optimizer: Optimizer) -> dict[str, Tensor]:
    """An optimizer's state as flat tensors, `PARAMETER.KEY`."""
    return {
        f"{index}.{key}": torch.as_tensor(value)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
        if value is not None
    }


def unpack_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer back what `pack_optimizer` took."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        like = parameters[int(index)]
        # Same memory layout as the parameter, which may be channels-last.
        fits = tensor.shape == like.shape
        state.setdefault(int(index), {})[key] = (
            torch.empty_like(like).copy_(tensor) if fits else tensor
        )
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
