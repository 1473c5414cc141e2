"""HIDA's patch discriminator (facts E.7)."""

from __future__ import annotations

from torch import Tensor, nn

LEAK = 0.2


class Discriminator(nn.Sequential):
    """Judges 70-pixel patches; 2,763,713 parameters at 2 channels and width 64.

    Args:
        in_channels: of what is judged: depth and sketch, or photo and sketch.
        width: channels of the first layer.

    Shape: (B, in_channels, S, S) -> logits (B, 1, S/8 + 3, S/8 + 3).
    """

    def __init__(self, in_channels: int, width: int) -> None:
        layers: list[nn.Module] = [_convolution(in_channels, width, 2), nn.LeakyReLU(LEAK)]
        for level, stride in enumerate((2, 2, 1)):
            channels = width * 2**level
            layers += [
                nn.InstanceNorm2d(channels),
                _convolution(channels, 2 * channels, stride),
                nn.LeakyReLU(LEAK),
            ]
        last = 8 * width
        layers += [nn.InstanceNorm2d(last), nn.LeakyReLU(LEAK), _convolution(last, 1, 1)]
        super().__init__(*layers)

    def forward(self, pair: Tensor) -> Tensor:
        logits: Tensor = super().forward(pair)
        return logits


def _convolution(in_channels: int, out_channels: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 4, stride=stride, padding=2)
