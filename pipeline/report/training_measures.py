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

GENERATOR, MARGIN, RECONSTRUCTION = "generator", "margin", "reconstruction"
"""Terms: the generator's whole loss; how much higher a critic values real pictures than generated
ones; the L1 of an autoencoder's pictures."""
LOSS, SECONDS, ARITHMETIC = "generator_loss", "training_seconds", "training_gflop"
END_MARGIN, MARGIN_GROWTH, L1_GROWTH = "critic_margin", "margin_growth", "training_l1_growth"
MEASURES = (
    Measure(LOSS, "generator's loss at the end", Direction.LOWER, Level.TRAINING, control=True),
    Measure(
        END_MARGIN, "critic's margin at the end", Direction.LOWER, Level.TRAINING, control=True
    ),
    Measure(
        MARGIN_GROWTH,
        "the margin, times that early on",
        Direction.LOWER,
        Level.TRAINING,
        control=True,
    ),
    Measure(
        L1_GROWTH,
        "L1 in training, times that early on",
        Direction.LOWER,
        Level.TRAINING,
        control=True,
    ),
    Measure(SECONDS, "seconds of 1,000 images", Direction.LOWER, Level.TRAINING, control=True),
    Measure(ARITHMETIC, "GFLOP of an image", Direction.LOWER, Level.TRAINING, control=True),
)
LAST = 0.1
"""Part of the steps, the last ones, over which a term is averaged."""
EARLY = (0.1, 0.2)
"""Part of the steps, from and to, to which the last ones are compared."""


def training_values(
    steps: Iterable[tuple[int, Mapping[str, float]]], environment: Mapping[str, Any]
) -> dict[str, float]:
    """Return measure -> value of one training; without those that its logs do not hold.

    Args:
        steps: step and terms, in order.
        environment: `run.json` of the logs.
    """
    lines = list(steps)
    ends = {term: _mean(lines, term, 1 - LAST, 1) for term in (GENERATOR, MARGIN, RECONSTRUCTION)}
    growths = {term: ends[term] / _mean(lines, term, *EARLY) for term in (MARGIN, RECONSTRUCTION)}
    measured = {
        LOSS: ends[GENERATOR],
        END_MARGIN: ends[MARGIN],
        MARGIN_GROWTH: growths[MARGIN],
        L1_GROWTH: growths[RECONSTRUCTION],
    }
    values = {name: value for name, value in measured.items() if np.isfinite(value)}
    if environment.get("images_per_second"):
        values[SECONDS] = 1000 / environment["images_per_second"]
    if environment.get("flops_per_sample"):
        values[ARITHMETIC] = environment["flops_per_sample"] / 1e9
    return values


def _mean(
    lines: Sequence[tuple[int, Mapping[str, float]]], term: str, start: float, end: float
) -> float:
    """Return the mean of a term over a part of the steps, where it was logged; NaN if nowhere."""
    first, last = start * len(lines), end * len(lines)
    values = [terms[term] for step, terms in lines if first <= step < last and term in terms]
    return float(np.mean(values)) if values else float("nan")


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
