"""ACON, the family of activations that HIDA switches by (Ma et al. 2021; Gao et al. 2023, Eq. 1).

All compute (p1 - p2) x sigmoid(theta (p1 - p2) x) + p2 x with learned slopes p1, p2 for each
channel; they differ in where theta comes from, which says how sharply one slope gives way to the
other. HIDA's Eq. 1 leaves out the x of the first product; without it nothing would be switched, so
it is kept here.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from sketchface_models.networks.fused import fused

ThetaFrom = Literal["pixel", "channel"]


@fused
def acon(x: Tensor, theta: Tensor, p1: Tensor, p2: Tensor) -> Tensor:
    """Return ACON of a map, in its precision.

    Args:
        x: (B, C, H, W).
        theta: how sharply slopes give way to each other; broadcasts to `x`.
        p1: (1, C, 1, 1), the one slope of each channel, 32 bits.
        p2: (1, C, 1, 1), the other.
    """
    return _acon(x, theta, p1, p2)


@fused
def pixel_meta_acon(x: Tensor, p1: Tensor, p2: Tensor) -> Tensor:
    """Return ACON with theta = sigmoid(x); arguments as for `acon`."""
    return _acon(x, torch.sigmoid(x), p1, p2)


def _acon(x: Tensor, theta: Tensor, p1: Tensor, p2: Tensor) -> Tensor:
    # In the precision of x: a 32-bit slope would turn half-precision maps into 32-bit ones.
    difference = (p1 - p2).to(x.dtype) * x
    return torch.addcmul(p2.to(x.dtype) * x, difference, torch.sigmoid(theta * difference))


class Slopes(nn.Module):
    """The two slopes of each channel, from N(0, 1), and the switch between them.

    Shape: x (B, C, H, W), theta that broadcasts to it -> (B, C, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.p1 = nn.Parameter(torch.randn(1, channels, 1, 1))
        self.p2 = nn.Parameter(torch.randn(1, channels, 1, 1))

    def forward(self, x: Tensor, theta: Tensor) -> Tensor:
        return acon(x, theta, self.p1, self.p2)


class PixelMetaACON(nn.Module):
    """metaACON with theta = sigmoid(x) at each pixel (Gao et al. 2023, Eq. 1).

    Shape: (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.slopes = Slopes(channels)

    def forward(self, x: Tensor) -> Tensor:
        return pixel_meta_acon(x, self.slopes.p1, self.slopes.p2)


class ChannelMetaACON(nn.Module):
    """metaACON with one theta a channel, from the channels' means (docs/papers.md, HIDA).

    Shape: (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(16, channels // 16)
        self.slopes = Slopes(channels)
        self.theta = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.Conv2d(hidden, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        theta = torch.sigmoid(self.theta(x.mean(dim=(2, 3), keepdim=True)))
        y: Tensor = self.slopes(x, theta)
        return y


META_ACON: dict[ThetaFrom, type[nn.Module]] = {"pixel": PixelMetaACON, "channel": ChannelMetaACON}
"""What theta belongs to -> class, built with the number of channels."""
