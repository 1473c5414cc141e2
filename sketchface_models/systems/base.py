"""What the engine and a system ask of each other.

A system owns its networks, its losses and what one training step is; the engine owns devices,
precision, stepping, averaging, checkpoints, logging and resume.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from sketchface_models.config import NonEmpty, above, at_least, between

Batch = dict[str, Tensor]
"""Field name -> (B, C, S, S) float32; pictures in [-1, 1], depth in [0, 1]."""

Update = Callable[[str, Tensor], None]
"""`update(name, loss)`: gradients of `loss`, then one step of optimizer `name`."""


@dataclass(frozen=True)
class Task:
    """Which fields of the pack a run reads and which one it draws."""

    inputs: Annotated[tuple[str, ...], NonEmpty()]
    target: Annotated[str, NonEmpty()]
    size: Annotated[int, between(32, 2048)]
    """Side of the training pictures in pixels."""


@dataclass(frozen=True)
class Augment:
    """What happens to all fields of a face alike while training."""

    flip: bool
    """Mirror half of the faces."""
    jitter: Annotated[float, between(0, 0.25)]
    """Largest shift in x and y, as a part of the side; the border is replicated."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a system learns."""

    steps: Annotated[int, at_least(1)]
    batch: Annotated[int, at_least(1)]
    lr_generator: Annotated[float, above(0)]
    lr_discriminator: Annotated[float, above(0)]
    decay_from: Annotated[float, between(0, 1)]
    """Part of the steps after which both rates fall linearly to zero; 1 = never."""
    ema_half_life: Annotated[float, at_least(0)]
    """Images after which a generator weight counts half in the average that is kept; 0 = none."""


@dataclass(frozen=True)
class Clock:
    """Where training stands."""

    step: int
    steps: int
    epoch: int
    """Whole passes over the training faces done before this step."""


class System(Protocol):
    """One of the rebuilt papers. Constructed as `Class(settings, channels)`."""

    Settings: ClassVar[type]
    settings: Any
    """An instance of `Settings`; holds at least `task`, `augment` and `schedule`."""
    networks: nn.ModuleDict
    averaged: tuple[str, ...]
    """Names of the networks whose running average is what gets used afterwards."""

    def optimizers(self) -> dict[str, Optimizer]:
        """New optimizers by name, at their starting rates."""
        ...

    def training_step(self, batch: Batch, clock: Clock, update: Update) -> dict[str, Tensor]:
        """One step: computes losses, calls `update` as its rule says; returns terms to log."""
        ...

    def generate(self, batch: Batch) -> Tensor:
        """Inputs of a batch -> the target field, (B, C, S, S) in [-1, 1]; deterministic in eval."""
        ...

    def state(self) -> dict[str, Any]:
        """Plain numbers that must survive a resume (tensors live in the networks)."""
        ...

    def load_state(self, state: dict[str, Any]) -> None:
        """Take back what `state` gave."""
        ...
