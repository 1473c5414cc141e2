"""Training at a fraction of the side first, which is faster. Not published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch.nn.functional as F

from sketchface_models.config import above, between
from sketchface_models.labels import PARSING
from sketchface_models.systems.base import Batch, Clock


@dataclass(frozen=True)
class Coarse:
    """Which steps train so, and at which side."""

    until: Annotated[float, between(0, 1)]
    """Part of the steps that train at a fraction of the side."""
    factor: Annotated[int, above(0)]
    """The side is divided by it until then."""

    @property
    def divisor(self) -> int:
        """By which the side is divided at some step: `factor`, or 1 if no step is coarse."""
        return self.factor if self.until else 1

    def side(self, size: int, clock: Clock) -> int:
        """Return the side of the pictures at a step, where `size` is the full one."""
        return size // self.factor if clock.step < self.until * clock.steps else size

    def cycle(self, steps: int) -> Sequence[Clock]:
        """Return clocks that stand for all steps: one, or the middles of all quarters."""
        parts = 4 if self.until else 1
        return [Clock(int((part + 0.5) / parts * steps), steps, 0) for part in range(parts)]


NEVER = Coarse(until=0.0, factor=2)


def shrunken(batch: Batch, side: int) -> Batch:
    """Return a batch at another side: pictures averaged, parsing maps by their nearest pixels.

    Args:
        batch: field -> (B, C, S, S); S is a multiple of `side`.
        side: of the result, pixels.
    """
    return {
        name: field
        if field.shape[-1] == side
        else F.interpolate(field, (side, side), mode="nearest")
        if name == PARSING
        else F.adaptive_avg_pool2d(field, side)
        for name, field in batch.items()
    }
