"""Fréchet distance between two sets of features, exact and in one pass over each (FID's formula).

    d^2 = |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2)

with means m and covariances S (Dowson and Landau 1982; Heusel et al. 2017 for features of
pictures). Instead of covariances, thin factors are kept: R with R'R = (n - 1) S, by QR
decompositions of the old factor with the new vectors, so that squaring loses no digits. The
last trace is then the sum of the singular values of R1 R2' over sqrt((n1 - 1)(n2 - 1)), for
S1 S2 has the squares of those as its eigenvalues: no matrix square root, no complex numbers, and
the rank of small sets does no harm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

LEAST = 2
"""Vectors of which a covariance can be formed."""


@dataclass(frozen=True)
class FeatureStatistics:
    """Count, mean and scatter of a set of feature vectors.

    mean: (D,) float64. root: (r, D) float64, r <= D, with root' root the sum over the set of
    (x - mean)(x - mean)'.
    """

    count: int
    mean: Tensor
    root: Tensor

    @classmethod
    def empty(cls, size: int) -> FeatureStatistics:
        """Return the statistics of no vector of `size` numbers yet."""
        zeros = torch.zeros(0, size, dtype=torch.float64)
        return cls(0, torch.zeros(size, dtype=torch.float64), zeros)

    def with_batch(self, features: Tensor) -> FeatureStatistics:
        """Return the statistics with `features`, (B, D) floating point on any device, added.

        Raises:
            ValueError: if they are not B vectors of D numbers, or not all finite.
        """
        x = _checked("FeatureStatistics", features, len(self.mean))
        if not len(x):
            return self
        mean = x.mean(dim=0)
        return self.with_set(FeatureStatistics(len(x), mean, _thin(x - mean)))

    def with_set(self, other: FeatureStatistics) -> FeatureStatistics:
        """Return the statistics of both sets together, after Chan et al. 1983, Eq. 2.1.

        Raises:
            ValueError: if their vectors differ in length.
        """
        if len(self.mean) != len(other.mean):
            sizes = f"{len(self.mean)} and {len(other.mean)}"
            raise ValueError(f"FeatureStatistics: vectors of {sizes} numbers")
        count = self.count + other.count
        if not self.count or not other.count:
            return other if other.count else self
        apart = other.mean - self.mean
        between = math.sqrt(self.count * other.count / count) * apart
        rows = torch.cat([self.root, other.root, between[None]])
        return FeatureStatistics(count, self.mean + apart * (other.count / count), _thin(rows))

    def covariance(self) -> Tensor:
        """Return (D, D) float64, unbiased (n - 1 in the denominator).

        Raises:
            ValueError: of fewer than two vectors.
        """
        _enough(self)
        return self.root.T @ self.root / (self.count - 1)


def frechet_distance(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """Return the squared Fréchet distance of the two normal distributions: what FID reports.

    Returns:
        0 or more; exactly symmetric up to rounding, about 1e-14 of the traces.

    Raises:
        ValueError: if a set has fewer than two vectors, or the vectors differ in length.
    """
    if len(first.mean) != len(second.mean):
        sizes = f"{len(first.mean)} and {len(second.mean)}"
        raise ValueError(f"frechet_distance: vectors of {sizes} numbers")
    for each in (first, second):
        _enough(each)
    own, other = (each.root / math.sqrt(each.count - 1) for each in (first, second))
    shared = torch.linalg.svdvals(own @ other.T).sum()
    means = (first.mean - second.mean).square().sum()
    distance = means + own.square().sum() + other.square().sum() - 2 * shared
    return max(0.0, float(distance))


def statistics_of(features: Tensor) -> FeatureStatistics:
    """Return the statistics of (N, D) vectors."""
    return FeatureStatistics.empty(features.shape[-1]).with_batch(features)


def _thin(rows: Tensor) -> Tensor:
    """Return a factor of as few rows as possible with the same scatter; (min(n, D), D)."""
    if len(rows) <= rows.shape[1]:
        return rows
    return torch.linalg.qr(rows, mode="r").R


def _checked(name: str, features: Tensor, size: int) -> Tensor:
    if features.dim() != 2 or features.shape[1] != size or not features.is_floating_point():
        shape = f"{features.dtype} {tuple(features.shape)}"
        raise ValueError(f"{name}: features {shape}; expected floating point (N, {size})")
    x = features.detach().to("cpu", torch.float64)
    if not x.isfinite().all():
        raise ValueError(f"{name}: features hold NaN or infinite values")
    return x


def _enough(statistics: FeatureStatistics) -> None:
    if statistics.count < LEAST:
        raise ValueError(f"frechet_distance: {statistics.count} vectors; expected at least {LEAST}")
