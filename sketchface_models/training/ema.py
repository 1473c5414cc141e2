"""Exponential moving average of weights, its half-life counted in images."""

from __future__ import annotations

import copy

import torch
from torch import nn

from sketchface_models.systems.run_settings import Schedule


class EMA:
    """An exponential moving average of a network's weights; buffers are copied as they are.

    The average follows faster at the beginning: of few images, none should weigh as if it stood
    for thousands.

    Args:
        network: to follow; Fabric's wrapper or the network itself.
        schedule: gives the images a step and the half-life.
    """

    def __init__(self, network: nn.Module, schedule: Schedule) -> None:
        bare = getattr(network, "module", network)
        self.module: nn.Module = copy.deepcopy(bare).requires_grad_(False).eval()
        self.decay = 0.5 ** (schedule.batch / schedule.ema_half_life)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network's weights after step number `step` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages = [p.data for p in self.module.parameters()]
        weights = [p.data for p in network.parameters()]
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for average, buffer in zip(self.module.buffers(), network.buffers(), strict=True):
            average.copy_(buffer)
