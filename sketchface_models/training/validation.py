"""Measure the validation faces while training, and keep the weights that did best on them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from sketchface_models.metrics.ssim import ssim
from sketchface_models.pixels import as_grey, from_signed
from sketchface_models.systems.base import System
from sketchface_models.training.pack import Pack, normalise

MOST_FACES = 64
"""Validation faces measured; enough for a curve."""
SMALLER_IS_BETTER = ("val_l1",)


@torch.no_grad()
def validation_terms(system: System, pack: Pack, device: torch.device) -> dict[str, Tensor]:
    """Return `val_l1` (in [0, 1]) and `val_ssim` over the first validation faces.

    A system that tallies gets its own `scores` instead. Empty if there are no validation faces.
    """
    rows = pack.rows("val")[:MOST_FACES]
    if not len(rows):
        return {}
    l1, similarity, tallies = [], [], []
    for start in range(0, len(rows), 16):
        batch = normalise(pack.read(rows[start : start + 16]), device)
        generated = system.generate(batch)
        tally = system.tally(batch, generated)
        if tally is not None:
            tallies.append(tally)
            continue
        target = from_signed(as_grey(batch[pack.target]))
        levels = from_signed(as_grey(generated))
        l1.append((levels - target).abs().mean(dim=(1, 2, 3)) / 255)
        similarity.append(ssim(target, levels))
    if tallies:
        return system.scores(torch.stack(tallies).sum(dim=0))
    return {"val_l1": torch.cat(l1).mean(), "val_ssim": torch.cat(similarity).mean()}


class BestWeights:
    """A copy of the weights that measured best so far; part of every checkpoint.

    Args:
        measure: a term of the validation, or "none".
    """

    def __init__(self, measure: str) -> None:
        self.measure = measure
        self.step: int | None = None
        self.value: float | None = None
        self.weights: dict[str, Tensor] = {}

    def update(
        self, step: int, terms: Mapping[str, Tensor], weights: Callable[[], dict[str, Tensor]]
    ) -> None:
        """Copy the weights if they are the best so far; of equal ones the first stays."""
        if self.measure not in terms:
            return
        value = float(terms[self.measure])
        sign = -1 if self.measure in SMALLER_IS_BETTER else 1
        if math.isfinite(value) and (self.value is None or sign * value > sign * self.value):
            self.step, self.value = step, value
            self.weights = {name: t.detach().cpu().clone() for name, t in weights().items()}

    def note(self) -> dict[str, Any]:
        """Return how many steps the best weights were trained for, and their value."""
        return {"measure": self.measure, "step": self.step, "value": self.value}

    def load_state_dict(self, weights: dict[str, Tensor], note: Mapping[str, Any]) -> None:
        """Restore from `weights` and what `note` returned."""
        self.weights, self.step, self.value = weights, note["step"], note["value"]
