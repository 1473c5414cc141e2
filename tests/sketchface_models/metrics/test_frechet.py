"""Fréchet and kernel distance against closed forms and independent computations."""

import math

import numpy as np
import pytest
import torch

from sketchface_models.metrics.frechet import (
    FeatureStatistics,
    frechet_distance,
    statistics_of,
)
from sketchface_models.metrics.kernel import kernel_distance, squared_mmd


def vectors(n: int, d: int, seed: int = 0, scale: float = 1.0) -> torch.Tensor:
    draw = np.random.default_rng(seed)
    mixing = draw.normal(size=(d, d))
    return torch.from_numpy(draw.normal(size=(n, d)) @ mixing * scale + draw.normal(size=d))


def from_moments(mean: np.ndarray, root: np.ndarray, count: int = 101) -> FeatureStatistics:
    """A set whose covariance is root' root exactly."""
    rows = torch.from_numpy(np.asarray(root, float)) * math.sqrt(count - 1)
    return FeatureStatistics(count, torch.from_numpy(np.asarray(mean, float)), rows)


def by_eigenvalues(x: np.ndarray, y: np.ndarray) -> float:
    """FID's formula with the root of S1^(1/2) S2 S1^(1/2) from symmetric eigenproblems."""
    s1, s2 = np.cov(x.T), np.cov(y.T)
    values, basis = np.linalg.eigh(s1)
    root = basis @ np.diag(np.sqrt(values.clip(min=0))) @ basis.T
    middle = np.linalg.eigvalsh(root @ s2 @ root)
    apart = x.mean(axis=0) - y.mean(axis=0)
    trace = np.trace(s1) + np.trace(s2) - 2 * np.sqrt(middle.clip(min=0)).sum()
    return float(apart @ apart + trace)


def test_one_dimension_is_the_closed_form():
    first, second = from_moments([1.0], [[2.0]]), from_moments([4.0], [[0.5]])
    assert frechet_distance(first, second) == pytest.approx(3.0**2 + (2.0 - 0.5) ** 2, rel=1e-14)


def test_commuting_covariances_are_the_closed_form():
    """Same axes: the distance is the one of the standard deviations along them."""
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))
    a, b = np.array([3.0, 2, 1, 0.5, 0.1, 0]), np.array([1.0, 2, 4, 0, 0.2, 0])
    shift = np.arange(6.0)
    first = from_moments(np.zeros(6), np.diag(a) @ basis)
    second = from_moments(shift, np.diag(b) @ basis)
    expected = shift @ shift + ((a - b) ** 2).sum()
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-13)


def test_shifted_and_scaled_copies_have_closed_forms():
    x = vectors(50, 7)
    own = statistics_of(x)
    assert frechet_distance(own, own) < 1e-12
    assert frechet_distance(own, statistics_of(x + 3.0)) == pytest.approx(7 * 9.0, rel=1e-12)
    centred = x - x.mean(dim=0)
    larger = frechet_distance(statistics_of(centred), statistics_of(3 * centred))
    assert larger == pytest.approx(4 * float(own.covariance().trace()), rel=1e-12)


@pytest.mark.parametrize(("n", "m", "d"), [(200, 150, 12), (10, 300, 24), (9, 8, 30)])
def test_agrees_with_an_eigenvalue_computation(n: int, m: int, d: int):
    """Also where sets are smaller than their vectors are long, and covariances singular."""
    x, y = vectors(n, d, 1), vectors(m, d, 2, 0.7)
    ours = frechet_distance(statistics_of(x), statistics_of(y))
    assert ours == pytest.approx(by_eigenvalues(x.numpy(), y.numpy()), rel=1e-6)
    back = frechet_distance(statistics_of(y), statistics_of(x))
    assert ours == pytest.approx(back, rel=1e-12)


def test_streaming_in_any_batches_equals_all_at_once():
    x = vectors(500, 16) + 1e6  # where sums of squares would have lost most digits
    whole = statistics_of(x)
    for sizes in ([1] * 500, [500], [3, 0, 200, 297]):
        streamed = FeatureStatistics.empty(16)
        for part in x.split(sizes):
            streamed = streamed.with_batch(part)
        assert streamed.count == 500
        assert len(streamed.root) <= 16
        torch.testing.assert_close(streamed.mean, whole.mean, rtol=1e-15, atol=0)
        expected = torch.from_numpy(np.cov(x.numpy().T))
        torch.testing.assert_close(streamed.covariance(), expected, rtol=1e-8, atol=1e-7)
    halves = statistics_of(x[:123]).with_set(statistics_of(x[123:]))
    torch.testing.assert_close(halves.covariance(), whole.covariance(), rtol=1e-9, atol=1e-9)


def test_single_precision_features_are_summed_in_double():
    x = vectors(300, 5).float()
    assert statistics_of(x).mean.dtype == torch.float64
    torch.testing.assert_close(statistics_of(x).mean, x.double().mean(dim=0), rtol=1e-14, atol=0)


def test_bad_features_are_refused():
    good = statistics_of(vectors(5, 3))
    for wrong, message in (
        (torch.zeros(4), "expected floating point"),
        (torch.zeros(4, 2), r"expected floating point \(N, 3\)"),
        (torch.zeros(4, 3, dtype=torch.int64), "expected floating point"),
        (torch.full((4, 3), float("nan")), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            good.with_batch(wrong)
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(good, statistics_of(torch.zeros(1, 3)))
    with pytest.raises(ValueError, match="3 and 2"):
        frechet_distance(good, statistics_of(torch.zeros(4, 2)))


def mmd_by_loops(x: np.ndarray, y: np.ndarray) -> float:
    def k(a, b):
        return (float(a @ b) / len(a) + 1) ** 3

    xx = [k(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j]
    yy = [k(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j]
    xy = [k(a, b) for a in x for b in y]
    return float(np.mean(xx) + np.mean(yy) - 2 * np.mean(xy))


def test_squared_mmd_is_the_sum_over_pairs():
    x, y = vectors(9, 4, 1), vectors(7, 4, 2)
    assert squared_mmd(x, y) == pytest.approx(mmd_by_loops(x.numpy(), y.numpy()), rel=1e-12)


def test_squared_mmd_of_point_masses_is_the_closed_form():
    """All of one set at x, all of the other at y: k(x, x) + k(y, y) - 2 k(x, y)."""
    x, y = torch.tensor([[1.0, 2.0]]).repeat(3, 1), torch.tensor([[0.0, -1.0]]).repeat(5, 1)
    expected = (5 / 2 + 1) ** 3 + (1 / 2 + 1) ** 3 - 2 * (-2 / 2 + 1) ** 3
    assert squared_mmd(x, y) == pytest.approx(expected, rel=1e-14)


def test_kernel_distance_of_normal_numbers_is_the_closed_form():
    """x ~ N(0, 1), y ~ N(m, 1): E k(x, y) = E (x y + 1)^3 = 1 + 3 m E x + 3 E x^2 E y^2 + ...

    With D = 1: E (uv + 1)^3 = E u^3 E v^3 + 3 E u^2 E v^2 + 3 E u E v + 1 for independent u, v.
    """
    m = 1.5

    def moments(mean: float) -> tuple[float, float, float]:
        return mean, mean**2 + 1, mean**3 + 3 * mean

    def kernel(a: float, b: float) -> float:
        (a1, a2, a3), (b1, b2, b3) = moments(a), moments(b)
        return a3 * b3 + 3 * a2 * b2 + 3 * a1 * b1 + 1

    expected = kernel(0, 0) + kernel(m, m) - 2 * kernel(0, m)
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(6000, 1, generator=draw, dtype=torch.float64)
    y = torch.randn(6000, 1, generator=draw, dtype=torch.float64) + m
    found = kernel_distance(x, y, subsets=60, size=500)
    assert abs(found.mean - expected) < 5 * found.deviation / math.sqrt(12)
    same = kernel_distance(x, x.flip(0)[:3000], subsets=60, size=500)
    assert abs(same.mean) < 0.1 * expected


def test_the_estimate_is_unbiased_where_the_frechet_distance_is_not():
    """Small samples of one distribution: the kernel distance averages zero."""
    found = [
        squared_mmd(torch.from_numpy(draw[:8]), torch.from_numpy(draw[8:]))
        for draw in np.random.default_rng(0).normal(size=(3000, 16, 3))
    ]
    error = np.std(found) / math.sqrt(len(found))
    assert abs(np.mean(found)) < 4 * error


def test_subsets_are_a_function_of_the_seed():
    x, y = vectors(40, 3, 1), vectors(30, 3, 2)
    first, again, other = (
        kernel_distance(x, y, subsets=5, size=10, seed=seed) for seed in (3, 3, 4)
    )
    assert first == again
    assert first.mean != other.mean
    assert (first.subsets, first.size) == (5, 10)
    whole = kernel_distance(x[:30], y, subsets=5, size=1000)
    assert (whole.subsets, whole.size) == (1, 30)
    assert whole.mean == pytest.approx(squared_mmd(x[:30], y), rel=1e-10)
    assert math.isnan(whole.deviation)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (torch.zeros(1, 3), torch.zeros(4, 3)),
        (torch.zeros(4, 3), torch.zeros(4, 2)),
        (torch.zeros(4), torch.zeros(4)),
        (torch.full((4, 3), float("inf")), torch.zeros(4, 3)),
    ],
)
def test_kernel_distance_refuses_bad_features(first: torch.Tensor, second: torch.Tensor):
    for function in (squared_mmd, kernel_distance):
        with pytest.raises(ValueError, match="kernel distance"):
            function(first, second)
