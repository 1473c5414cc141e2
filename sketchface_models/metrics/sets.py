"""Measures of a whole set of drawings beside the set of their targets: one number, not one a face.

Both compare what the judge sees in the drawings with what it sees in the targets, without asking
which drawing belongs to which face. Their intervals are by the bootstrap over faces: drawings are
drawn again together with their targets, so that two systems meet the same faces, and half the
width is 1.96 standard deviations of the redrawn distances (Efron and Tibshirani 1993, chapter
13.3). Percentiles would not do: a set with repetitions has a smaller spread, so the Fréchet
distances of redrawn sets lie above the one that was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sketchface_models.metrics.bootstrap import LEAST_IMAGES, LEVEL, Comparison, Interval
from sketchface_models.metrics.frechet import LEAST, frechet_distance, statistics_of
from sketchface_models.metrics.kernel import redrawn_mmd, squared_mmd

RESAMPLES = 200
SEED = 0
"""Of the faces that are drawn again: the same for every system that is scored on these faces."""
SPREAD = 257
"""Vectors that it takes to fill a covariance of the judge's 256 numbers; of fewer, spread is
missing, and the Fréchet distance comes out too large by an amount that differs between sets."""

Sets = Mapping[str, Tensor]
"""Row -> (N, D) features of its pictures, in the order of the faces."""


@dataclass(frozen=True)
class SetMetric:
    """A distance between two sets of features.

    distance: (features (N, D), features of the targets (N, D)) -> its value.
    redrawn: (sets, features of the targets, indices (R, N) of drawn faces) -> row -> (R,) values.
    direction, label, parameters: as `registry.Metric` has them.
    least: fewer faces decide nothing.
    """

    distance: Callable[[Tensor, Tensor], float]
    redrawn: Callable[[Sets, Tensor, Tensor], dict[str, Tensor]]
    label: str
    least: int
    direction: Literal["higher", "lower"] = "lower"
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SetScore:
    """What one row scored on n faces, and on the same faces drawn again: resamples (R,) float64."""

    value: float
    resamples: np.ndarray
    n: int


def frechet(features: Tensor, reference: Tensor) -> float:
    """Squared Fréchet distance of two sets of vectors, (M, D) and (N, D)."""
    return frechet_distance(statistics_of(features), statistics_of(reference))


def redrawn_frechet(sets: Sets, reference: Tensor, drawn: Tensor) -> dict[str, Tensor]:
    """The same of every row for every line of `drawn`, (R, N) indices: row -> (R,)."""
    found: dict[str, list[float]] = {row: [] for row in sets}
    for faces in drawn:
        wanted = statistics_of(reference[faces])
        for row, features in sets.items():
            found[row].append(frechet_distance(statistics_of(features[faces]), wanted))
    return {row: torch.tensor(values, dtype=torch.float64) for row, values in found.items()}


def redrawn_kernel(sets: Sets, reference: Tensor, drawn: Tensor) -> dict[str, Tensor]:
    """The kernel distance of every row for every line of `drawn`, as `redrawn_frechet`."""
    return {row: redrawn_mmd(features, reference, drawn) for row, features in sets.items()}


_REDRAWN = {"revision": 1, "resamples": RESAMPLES, "seed": SEED}

SET_METRICS: dict[str, SetMetric] = {
    "parser_frechet": SetMetric(
        frechet, redrawn_frechet, "parser Fréchet", SPREAD, parameters=_REDRAWN
    ),
    "parser_kernel": SetMetric(
        squared_mmd,
        redrawn_kernel,
        "parser kernel",
        LEAST_IMAGES,
        parameters=_REDRAWN | {"kernel": "(x.y / D + 1)^3"},
    ),
}


def score_sets(sets: Sets, reference: Tensor) -> dict[str, dict[str, SetScore]]:
    """Row -> name of `SET_METRICS` -> score; nothing where there are fewer than two faces.

    Args:
        sets: row -> (N, D) floating point; vector i was made for face i.
        reference: (N, D), of the targets.

    Raises:
        ValueError: if shapes differ, or values are not finite.
    """
    for row, features in sets.items():
        if features.shape != reference.shape:
            shapes = f"{tuple(features.shape)} against {tuple(reference.shape)}"
            raise ValueError(f"score_sets: {row}: features {shapes}; expected pairs")
    n = len(reference)
    if n < LEAST:
        return {row: {} for row in sets}
    drawn = torch.from_numpy(np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n)))
    redrawn = {name: metric.redrawn(sets, reference, drawn) for name, metric in SET_METRICS.items()}
    return {
        row: {
            name: SetScore(metric.distance(features, reference), redrawn[name][row].numpy(), n)
            for name, metric in SET_METRICS.items()
        }
        for row, features in sets.items()
    }


def set_interval(scores: Sequence[SetScore]) -> Interval:
    """Mean over training seeds with its 95 % interval over faces (and seeds).

    Args:
        scores: one for each training seed, all of the same faces.
    """
    values = np.array([each.value for each in scores])
    half = NormalDist().inv_cdf((1 + LEVEL) / 2) * float(_redrawn(scores).std(ddof=1))
    mean = float(values.mean())
    return Interval(mean, mean - half, mean + half, scores[0].n)


def compare_sets(name: str, ours: Sequence[SetScore], theirs: Sequence[SetScore]) -> Comparison:
    """Paired comparison of two systems: the difference, on the same faces drawn again.

    Args:
        name: of `SET_METRICS`.
        ours: one for each training seed, all of the same faces.
        theirs: as many, of the same faces.

    Raises:
        ValueError: if they are not as many, or not of as many faces.
    """
    if [each.n for each in ours] != [each.n for each in theirs]:
        raise ValueError(f"compare_sets: {name} of other faces or seeds; expected pairs")
    difference = set_interval(
        [
            SetScore(own.value - other.value, own.resamples - other.resamples, own.n)
            for own, other in zip(ours, theirs, strict=True)
        ]
    )
    metric = SET_METRICS[name]
    if difference.n < metric.least or difference.low <= 0 <= difference.high:
        return Comparison(difference, "undecided")
    ours_higher = difference.low > 0
    return Comparison(
        difference, "better" if ours_higher == (metric.direction == "higher") else "worse"
    )


def _redrawn(scores: Sequence[SetScore]) -> np.ndarray:
    """(R,) means over as many seeds, drawn again like the faces and independently of them."""
    table = np.stack([each.resamples for each in scores])
    seeds = len(table)
    drawn = np.random.default_rng(SEED).multinomial(
        seeds, np.full(seeds, 1 / seeds), size=table.shape[1]
    )
    return np.asarray((drawn.T * table).sum(axis=0) / seeds)
