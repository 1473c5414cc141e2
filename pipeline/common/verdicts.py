"""The rule of evidence: what may be said of two methods, from their scores over seeds and faces.

Two trainings of one system from two seeds differ by more than its scores differ between two
samples of faces, so both are sources of error, each with a variance of its own:

    se^2 = s_a^2 / S_a + s_b^2 / S_b + s_face^2 / N

where s_a and s_b are the standard deviations over training seeds of the methods' values, S_a and
S_b the numbers of seeds, and s_face that of the N paired differences, face by face, of values
averaged over seeds. The components have S_a - 1, S_b - 1 and N - 1 degrees of freedom, and
their sum as many as Satterthwaite 1946 and Welch 1947 give it. The interval is Student's.

The third component holds what differs from face to face between two trainings of one system,
which is part of s_a and s_b already: where seeds hardly matter, the rule errs on the side of
*undecided*. `benchmarks/null_verdicts.py` measures its error rates.

One training shows no spread over seeds, and two show it too badly: after the correction below,
rates of false verdicts come to four times their nominal. Where a side has fewer than three,
nothing is said of systems: the verdict is on these trained networks, with the faces as the only
source of error.

A verdict on one of several claims takes Holm's correction (Holm 1979): the probability that any
of a table's verdicts is wrong is at most 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy import special

from sketchface_models.metrics.registry import Direction
from sketchface_models.metrics.simple import finite

LEVEL = 0.95
LEAST_SEEDS = 3
"""With fewer on a side nothing is said of systems."""
LEAST_FACES = 6
"""Fewer faces decide nothing: s_face is then itself uncertain, and scores are not normal."""


class Verdict(StrEnum):
    """What is said of the first of two methods by one metric."""

    BETTER = "better"
    WORSE = "worse"
    UNDECIDED = "undecided"

    @property
    def turned(self) -> Verdict:
        """The same of the second method."""
        return _TURNED.get(self, self)


_TURNED = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}


class Scope(StrEnum):
    """What a verdict speaks of."""

    SYSTEMS = "systems"
    NETWORKS = "trained networks"


@dataclass(frozen=True)
class Sample:
    """What one method scored by one metric, from S training seeds on N faces.

    seeds: (S,) float64, each seed's value.
    faces: (S, N) float64, each face's value; or (S, R), the values of R resamples of the faces
        (`resampled`), for measures that have one value for all faces together.
    count: N.
    fixed: whether the method has no training seed, such as a baseline: S is 1.
    """

    seeds: np.ndarray
    faces: np.ndarray
    count: int
    resampled: bool = False
    fixed: bool = False

    @classmethod
    def per_face(cls, values: np.ndarray | Sequence[float], fixed: bool = False) -> Sample:
        """Return the sample of a metric that scores every face.

        Args:
            values: (S, N), or (N,) for one seed; +inf enters as `simple.finite` says.
            fixed: the method has no training seed; the first line of `values` is taken.

        Raises:
            ValueError: if there are no values, or one of them is NaN or -inf.
        """
        table = np.atleast_2d(finite(values))
        if table.ndim != 2 or table.size == 0:
            raise ValueError(f"verdicts: values of shape {table.shape}; expected (S, N) or (N,)")
        table = table[:1] if fixed else table
        return cls(table.mean(axis=1), table, table.shape[1], fixed=fixed)

    @classmethod
    def pooled(
        cls,
        values: np.ndarray | Sequence[float],
        resamples: np.ndarray,
        count: int,
        fixed: bool = False,
    ) -> Sample:
        """Return the sample of a metric that has one value for all faces together.

        Args:
            values: (S,), one for each seed.
            resamples: (S, R), values of resampled faces; resample r holds the same faces for
                every seed and every method that is compared. NaN where a resample has no value
                (no face in it has the class, say): it then counts for no method.
            count: N, the number of faces.
            fixed: the method has no training seed; the first line is taken.

        Raises:
            ValueError: if the shapes do not fit, or one of `values` is NaN or -inf.
        """
        each, table = np.atleast_1d(finite(values)), np.atleast_2d(np.asarray(resamples, float))
        if table.ndim != 2 or each.shape != table.shape[:1] or table.shape[1] < 2:
            shapes = f"{each.shape} values with {table.shape} resamples"
            raise ValueError(f"verdicts: {shapes}; expected (S,) with (S, R)")
        if fixed:
            each, table = each[:1], table[:1]
        return cls(each, table, count, resampled=True, fixed=fixed)

    def of_seed(self, row: int) -> Sample:
        """Return what one training alone scored.

        Args:
            row: which of the S.
        """
        rows = slice(row, row + 1)
        return replace(self, seeds=self.seeds[rows], faces=self.faces[rows])

    @property
    def replicated(self) -> bool:
        """Whether there are seeds enough for a verdict on the system; a baseline needs none."""
        return self.fixed or len(self.seeds) >= LEAST_SEEDS


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval, over N faces and, where there are several, S seeds.

    spread: standard deviation over seeds; None for one seed.
    """

    mean: float
    low: float
    high: float
    count: int
    seeds: int = 1
    spread: float | None = None


@dataclass(frozen=True)
class Comparison:
    """The difference ours - theirs, and how sure it is.

    error: its standard error. freedom: degrees of freedom. p: two-sided probability of so large a
    difference between equals, before any correction. higher: whether high values are good.
    """

    difference: float
    error: float
    freedom: float
    p: float
    count: int
    scope: Scope
    higher: bool

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % interval of this difference alone."""
        half = _half(self.error, self.freedom)
        return self.difference - half, self.difference + half


def estimate(sample: Sample) -> Estimate:
    """Return the mean over seeds with its interval over seeds and faces."""
    components = [_face_component(sample, sample.faces.mean(axis=0))]
    spread = None
    if len(sample.seeds) > 1:
        spread = float(sample.seeds.std(ddof=1))
        components.append(_seed_component(sample))
    error, freedom = combine(components)
    mean, half = float(sample.seeds.mean()), _half(error, freedom)
    return Estimate(mean, mean - half, mean + half, sample.count, len(sample.seeds), spread)


def compare(
    ours: Sample, theirs: Sample, direction: Direction, least: int = LEAST_FACES
) -> Comparison:
    """Compare two methods on the same faces.

    Args:
        ours: of which something will be said.
        theirs: of the same faces in the same order, or the same resamples of them.
        direction: which end of the metric is good.
        least: with fewer faces the difference has no weight (p is 1).

    Raises:
        ValueError: if the two are not of the same faces.
    """
    shapes = [(sample.faces.shape[1], sample.count, sample.resampled) for sample in (ours, theirs)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"verdicts: scores of other faces {shapes[0]} and {shapes[1]}")
    paired = ours.faces.mean(axis=0) - theirs.faces.mean(axis=0)
    components = [_face_component(ours, paired)]
    replicated = ours.replicated and theirs.replicated
    if replicated:
        components += [_seed_component(each) for each in (ours, theirs) if not each.fixed]
    error, freedom = combine(components)
    difference = float(ours.seeds.mean() - theirs.seeds.mean())
    p = 1.0 if ours.count < least else p_value(difference, error, freedom)
    scope = Scope.SYSTEMS if replicated else Scope.NETWORKS
    higher = direction == Direction.HIGHER
    return Comparison(difference, error, freedom, p, ours.count, scope, higher)


def verdicts(comparisons: Sequence[Comparison]) -> list[Verdict]:
    """Return the verdicts on all claims of one table, with Holm's correction over them."""
    corrected = holm([each.p for each in comparisons])
    return [_verdict(each, p) for each, p in zip(comparisons, corrected, strict=True)]


def verdict(comparison: Comparison) -> Verdict:
    """Return the verdict on a claim that stands alone."""
    return _verdict(comparison, comparison.p)


def holm(probabilities: Sequence[float]) -> np.ndarray:
    """Correct m probabilities by Holm's step-down procedure: (m,), each at most 1.

    The k-th smallest counts (m - k + 1) times, and never less than a smaller one.
    """
    p = np.asarray(probabilities, float)
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1)
    return corrected


def combine(components: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Add up variances: (squared standard error, degrees of freedom) of each -> (error, freedom).

    The degrees of freedom of the sum are Satterthwaite's; infinite where all variances are 0.
    """
    total = sum(variance for variance, _ in components)
    if not total:
        return 0.0, math.inf
    inverse = sum((variance / total) ** 2 / freedom for variance, freedom in components if variance)
    return math.sqrt(total), 1 / inverse


def p_value(difference: float, error: float, freedom: float) -> float:
    """Return the two-sided probability of so large a difference by chance, after Student."""
    if not error:
        return float(difference == 0)
    return float(2 * special.stdtr(freedom, -abs(difference) / error))


def _verdict(comparison: Comparison, p: float) -> Verdict:
    if p >= 1 - LEVEL or not comparison.difference:
        return Verdict.UNDECIDED
    good = (comparison.difference > 0) == comparison.higher
    return Verdict.BETTER if good else Verdict.WORSE


def _half(error: float, freedom: float) -> float:
    """Half the width of the 95 % interval."""
    return error * float(special.stdtrit(freedom, (1 + LEVEL) / 2)) if error else 0.0


def _face_component(sample: Sample, values: np.ndarray) -> tuple[float, float]:
    """Variance of a value over samples of faces, of (N,) values of faces or (R,) of resamples."""
    values = values[np.isfinite(values)]
    if len(values) < 2 or sample.count < 2:
        return 0.0, 1.0
    variance = float(values.var(ddof=1))
    if sample.resampled:
        return variance, min(len(values), sample.count) - 1
    return variance / sample.count, sample.count - 1


def _seed_component(sample: Sample) -> tuple[float, float]:
    """Variance of a mean over training seeds."""
    seeds = len(sample.seeds)
    return float(sample.seeds.var(ddof=1)) / seeds, seeds - 1
