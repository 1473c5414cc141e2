"""Instance normalisation that keeps the memory format of its input."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class InstanceNorm2d(nn.Module):
    """Instance norm without affine parameters and running statistics (Ulyanov et al. 2016, Eq. 2).

    The same numbers as `nn.InstanceNorm2d`, within rounding. torch's own copies a channels-last
    input on a CPU and returns it channels-first; batch norm of single faces, whose statistics are
    those of instance norm, stays channels-last, which is what fast convolutions want.

    Args:
        channels: of the input; for readers of a printed network alone.
        eps: added to the variance.

    Shape: (B, C, H, W) -> the same, H x W of at least 2.
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.channels, self.eps = channels, eps

    def forward(self, x: Tensor) -> Tensor:
        # Compiled networks arrange memory themselves; inductor fails on single faces of any size.
        compiling = torch.compiler.is_compiling()
        channels_last = x.is_contiguous(memory_format=torch.channels_last)
        if x.device.type == "cpu" and channels_last and not compiling:
            faces = [
                F.batch_norm(face, None, None, training=True, eps=self.eps) for face in x.split(1)
            ]
            return torch.cat(faces) if len(faces) > 1 else faces[0]
        return F.instance_norm(x, eps=self.eps)

    def extra_repr(self) -> str:
        return f"{self.channels}, eps={self.eps}"
