"""CycleGAN's generator (Zhu et al. 2017, section 7.2; docs/papers.md, CycleGAN).

Its discriminator is `pix2pixhd.MultiScaleDiscriminator` with one scale.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchface_models.deterministic import ReflectionPad2d
from sketchface_models.networks.norms import InstanceNorm2d
from sketchface_models.networks.pix2pixhd import ResidualBlock

HALVINGS = 2


class ResidualGenerator(nn.Module):
    """Two halvings, residual blocks at a quarter of the side, two doublings (Johnson et al. 2016).

    11,378,179 parameters at 3 -> 3 channels, width 64 and 9 blocks; 7,837,699 with 6.

    Args:
        in_channels: channels of the picture it reads.
        out_channels: channels of the picture it gives.
        width: channels of the first layer (64 in the paper); each halving doubles them.
        blocks: residual blocks; 9 for pictures of 256 pixels in the paper, 6 for those of 128.

    Shape: (B, in_channels, S, S) in [-1, 1] -> (B, out_channels, S, S) in (-1, 1), S a multiple of
    4, 8 or more.
    """

    layout = torch.channels_last

    def __init__(self, in_channels: int, out_channels: int, width: int, blocks: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(HALVINGS + 1)]
        layers: list[nn.Module] = [
            ReflectionPad2d(3),
            *_normed(nn.Conv2d(in_channels, width, 7), width),
        ]
        for channels in widths[:-1]:
            halving = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1)
            layers += _normed(halving, 2 * channels)
        layers += [ResidualBlock(widths[-1]) for _ in range(blocks)]
        for channels in reversed(widths[:-1]):
            doubling = nn.ConvTranspose2d(
                2 * channels, channels, 3, stride=2, padding=1, output_padding=1
            )
            layers += _normed(doubling, channels)
        self.layers = nn.Sequential(
            *layers, ReflectionPad2d(3), nn.Conv2d(width, out_channels, 7), nn.Tanh()
        )

    def forward(self, picture: Tensor) -> Tensor:
        translated: Tensor = self.layers(picture)
        return translated


def _normed(convolution: nn.Module, channels: int) -> list[nn.Module]:
    return [convolution, InstanceNorm2d(channels), nn.ReLU()]
