"""Distances between the set of generated pictures and the set of targets: one number for all.

Both compare a network's features of the pictures with those of the targets, whichever picture
belongs to which face. Their error is estimated by resampling faces: pictures are resampled
together with their targets, so that two systems meet the same faces, and the standard deviation
over resamples counts (Efron and Tibshirani 1993, chapter 13.3). Percentiles would not do: a set
with repetitions has a smaller spread, so the Fréchet distances of resampled sets lie above the one
that was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sketchface_models.metrics.frechet import LEAST, frechet_distance, statistics_of
from sketchface_models.metrics.judge import FEATURES, JUDGE
from sketchface_models.metrics.kernel import resampled_mmd, squared_mmd
from sketchface_models.metrics.metric import Features, SetMetric

LEAST_FACES = 6
"""Fewer faces decide nothing."""
RESAMPLES = 200
SEED = 0
"""Of the resampled faces: the same for every system that is scored on these faces."""


@dataclass(frozen=True)
class SetScore:
    """One method's score on n faces, and on resamples of the same faces: resamples (R,) float64."""

    value: float
    resamples: np.ndarray
    n: int


def resample_indices(n: int) -> Tensor:
    """Return which of n faces each resample holds: (`RESAMPLES`, n) int64, by n alone."""
    return torch.from_numpy(np.random.default_rng(SEED).integers(n, size=(RESAMPLES, n)))


def frechet(features: Tensor, reference: Tensor) -> float:
    """Squared Fréchet distance of two sets of vectors, (M, D) and (N, D)."""
    return frechet_distance(statistics_of(features), statistics_of(reference))


def resampled_frechet(
    features: Features, reference: Tensor, resamples: Tensor
) -> dict[str, Tensor]:
    """Return the Fréchet distance of every method for every resample, (R, N) indices: (R,) each."""
    distances: dict[str, list[float]] = {method: [] for method in features}
    for faces in resamples:
        target = statistics_of(reference[faces])
        for method, own in features.items():
            distances[method].append(frechet_distance(statistics_of(own[faces]), target))
    return {name: torch.tensor(each, dtype=torch.float64) for name, each in distances.items()}


def resampled_kernel(features: Features, reference: Tensor, resamples: Tensor) -> dict[str, Tensor]:
    """Return the kernel distance of every method for every resample, as `resampled_frechet`."""
    return {name: resampled_mmd(own, reference, resamples) for name, own in features.items()}


RESAMPLED = {"revision": 1, "resamples": RESAMPLES, "seed": SEED}

PARSER_FRECHET = SetMetric(
    JUDGE,
    frechet,
    resampled_frechet,
    "parser Fréchet",
    explanation="how far the generated pictures, as a set, lie from the targets, as a set, in what "
    "a face parser sees in them: FID's formula on its features, so not FID; 0 is the "
    "same set. It takes more than 256 faces: with fewer (†) it comes out too large, and"
    " nothing is concluded",
    # Fewer vectors do not fill a covariance: the distance then comes out too large, by an amount
    # that differs between sets.
    least=FEATURES + 1,
    parameters=RESAMPLED,
)
PARSER_KERNEL = SetMetric(
    JUDGE,
    squared_mmd,
    resampled_kernel,
    "parser kernel",
    explanation="the parser Fréchet distance's comparison by KID's formula, which small sets do not"
    " distort; 0 is the same, and values slightly below can happen",
    least=LEAST_FACES,
    parameters=RESAMPLED | {"kernel": "(x.y / D + 1)^3"},
)


def score_sets(
    metrics: Mapping[str, SetMetric], features: Features, reference: Tensor
) -> dict[str, dict[str, SetScore]]:
    """Score every method by every metric of one extractor.

    Args:
        metrics: by name, all on these features.
        features: method -> (N, D) floating point; vector i was made for face i.
        reference: (N, D), of the targets.

    Returns:
        Method -> metric -> score; no metric where there are fewer than two faces.

    Raises:
        ValueError: if shapes differ, or values are not finite.
    """
    for method, own in features.items():
        if own.shape != reference.shape:
            shapes = f"{tuple(own.shape)} against {tuple(reference.shape)}"
            raise ValueError(f"score_sets: {method}: features {shapes}; expected pairs")
    n = len(reference)
    if n < LEAST:
        return {method: {} for method in features}
    resamples = resample_indices(n)
    values = {
        name: each.resampled(features, reference, resamples) for name, each in metrics.items()
    }
    return {
        method: {
            name: SetScore(metric.distance(own, reference), values[name][method].numpy(), n)
            for name, metric in metrics.items()
        }
        for method, own in features.items()
    }
