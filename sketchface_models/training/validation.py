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
from sketchface_models.training.pack_reader import Pack, normalise

MOST_FACES = 64
"""Validation faces measured; enough for a curve."""
SMALLER_IS_BETTER = ("val_l1",)


@torch.no_grad()
def validation_terms(system: System, pack: Pack, device: torch.device) -> dict[str, Tensor]:
    """Return `val_l1` (in [0, 1]) and `val_ssim` over the first validation faces.

    Pictures are compared in colour where the target has colour, and else in grey.

    Of a system with several outputs, those of the others are called `val_l1_NAME` and
    `val_ssim_NAME`. A system that tallies gets its own `scores` instead. Empty if there are no
    validation faces, or, in an unpaired pack, none that all domains have.
    """
    rows = [each[:MOST_FACES] for each in pack.paired_rows("val")]
    values: dict[str, list[Tensor]] = {}
    tallies = []
    for start in range(0, len(rows[0]), 16):
        batch = normalise(pack.read_domains([each[start : start + 16] for each in rows]), device)
        generated = system.generate_all(batch)
        first = next(iter(generated))
        tally = system.tally(batch, generated[first])
        if tally is not None:
            tallies.append(tally)
            continue
        for name, image in generated.items():
            ending = "" if name == first else f"_{name}"
            target = batch[system.outputs[name].field]
            own = image.expand_as(target) if target.shape[1] == 3 else as_grey(image)
            target, levels = from_signed(target), from_signed(own)
            l1 = (levels - target).abs().mean(dim=(1, 2, 3)) / 255
            values.setdefault(f"val_l1{ending}", []).append(l1)
            values.setdefault(f"val_ssim{ending}", []).append(ssim(target, levels))
    if tallies:
        return system.scores(torch.stack(tallies).sum(dim=0))
    return {name: torch.cat(parts).mean() for name, parts in values.items()}


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
