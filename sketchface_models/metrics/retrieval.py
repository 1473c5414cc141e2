"""Retrieval: the rank of a result's own target among all targets, by similarity.

Pictures are compared by a descriptor that ignores how a drawing is shaded and keeps where its
structure lies: the box mean at 32 x 32 forgives line width and a few pixels of misalignment;
subtracting the mean of a 9 x 9 neighbourhood and dividing by its deviation removes paper tone,
lighting and contrast, in which styles differ more than persons do; the cosine of what is left
weighs every part of the face alike. On the FS2K test pairs (unaligned, 128 x 128) a photo taken
as its own sketch finds the drawing first in 49 % of cases, by plain 32 x 32 correlation in 29 %,
by chance in 0.1 %; a drawing under a dark ramp is found in 100 % against 40 %.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from sketchface_models.metrics.validate import check_images
from sketchface_models.pixels import as_grey

SIDE = 32
WINDOW = 9
FLOOR = 4.0  # grey levels; below this local deviation, structure fades out instead of blowing up
TIE = 1e-6  # cosines closer than rounding can tell apart
PARAMETERS = {"revision": 1, "side": SIDE, "window": WINDOW, "floor": FLOOR, "ties": "against"}


@dataclass(frozen=True)
class Retrieval:
    """Ranks (N,), int64, from 1 (own target first) to N."""

    ranks: Tensor
    known_kinds: int = 1
    """Kinds of targets (styles, say) of which each face's own is an input. A system that draws one
    picture for each kind, whatever else it reads, hits that many times as often by chance."""

    def accuracy(self, k: int) -> float:
        """Return the fraction of results whose own target is among the first k."""
        return float((self.ranks <= k).double().mean())

    def chance(self, k: int) -> float:
        """Return the `accuracy(k)` of guessing within the known kind: k * known_kinds / N."""
        return min(1.0, k * self.known_kinds / len(self.ranks))

    def at_chance(self, k: int, level: float = 0.05) -> bool:
        """Return whether guessing reaches `accuracy(k)` with probability >= `level` (binomial)."""
        hits = int((self.ranks <= k).sum())
        return _binomial_tail(len(self.ranks), self.chance(k), hits) >= level


def retrieve(generated: Tensor, targets: Tensor, data_range: float = 255.0) -> Retrieval:
    """Rank target i among all targets by similarity to result i, for every i.

    Ties count against the result: a target scores rank 1 only if it is strictly the most similar.
    So the same picture for every input hits exactly k / N within rank k, and blank pictures,
    similar to nothing, never hit.

    Args:
        generated: (N, C, H, W), C 1 or 3, in [0, data_range]; row i made for target i.
        targets: (N, C', H', W').
        data_range: value of white.

    Raises:
        ValueError: see `check_images`; or if the numbers of pictures differ.
    """
    return rank(describe(generated, data_range), describe(targets, data_range))


def describe(images: Tensor, data_range: float = 255.0) -> Tensor:
    """Return descriptors of unit length, 0 for blank pictures: (N, C, H, W) -> (N, 1024) float64.

    Raises:
        ValueError: see `check_images`.
    """
    grey = as_grey(check_images("retrieval", images, data_range)).double()
    small = functional.adaptive_avg_pool2d(grey, SIDE)
    detail = small - _neighbourhood_mean(small)
    deviation = _neighbourhood_mean(detail.square()).sqrt()
    flat = (detail / (deviation + FLOOR)).flatten(1)
    flat = flat - flat.mean(1, keepdim=True)
    # Rounding errors of a blank picture must not be stretched to unit length.
    return flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-6)


def rank(generated: Tensor, targets: Tensor) -> Retrieval:
    """Rank by descriptors, row i of (N, D) made for row i of (N, D); see `retrieve`.

    Raises:
        ValueError: if the shapes differ or there are no rows.
    """
    if generated.shape != targets.shape or len(targets) == 0:
        shapes = f"{tuple(generated.shape)} and {tuple(targets.shape)}"
        raise ValueError(f"retrieval: results and targets are {shapes}; expected pairs")
    similarity = generated @ targets.T
    own = similarity.diagonal()[:, None]
    return Retrieval((similarity >= own - TIE).sum(1))


def _neighbourhood_mean(images: Tensor) -> Tensor:
    return functional.avg_pool2d(images, WINDOW, 1, WINDOW // 2, count_include_pad=False)


def _binomial_tail(trials: int, probability: float, hits: int) -> float:
    """P(X >= hits) of a binomial X."""
    if probability >= 1 or hits == 0:
        return 1.0
    log_p, log_q = math.log(probability), math.log1p(-probability)
    return math.fsum(
        math.exp(
            math.lgamma(trials + 1)
            - math.lgamma(x + 1)
            - math.lgamma(trials - x + 1)
            + x * log_p
            + (trials - x) * log_q
        )
        for x in range(hits, trials + 1)
    )
