"""Schedules as pure functions of the step, so that no checkpoint needs them."""

from __future__ import annotations

import math


def linear_decay(step: int, steps: int, start: float) -> float:
    """Return the factor on a rate: 1, then linearly to 0.

    Args:
        step: from 0 to `steps` - 1.
        steps: at which the factor would be 0.
        start: part of the steps after which it falls, in [0, 1]; 1 = never.
    """
    first = start * steps
    if step < first or start >= 1:
        return 1.0
    return 1 - (step - first) / (steps - first)


def cosine_ramp(step: int, delay: int, slope: int) -> float:
    """Return a loss's weight: 0 before `delay`, then (1 - cos)/2 to 1 over `slope` steps.

    As in docs/papers.md, Sketch2face.
    """
    if slope == 0:
        return float(step >= delay)
    passed = min(max((step - delay) / slope, 0.0), 1.0)
    return (1 - math.cos(math.pi * passed)) / 2
