"""Baselines that need no learning, as plain functions of tensors; they keep the range of values.

A system that is no better than they are has not learned anything.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from sketchface_models.pixels import as_grey


def input_itself(inputs: Tensor, channels: int = 1) -> Tensor:
    """Return the input in grey as if it were the result: (N, C, H, W) -> (N, channels, H, W).

    Raises:
        ValueError: if the input is no picture of 1 or 3 channels.
    """
    return as_grey(inputs).expand(-1, channels, -1, -1)


def mean_target(batches: Iterable[Tensor]) -> Tensor:
    """Return the mean of the training targets: batches (B, C, H, W) -> (C, H, W) float64.

    Raises:
        ValueError: if there is no target.
    """
    total, count = torch.zeros(()).double(), 0
    for batch in batches:
        total = total + batch.double().sum(0).cpu()
        count += len(batch)
    if count == 0:
        raise ValueError("mean target: no training target")
    return total / count


def another_face(targets: Tensor, seed: int = 0) -> Tensor:
    """Return another face's target for every face: (N, ...) -> (N, ...), by `derangement`."""
    return targets[derangement(len(targets), seed).to(targets.device)]


def derangement(n: int, seed: int = 0) -> Tensor:
    """Return a permutation without fixed points, by (n, seed) alone: (n,) int64.

    Raises:
        ValueError: if n < 2: one face has no other.
    """
    if n < 2:
        raise ValueError(f"another face's target: {n} face(s); expected at least 2")
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    others = torch.empty_like(order)
    others[order] = order.roll(1)  # one cycle through all faces
    return others
