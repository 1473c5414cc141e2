"""Infinite values, retrieval and the trivial rows."""

import math

import numpy as np
import pytest
import torch
from metric_pictures import noise, sketch

from sketchface_models.metrics.retrieval import Retrieval, describe, retrieve
from sketchface_models.metrics.simple import finite
from sketchface_models.metrics.untrained_baselines import (
    another_face,
    as_grey,
    derangement,
    input_itself,
    mean_target,
)


def normal(*shape, mean=0.0, seed=0):
    return np.random.default_rng(seed).normal(mean, 1.0, shape)


def test_infinite_psnr_counts_as_100_db():
    assert finite([30.0, math.inf]).tolist() == [30.0, 100.0]
    assert finite([0.1]).item() == 0.1  # in float64 from the start
    values = torch.tensor([math.inf])
    finite(values)
    assert values.isinf().all()  # the caller's values stay


@pytest.mark.parametrize("values", [[math.nan, 1.0], [-math.inf]])
def test_what_has_no_mean_is_refused(values):
    with pytest.raises(ValueError, match="finite"):
        finite(values)


def faces(n=40, side=48):
    """Smooth random pictures, every one another: (n, 1, side, side)."""
    coarse = noise(n, 1, 8, 8, seed=5)
    return torch.nn.functional.interpolate(coarse, size=side, mode="bilinear").round()


def test_retrieval_finds_what_was_drawn_otherwise():
    targets = faces()
    ramp = torch.linspace(0.3, 1, 48).double()
    drawn_otherwise = (targets * ramp * 0.8 + 20 + 0.1 * (noise(40, 1, 48, 48) - 128)).clamp(0, 255)
    result = retrieve(drawn_otherwise, targets)
    assert result.ranks.shape == (40,)
    assert result.accuracy(1) == 1
    assert not result.at_chance(1)
    assert retrieve(drawn_otherwise.byte().expand(-1, 3, -1, -1), targets.byte()).accuracy(1) == 1


def test_retrieval_of_another_face_never_hits_first():
    targets = faces()
    assert retrieve(another_face(targets), targets).accuracy(1) == 0


def test_retrieval_of_noise_is_at_chance():
    result = retrieve(noise(40, 1, 48, 48, seed=9), faces())
    assert result.at_chance(1)
    assert result.at_chance(5)
    assert result.accuracy(40) == result.chance(40) == 1


@pytest.mark.parametrize("k", [1, 5])
def test_one_picture_for_all_scores_exactly_chance(k):
    targets = faces()
    mean = mean_target([targets]).expand(40, -1, -1, -1)
    result = retrieve(mean, targets)
    assert result.accuracy(k) == result.chance(k) == k / 40
    assert result.at_chance(k)


@pytest.mark.parametrize("level", [0.0, 127.3, 255.0])
def test_blank_pictures_never_hit(level):
    targets = faces()
    blank = torch.full_like(targets, level)
    assert retrieve(blank, targets).ranks.tolist() == [40] * 40
    assert retrieve(blank, blank).ranks.tolist() == [40] * 40
    assert describe(blank).abs().max() < 1e-5


def test_ties_count_against():
    targets = faces(10)
    twins = torch.cat([targets, targets])
    assert retrieve(twins, twins).ranks.tolist() == [2] * 20


def test_ranks_are_positions():
    similar = sketch(64, 64)
    targets = torch.cat([similar, similar.flip(3), noise(1, 1, 64, 64)])
    assert retrieve(targets, targets).ranks.tolist() == [1, 1, 1]
    assert retrieve(targets.roll(1, 0), targets).ranks.min() >= 2


def test_at_chance_is_the_binomial_tail():
    def hits(count, n=100):
        return Retrieval(torch.tensor([1] * count + [n] * (n - count)))

    # P(X >= 3), X ~ Binomial(100, 1/100), is 7.9 %; P(X >= 4) is 1.8 %.
    assert hits(3).at_chance(1)
    assert not hits(4).at_chance(1)
    assert hits(0).at_chance(1)
    assert not hits(3).at_chance(1, level=0.08)
    assert hits(3).at_chance(1, level=0.079)
    assert Retrieval(torch.tensor([1])).at_chance(5)


def test_retrieval_refuses_what_is_no_pair():
    with pytest.raises(ValueError, match="expected pairs"):
        retrieve(faces(3), faces(4))
    with pytest.raises(ValueError, match="retrieval: images: NaN"):
        retrieve(torch.full((2, 1, 32, 32), torch.nan), faces(2))


def test_derangement_moves_everybody_and_stays():
    for n in (2, 3, 7, 100):
        others = derangement(n, seed=4)
        assert sorted(others.tolist()) == list(range(n))
        assert (others != torch.arange(n)).all()
        assert torch.equal(others, derangement(n, seed=4))
    assert not torch.equal(derangement(100, seed=1), derangement(100, seed=2))
    with pytest.raises(ValueError, match="at least 2"):
        derangement(1)


def test_mean_target_is_the_mean_over_all_batches():
    targets = noise(5, 3, 4, 4)
    expected = targets.mean(0)
    torch.testing.assert_close(mean_target(targets.split(2)), expected)
    torch.testing.assert_close(mean_target([targets.byte()]), expected)
    with pytest.raises(ValueError, match="no training target"):
        mean_target([])


def test_the_input_itself_is_grey():
    colour = torch.tensor([255.0, 0, 0]).view(1, 3, 1, 1).expand(2, 3, 4, 4)
    assert as_grey(colour).unique().item() == pytest.approx(0.299 * 255)
    assert input_itself(colour).shape == (2, 1, 4, 4)
    assert input_itself(colour, channels=3).shape == (2, 3, 4, 4)
    line = noise(2, 1, 4, 4)
    assert torch.equal(input_itself(line), line)
    with pytest.raises(ValueError, match="19 channels"):
        input_itself(torch.zeros(1, 19, 4, 4))
