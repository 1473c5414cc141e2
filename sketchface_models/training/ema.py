"""Running average of weights, its half-life counted in images."""

from __future__ import annotations

import copy

import torch
from torch import nn

from sketchface_models.systems.base import Schedule


class Average:
    """An exponential moving average of a network's weights; buffers are copied as they are.

    Early on the average follows faster (as 10 images or fewer would otherwise weigh like 10,000).
    """

    def __init__(self, network: nn.Module, schedule: Schedule) -> None:
        bare = getattr(network, "module", network)
        self.module: nn.Module = copy.deepcopy(bare).requires_grad_(False).eval()
        self.keep = 0.5 ** (schedule.batch / schedule.ema_half_life)

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network's weights after step number `step` (from 0)."""
        keep = min(self.keep, (1 + step) / (10 + step))
        mine = [p.data for p in self.module.parameters()]
        theirs = [p.data for p in network.parameters()]
        torch._foreach_lerp_(mine, theirs, 1 - keep)
        for own, other in zip(self.module.buffers(), network.buffers(), strict=True):
            own.copy_(other)
