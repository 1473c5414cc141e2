"""Batch normalisation over the parts of a batch that lie in several processes.

torch's SyncBatchNorm refuses the CPU; this one runs wherever the processes can exchange tensors.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.training.distributed import SumOverProcesses


class SharedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose training statistics are those of the whole batch.

    Each process tells its mean and its mean squared deviation from it, in 32 bits; the whole
    batch's variance is the mean of the latter plus the variance of the former. (Subtracting the
    squared mean from the mean square instead would cancel digits.) Parts must be of equal size.

    Shape: (B / world, C, H, W) -> the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; in training, in step with the other processes."""
        if not self.training:
            return super().forward(x)
        world, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
        own = x.float()
        variance, mean = torch.var_mean(own, dim=(0, 2, 3), correction=0)
        # Everybody's (mean, variance), by filling one's own place in zeros and adding all up.
        place = F.one_hot(torch.tensor(rank, device=x.device), world).to(own.dtype)
        told = place[:, None, None] * torch.stack([mean, variance])
        means, variances = SumOverProcesses.apply(told).unbind(dim=1)  # (world, C) each
        mean = means.mean(dim=0)
        variance = (variances + (means - mean).square()).mean(dim=0)
        if self.track_running_stats:
            self._follow(mean.detach(), variance.detach(), world * x.numel() // x.shape[1])
        scale = (variance + self.eps).rsqrt()
        if self.affine:
            scale = scale * self.weight
        centred = (own - _across(mean)) * _across(scale)
        return (centred + _across(self.bias) if self.affine else centred).to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        pace = self.momentum
        if pace is None:  # a plain average of all batches
            pace = 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, pace)
        self.running_var.lerp_(variance * (count / (count - 1)), pace)


def share_batch_norms(networks: nn.Module) -> None:
    """Make every BatchNorm2d in `networks` a `SharedBatchNorm2d`, in place.

    The modules stay the same objects with the same parameters, so optimizers and parts shared
    between networks need not know.
    """
    for module in networks.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm2d


def _across(values: Tensor) -> Tensor:
    return values[None, :, None, None]
