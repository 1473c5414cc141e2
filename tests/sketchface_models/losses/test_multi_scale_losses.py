"""Losses over several scales, against values computed by hand."""

import pytest
import torch

from sketchface_models.losses.adversarial import ADVERSARIAL
from sketchface_models.losses.multi_scale import (
    discriminator_loss,
    feature_matching,
    generator_loss,
)

LEAST_SQUARES = ADVERSARIAL["least-squares"]


def maps(*scales: list[list[float]]) -> list[list[torch.Tensor]]:
    return [[torch.tensor(values) for values in scale] for scale in scales]


def test_least_squares_are_summed_over_the_scales():
    real = maps([[9.0], [1.0, 0.0]], [[9.0], [3.0]])
    fake = maps([[9.0], [0.0, 2.0]], [[9.0], [1.0]])
    # (0 + 1) / 2 + (0 + 4) / 2, and 4 + 1.
    assert discriminator_loss(LEAST_SQUARES, real, fake) == pytest.approx(2.5 + 5)
    # (1 + 1) / 2, and 0.
    assert generator_loss(LEAST_SQUARES, fake) == pytest.approx(1.0)


def test_feature_matching_leaves_the_logits_out_and_averages_the_scales():
    real = maps([[1.0, 2.0], [0.0], [50.0]], [[1.0], [1.0], [0.0]])
    fake = maps([[2.0, 4.0], [3.0], [-50.0]], [[1.0], [0.0], [9.0]])
    # Scale 0: 1.5 + 3; scale 1: 0 + 1.
    assert feature_matching(real, fake) == pytest.approx((4.5 + 1) / 2)


def test_feature_matching_has_no_gradient_to_the_real_maps():
    real, fake = maps([[1.0], [2.0]]), maps([[3.0], [2.0]])
    for tensor in (real[0][0], fake[0][0]):
        tensor.requires_grad_()
    feature_matching(real, fake).backward()
    assert real[0][0].grad is None
    assert fake[0][0].grad == 1
