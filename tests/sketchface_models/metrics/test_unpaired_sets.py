"""Distances between sets of different sizes, each resampled by itself."""

import numpy as np
import pytest
import torch

from sketchface_models.metrics.frechet import frechet_distance, statistics_of
from sketchface_models.metrics.kernel import squared_mmd
from sketchface_models.metrics.sets import PARSER_FRECHET, PARSER_KERNEL
from sketchface_models.metrics.unpaired_sets import score_unpaired_sets

METRICS = {"frechet": PARSER_FRECHET, "kernel": PARSER_KERNEL}


def vectors(seed: int, count: int, shift: float = 0.0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, 4, generator=random, dtype=torch.float64) + shift


def test_sets_of_different_sizes_are_compared_whole():
    own, real = vectors(0, 40, 0.5), vectors(1, 70)
    scores = score_unpaired_sets(METRICS, {"system": own}, real)["system"]
    expected = frechet_distance(statistics_of(own), statistics_of(real))
    assert scores["frechet"].value == pytest.approx(expected)
    assert scores["kernel"].value == pytest.approx(squared_mmd(own, real))
    assert scores["kernel"].n == 40


def test_the_spread_of_resamples_is_that_of_new_sets():
    """Both sets add to it: new sets of the same sizes lie as far apart as the resamples."""
    own, real = vectors(0, 60, 1.0), vectors(1, 90)
    (scores,) = score_unpaired_sets({"kernel": PARSER_KERNEL}, {"system": own}, real).values()
    fresh = [squared_mmd(vectors(n, 60, 1.0), vectors(n + 1000, 90)) for n in range(2, 202)]
    assert np.std(scores["kernel"].resamples) == pytest.approx(np.std(fresh), rel=0.35)


def test_two_systems_meet_the_same_resamples():
    own, real = vectors(0, 30), vectors(1, 50)
    first, second = (
        score_unpaired_sets(METRICS, {name: own}, real)[name] for name in ("one", "other")
    )
    np.testing.assert_array_equal(first["kernel"].resamples, second["kernel"].resamples)


def test_one_picture_has_no_distance_and_vectors_must_fit():
    assert score_unpaired_sets(METRICS, {"system": vectors(0, 1)}, vectors(1, 9)) == {"system": {}}
    with pytest.raises(ValueError, match="system: features"):
        score_unpaired_sets(METRICS, {"system": vectors(0, 5)[:, :3]}, vectors(1, 9))
