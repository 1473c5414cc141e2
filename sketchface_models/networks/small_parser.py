"""A face parser for labels and losses: plain convolutions where pixels are few, skips elsewhere."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchface_models.deterministic import resize
from sketchface_models.labels import CLASSES

WIDTHS = (24, 48, 96, 192)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the side."""
DECODED = (32, 64, 96)
"""Channels on the way back, at 1/2, 1/4 and 1/8."""
LAYERS = ("edges", "shapes", "parts", "face")
"""Names of the maps that `features` returns, at 1/2, 1/4, 1/8 and 1/16 of the side."""


class SmallParser(nn.Module):
    """Residual encoder (He et al. 2016), the whole picture's mean as context, additive decoder.

    The last residual block is dilated and the picture's mean is added to every position of the
    coarsest map, so that left and right eye can be distinguished everywhere. Nothing is computed at
    full resolution: logits are computed at half the side and doubled bilinearly, which is fast and
    keeps a thin brow.

    Shape: (B, 3, H, W) photos in [-1, 1], H and W multiples of 16 -> (B, classes, H, W) logits.
    """

    layout = torch.channels_last

    def __init__(self, classes: int = len(CLASSES)) -> None:
        super().__init__()
        first, second, third, fourth = WIDTHS
        self.encoder = nn.ModuleList(
            [
                nn.Sequential(_convolution(3, first, stride=2), _convolution(first, first)),
                nn.Sequential(_convolution(first, second, stride=2), Residual(second)),
                nn.Sequential(
                    _convolution(second, third, stride=2), Residual(third), Residual(third)
                ),
                nn.Sequential(
                    _convolution(third, fourth, stride=2),
                    Residual(fourth),
                    Residual(fourth, dilation=2),
                ),
            ]
        )
        self.context = nn.Sequential(nn.Conv2d(fourth, fourth, 1), nn.ReLU(inplace=True))
        deeper = (*DECODED[1:], fourth)
        self.rise = nn.ModuleList(nn.Conv2d(d, o, 1) for d, o in zip(deeper, DECODED, strict=True))
        self.skip = nn.ModuleList(
            nn.Conv2d(w, o, 1) for w, o in zip(WIDTHS[:-1], DECODED, strict=True)
        )
        self.merge = nn.ModuleList(_convolution(o, o) for o in DECODED)
        self.last = nn.Conv2d(DECODED[0], classes, 1)

    def forward(self, photo: Tensor) -> Tensor:
        *skips, x = self._encode(photo)
        x = x + self.context(x.mean(dim=(2, 3), keepdim=True))
        for level in reversed(range(len(DECODED))):
            skip = skips[level]
            risen = resize(self.rise[level](x), (skip.shape[2], skip.shape[3]))
            x = self.merge[level](torch.relu(risen + self.skip[level](skip)))
        return resize(self.last(x), (photo.shape[2], photo.shape[3]))

    def features(self, photo: Tensor) -> dict[str, Tensor]:
        """Return the encoder's maps by the names of `LAYERS`.

        Each is (B, WIDTHS[i], H / 2^(i+1), W / 2^(i+1)).
        """
        return dict(zip(LAYERS, self._encode(photo), strict=True))

    def _encode(self, x: Tensor) -> list[Tensor]:
        maps = []
        for stage in self.encoder:
            x = stage(x)
            maps.append(x)
        return maps


class Residual(nn.Module):
    """x + [conv, norm, ReLU, conv, norm](x), then ReLU. Shape: (B, C, H, W) -> the same."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = _convolution(channels, channels, dilation=dilation)
        self.second = _convolution(channels, channels, dilation=dilation)[:2]

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(self.first(x)))


def _convolution(channels: int, out: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )
