"""Batch normalisation over the parts of a batch that lie in several processes.

torch's SyncBatchNorm refuses the CPU; this one runs wherever the processes can exchange tensors.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.training.distributed import AllReduceSum


class SyncBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm2d whose training statistics are those of the whole batch.

    Each process contributes its mean and its mean squared deviation from it, in 32 bits; the
    whole batch's variance is the mean of the latter plus the variance of the former. (Subtracting
    the squared mean from the mean square instead would cancel digits.) Parts must be of equal size.

    Shape: (B / world, C, H, W) -> the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; in training, in step with the other processes."""
        if not self.training:
            return super().forward(x)
        world, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
        x32 = x.float()
        variance, mean = torch.var_mean(x32, dim=(0, 2, 3), correction=0)
        # All gather (mean, variance): every process fills its own row of zeros, and all add up.
        row = F.one_hot(torch.tensor(rank, device=x.device), world).to(x32.dtype)
        statistics = row[:, None, None] * torch.stack([mean, variance])
        means, variances = AllReduceSum.apply(statistics).unbind(dim=1)  # (world, C) each
        mean = means.mean(dim=0)
        variance = (variances + (means - mean).square()).mean(dim=0)
        if self.track_running_stats:
            self._track(mean.detach(), variance.detach(), world * x.numel() // x.shape[1])
        scale = (variance + self.eps).rsqrt()
        if self.affine:
            scale = scale * self.weight
        centred = (x32 - _per_channel(mean)) * _per_channel(scale)
        return (centred + _per_channel(self.bias) if self.affine else centred).to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = self.momentum
        if momentum is None:  # a plain average of all batches
            momentum = 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), momentum)


def convert_batch_norms(networks: nn.Module) -> None:
    """Make every BatchNorm2d in `networks` a `SyncBatchNorm2d`, in place.

    The modules stay the same objects with the same parameters, so optimizers and parts shared
    between networks are not affected.
    """
    for module in networks.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SyncBatchNorm2d


def _per_channel(values: Tensor) -> Tensor:
    return values[None, :, None, None]
