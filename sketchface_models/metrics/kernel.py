"""Kernel distance between two sets of features: KID's formula (Binkowski et al. 2018, section 4).

The unbiased squared maximum mean discrepancy (Gretton et al. 2012, Eq. 3) under the kernel
k(x, y) = (x.y / D + 1)^3. Unlike the Fréchet distance its expectation does not depend on the
number of vectors, so small sets can be compared; it may come out slightly negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LEAST = 2
ROWS = 512
"""Lines of a kernel matrix in memory at a time."""


@dataclass(frozen=True)
class KernelDistance:
    """Mean over subsets, and their standard deviation (NaN of a single one)."""

    mean: float
    deviation: float
    subsets: int
    size: int
    """Vectors of each set in each subset."""


def squared_mmd(first: Tensor, second: Tensor) -> float:
    """Return the unbiased estimate from all vectors.

    Args:
        first: (M, D) floating point.
        second: (N, D) floating point.

    Raises:
        ValueError: if shapes do not fit, values are not finite, or a set has fewer than two.
    """
    x, y = _checked(first, second)
    m, n = len(x), len(y)
    within_x, within_y = _kernel(x, x), _kernel(y, y)
    # The diagonals stay out: a vector beside itself is no pair of independent vectors.
    own = (within_x.sum() - within_x.diagonal().sum()) / (m * (m - 1))
    other = (within_y.sum() - within_y.diagonal().sum()) / (n * (n - 1))
    return float(own + other - 2 * _kernel(x, y).mean())


def resampled_mmd(first: Tensor, second: Tensor, resamples: Tensor) -> Tensor:
    """Return `squared_mmd` of vectors resampled with repetitions: (R,) float64.

    Copies of one vector are no pair of independent vectors, so they stay out of the sums like the
    diagonals.

    Args:
        first: (N, D) floating point.
        second: (N, D) floating point.
        resamples: (R, N) integers, which vectors of both sets each resample holds; vector i of
            the one comes along with vector i of the other. A resample of copies of one vector
            alone gives NaN.

    Raises:
        ValueError: as `squared_mmd`.
    """
    x, y = _checked(first, second)
    counts = torch.zeros(len(resamples), len(x), dtype=torch.float64)
    counts.scatter_add_(1, resamples, torch.ones_like(resamples, dtype=torch.float64))
    pairs = counts.sum(dim=1).square()
    distinct = pairs - counts.square().sum(dim=1)
    own, other = (_weighted_sum(z, z, counts, diagonal=False) / distinct for z in (x, y))
    return own + other - 2 * _weighted_sum(x, y, counts, diagonal=True) / pairs


def kernel_distance(
    first: Tensor, second: Tensor, subsets: int = 100, size: int = 1000, seed: int = 0
) -> KernelDistance:
    """Return the estimate averaged over random subsets of both sets.

    Args:
        first: (M, D) floating point.
        second: (N, D) floating point.
        subsets: how many; where a subset is all of both sets, one is taken.
        size: of a subset; at most that of the smaller set.
        seed: of the subsets, which belong to the position of the vectors.

    Raises:
        ValueError: as `squared_mmd`, or for no subsets.
    """
    if subsets < 1:
        raise ValueError(f"kernel_distance: {subsets} subsets; expected at least 1")
    x, y = _checked(first, second)
    size = min(size, len(x), len(y))
    if size < LEAST:
        raise ValueError(f"kernel_distance: subsets of {size}; expected at least {LEAST}")
    if size == len(x) == len(y):
        subsets = 1
    generator = torch.Generator().manual_seed(seed)
    estimates = torch.tensor(
        [
            squared_mmd(*(z[torch.randperm(len(z), generator=generator)[:size]] for z in (x, y)))
            for _ in range(subsets)
        ],
        dtype=torch.float64,
    )
    deviation = float(estimates.std()) if subsets > 1 else float("nan")
    return KernelDistance(float(estimates.mean()), deviation, subsets, size)


def _weighted_sum(x: Tensor, y: Tensor, counts: Tensor, diagonal: bool) -> Tensor:
    """Return the sum of counts[r, i] counts[r, j] k(x[i], y[j]), with or without i = j: (R,)."""
    total = torch.zeros(len(counts), dtype=torch.float64)
    for start in range(0, len(x), ROWS):
        part = slice(start, start + ROWS)
        kernel = _kernel(x[part], y)
        if not diagonal:
            kernel.diagonal(start).zero_()
        total += ((counts[:, part] @ kernel) * counts).sum(dim=1)
    return total


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _checked(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    shapes = f"{tuple(first.shape)} and {tuple(second.shape)}"
    fitting = first.dim() == second.dim() == 2 and first.shape[1] == second.shape[1] > 0
    if not fitting or min(len(first), len(second)) < LEAST:
        raise ValueError(
            f"kernel distance: features {shapes}; expected (M, D), (N, D), M and N >= {LEAST}"
        )
    x, y = (each.detach().to("cpu", torch.float64) for each in (first, second))
    if not (x.isfinite().all() and y.isfinite().all()):
        raise ValueError("kernel distance: features hold NaN or infinite values")
    return x, y
