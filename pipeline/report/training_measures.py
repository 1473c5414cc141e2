"""Measures of a training itself, which stand in its logs: its loss, its cost.

A training has one value of each, whatever the faces: a difference is judged by the spread over
seeds alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipeline.common.records import Level, Measure
from pipeline.common.verdicts import Sample
from sketchface_models.metrics.registry import Direction

GENERATOR = "generator"
"""Term of the generator's whole loss."""
LOSS, SECONDS, ARITHMETIC = "generator_loss", "training_seconds", "training_gflop"
MEASURES = (
    Measure(LOSS, "generator's loss at the end", Direction.LOWER, Level.TRAINING, control=True),
    Measure(SECONDS, "seconds of 1,000 images", Direction.LOWER, Level.TRAINING, control=True),
    Measure(ARITHMETIC, "GFLOP of an image", Direction.LOWER, Level.TRAINING, control=True),
)
LAST = 0.1
"""Part of the steps, the last ones, over which a loss is averaged."""


def training_values(
    steps: Iterable[tuple[int, Mapping[str, float]]], environment: Mapping[str, Any]
) -> dict[str, float]:
    """Return measure -> value of one training; without those that its logs do not hold.

    Args:
        steps: step and terms, in order.
        environment: `run.json` of the logs.
    """
    values = {}
    losses = [(step, terms.get(GENERATOR)) for step, terms in steps]
    start = (1 - LAST) * len(losses)
    late = [loss for step, loss in losses if loss is not None and step >= start]
    if late:
        values[LOSS] = float(np.mean(late))
    if environment.get("images_per_second"):
        values[SECONDS] = 1000 / environment["images_per_second"]
    if environment.get("flops_per_sample"):
        values[ARITHMETIC] = environment["flops_per_sample"] / 1e9
    return values


def training_sample(values: Sequence[Mapping[str, float]], metric: str, faces: int) -> Sample:
    """Return what trainings came to by a measure that all of them have.

    Args:
        values: `training_values` of each seed.
        metric: name of the measure.
        faces: number of faces by which pictures of these trainings are scored.
    """
    of_seeds = np.array([each[metric] for each in values])
    # One training alone has no interval: like one face, it decides nothing.
    count = faces if len(of_seeds) > 1 else 1
    return Sample.pooled(of_seeds, np.stack([of_seeds, of_seeds], axis=1), count)
