"""How much sampling decides beside inputs: against variances by hand and known ones."""

import pytest
import torch

from pipeline.evaluate.sampling_ratio import sampling_ratio


def test_the_ratio_is_that_of_variances_by_hand():
    features = torch.tensor([[[0.0, 1.0], [2.0, 1.0]], [[10.0, 5.0], [10.0, 7.0]]])
    # Within: variances (2, 0) and (0, 2), so 2 on average; means (1, 1), (10, 6): 40.5 + 12.5.
    assert sampling_ratio(features) == pytest.approx(2 / 53)


def test_the_ratio_finds_the_variances_that_features_were_made_with():
    random = torch.Generator().manual_seed(0)
    inputs = torch.randn(400, 1, 8, generator=random, dtype=torch.float64)
    noise = torch.randn(400, 16, 8, generator=random, dtype=torch.float64)
    # The mean of 16 samples keeps a sixteenth of the noise's variance.
    assert sampling_ratio(inputs + 0.5 * noise) == pytest.approx(0.25 / (1 + 0.25 / 16), rel=0.1)
    assert sampling_ratio(inputs + 0 * noise) == 0
    assert sampling_ratio(0 * inputs + noise) == pytest.approx(16, rel=0.15)


def test_inputs_that_decide_nothing_have_no_ratio():
    assert sampling_ratio(torch.zeros(3, 4, 2)) != sampling_ratio(torch.zeros(3, 4, 2))
