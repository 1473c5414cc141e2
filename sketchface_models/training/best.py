"""The weights that did best on the validation faces."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

SMALLER_IS_BETTER = ("val_l1",)


class Best:
    """Keeps a copy of the best weights so far; part of every checkpoint.

    Args:
        measure: a term of the validation, or "none".
    """

    def __init__(self, measure: str) -> None:
        self.measure = measure
        self.step: int | None = None
        self.value: float | None = None
        self.weights: dict[str, Tensor] = {}

    def compare(
        self, step: int, terms: Mapping[str, Tensor], weights: Callable[[], dict[str, Tensor]]
    ) -> None:
        """Take the weights over if they are the best so far; of equal ones the first stays."""
        if self.measure not in terms:
            return
        value = float(terms[self.measure])
        sign = -1 if self.measure in SMALLER_IS_BETTER else 1
        if math.isfinite(value) and (self.value is None or sign * value > sign * self.value):
            self.step, self.value = step, value
            self.weights = {name: t.detach().cpu().clone() for name, t in weights().items()}

    def note(self) -> dict[str, Any]:
        """How many steps the best weights were trained for, and their value."""
        return {"measure": self.measure, "step": self.step, "value": self.value}

    def load(self, weights: dict[str, Tensor], note: Mapping[str, Any]) -> None:
        """Take back `weights` and what `note` gave."""
        self.weights, self.step, self.value = weights, note["step"], note["value"]
