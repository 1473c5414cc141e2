"""Batch normalisation over the parts of a batch that lie in several processes.

torch's SyncBatchNorm refuses the CPU; this one runs wherever the processes can exchange tensors.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from sketchface_models.training.distributed import AllReduceSum


class SyncBatchNorm(_BatchNorm):
    """Batch normalisation whose training statistics are those of the whole batch.

    Each process contributes its mean and its mean squared deviation from it, in 32 bits; the
    whole batch's variance is the mean of the latter plus the variance of the former. (Subtracting
    the squared mean from the mean square instead would cancel digits.) Parts must be of equal size.

    Shape: (B / world, C, ...) -> the same.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise; in training, in step with the other processes."""
        if not self.training:
            return super().forward(x)
        world, rank = torch.distributed.get_world_size(), torch.distributed.get_rank()
        x32 = x.float()
        inner = [axis for axis in range(x.dim()) if axis != 1]
        variance, mean = torch.var_mean(x32, dim=inner, correction=0)
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
        centred = (x32 - _per_channel(mean, x)) * _per_channel(scale, x)
        return (centred + _per_channel(self.bias, x) if self.affine else centred).to(x.dtype)

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


class SyncBatchNorm1d(SyncBatchNorm, nn.BatchNorm1d):
    """`SyncBatchNorm` of (B / world, C) or (B / world, C, L)."""


class SyncBatchNorm2d(SyncBatchNorm, nn.BatchNorm2d):
    """`SyncBatchNorm` of (B / world, C, H, W)."""


SYNCHRONISED: dict[type[nn.Module], type[SyncBatchNorm]] = {
    nn.BatchNorm1d: SyncBatchNorm1d,
    nn.BatchNorm2d: SyncBatchNorm2d,
}


def convert_batch_norms(networks: nn.Module) -> None:
    """Make every BatchNorm1d and BatchNorm2d in `networks` synchronised, in place.

    The modules stay the same objects with the same parameters, so optimizers and parts shared
    between networks are not affected.
    """
    for module in networks.modules():
        if type(module) in SYNCHRONISED:
            module.__class__ = SYNCHRONISED[type(module)]


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    """(C,) -> (1, C, 1, ...), of as many axes as `x`."""
    return values.reshape(1, -1, *[1] * (x.dim() - 2))
