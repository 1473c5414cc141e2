"""Distances between sets of different things: no picture of the one belongs to one of the other.

As in `sets`, but each set is resampled by itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sketchface_models.metrics.frechet import LEAST
from sketchface_models.metrics.metric import Features, SetMetric
from sketchface_models.metrics.sets import RESAMPLES, SEED, SetScore, resample_indices

PARAMETERS = {"revision": 1, "resamples": RESAMPLES, "seed": SEED}


def score_unpaired_sets(
    metrics: Mapping[str, SetMetric], features: Features, reference: Tensor
) -> dict[str, dict[str, SetScore]]:
    """Score every method by every metric of one extractor.

    Copies in a resample bring a kernel distance up by about the same in every resample; only the
    standard deviation over resamples counts.

    Args:
        metrics: by name, all on these features.
        features: method -> (N, D) floating point, N its own.
        reference: (M, D), of real pictures.

    Returns:
        Method -> metric -> score; no metric where a set has fewer than two pictures. The draws
        depend on N and M alone, so two systems meet the same ones.

    Raises:
        ValueError: if the vectors are not of one length.
    """
    scores: dict[str, dict[str, SetScore]] = {}
    draws = np.random.default_rng([SEED, 1]).integers(
        len(reference), size=(RESAMPLES, len(reference))
    )
    for method, own in features.items():
        if own.dim() != 2 or own.shape[1:] != reference.shape[1:]:
            shapes = f"{tuple(own.shape)} against {tuple(reference.shape)}"
            raise ValueError(f"score_unpaired_sets: {method}: features {shapes}")
        scores[method] = {}
        if min(len(own), len(reference)) < LEAST:
            continue
        pairs = list(zip(resample_indices(len(own)), torch.from_numpy(draws), strict=True))
        for name, metric in metrics.items():
            values = [metric.distance(own[mine], reference[theirs]) for mine, theirs in pairs]
            value = metric.distance(own, reference)
            scores[method][name] = SetScore(value, np.array(values), len(own))
    return scores
