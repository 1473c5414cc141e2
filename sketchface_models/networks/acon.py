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

ThetaFrom = Literal["pixel", "channel"]


class Slopes(nn.Module):
    """The two slopes of each channel, from N(0, 1), and the switch between them.

    Shape: x (B, C, H, W), theta that broadcasts to it -> (B, C, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.p1 = nn.Parameter(torch.randn(1, channels, 1, 1))
        self.p2 = nn.Parameter(torch.randn(1, channels, 1, 1))

    def forward(self, x: Tensor, theta: Tensor) -> Tensor:
        # In the precision of x: a 32-bit slope would turn half-precision maps into 32-bit ones.
        p2 = self.p2.to(x.dtype)
        difference = (self.p1 - self.p2).to(x.dtype) * x
        return torch.addcmul(p2 * x, difference, torch.sigmoid(theta * difference))


class PixelMetaACON(nn.Module):
    """metaACON with theta = sigmoid(x) at each pixel (Gao et al. 2023, Eq. 1).

    Shape: (B, C, H, W) -> (B, C, H, W).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.slopes = Slopes(channels)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.slopes(x, torch.sigmoid(x))
        return y


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
