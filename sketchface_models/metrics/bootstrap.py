"""Intervals by the percentile bootstrap (Efron and Tibshirani 1993), and the rule of evidence.

"Better" means: the 95 % interval of the paired mean difference over images (and seeds) excludes
zero. Everything else is undecided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

RESAMPLES = 10_000
LEVEL = 0.95
INFINITE_COUNTS_AS = 100.0
"""What +inf enters a mean as. Only the PSNR (dB) of identical pictures is infinite; 8-bit pictures
of 250 x 250 that differ at all stay below 96.1 dB."""
LEAST_IMAGES = 6
"""Fewer images decide nothing: all n differences have one sign by chance with 2 ** (1 - n), which
only from 6 on is below 5 %, while the bootstrap's interval then always excludes zero."""
PARAMETERS = {"level": LEVEL, "resamples": RESAMPLES, "infinite": INFINITE_COUNTS_AS}

Values = Tensor | np.ndarray | Sequence[float]


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval; n images. With one image the interval is that one value."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Comparison:
    """The mean difference ours - theirs, and what may be said of ours."""

    difference: Interval
    verdict: Literal["better", "worse", "undecided"]


def finite(values: Values) -> np.ndarray:
    """float64 copy in which +inf stands as `INFINITE_COUNTS_AS`.

    Raises:
        ValueError: if a value is NaN or -inf.
    """
    array = torch.as_tensor(values, dtype=torch.float64).detach().cpu().numpy().copy()
    array[array == np.inf] = INFINITE_COUNTS_AS
    if not np.isfinite(array).all():
        raise ValueError("bootstrap: NaN or -inf among the values")
    return array


def mean_interval(values: Values, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """Mean over images (and seeds) with its 95 % interval.

    Args:
        values: (N,) one per image, or (S, N) for S training seeds. Images and seeds are resampled
            independently of each other; with few seeds the interval is rather too narrow.
        seed: of the resampling; equal seeds draw equal resamples.
        resamples: number of bootstrap resamples.

    Raises:
        ValueError: if there are no values, they are not (N,) or (S, N), or not finite.
    """
    table = _table(values)
    means = _resampled_means(table, seed, resamples)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(table.mean()), float(low), float(high), table.shape[1])


def compare(
    ours: Values,
    theirs: Values,
    direction: str,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Paired comparison of two systems on the same images (and seeds).

    Args:
        ours: (N,) or (S, N), as in `mean_interval`; image i the same in both.
        theirs: same shape.
        direction: which end of the metric is good.
        seed: of the resampling.
        resamples: number of bootstrap resamples.

    Raises:
        ValueError: if the shapes differ, or as in `mean_interval`.
    """
    ours, theirs = finite(ours), finite(theirs)
    if ours.shape != theirs.shape:
        raise ValueError(f"bootstrap: {ours.shape} values against {theirs.shape}; expected pairs")
    difference = mean_interval(ours - theirs, seed, resamples)
    if difference.n < LEAST_IMAGES or difference.low <= 0 <= difference.high:
        return Comparison(difference, "undecided")
    ours_higher = difference.low > 0
    return Comparison(difference, "better" if ours_higher == (direction == "higher") else "worse")


def _table(values: Values) -> np.ndarray:
    table = finite(values)
    if table.ndim not in (1, 2) or table.size == 0:
        raise ValueError(f"bootstrap: values of shape {table.shape}; expected (N,) or (S, N)")
    return np.atleast_2d(table)


def _resampled_means(table: np.ndarray, seed: int, resamples: int) -> np.ndarray:
    """Means over S drawn seeds and N drawn images: (S, N) -> (resamples,)."""
    seeds, images = table.shape
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, 500):  # in blocks, for memory
        count = min(500, resamples - start)
        drawn_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=count)
        per_image = drawn_seeds @ table / seeds
        drawn_images = rng.integers(images, size=(count, images))
        means.append(np.take_along_axis(per_image, drawn_images, axis=1).mean(1))
    return np.concatenate(means)
