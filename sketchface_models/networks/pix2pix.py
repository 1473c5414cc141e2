"""The generator of the portrait sketches (Zhao et al. 2023; docs/papers.md, Portrait sketches).

A U-Net of six halvings. Every block runs convolution -> LeakyReLU(0.01) -> BatchNorm, activation
before norm, as the authors' code does. One deviation: dropout stops in eval mode (theirs never
does, see `training_mode`). Beside it the plain network that the paper compares it with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

HALVINGS = 6
LEAK = 0.01


def block(convolution: nn.Module, channels: int) -> nn.Sequential:
    """Return convolution, activation and norm, in this order, as in the authors' code."""
    return nn.Sequential(convolution, nn.LeakyReLU(LEAK, inplace=True), nn.BatchNorm2d(channels))


class UNet(nn.Module):
    """The line-to-sketch generator; 16,456,899 parameters at 3 -> 3 channels and width 64.

    Args:
        in_channels: channels of the input picture.
        out_channels: channels of the output picture.
        width: channels of the first level (64 in the paper); deeper ones are multiples of it.
        dropout: probability of Dropout2d after each of the five up blocks (part of the paper's
            "noise removal"; 0 switches it off).

    Shape: (B, in_channels, S, S) in [-1, 1] -> (B, out_channels, S, S) in (-1, 1), S a multiple
    of 64.
    """

    layout = torch.channels_last

    def __init__(self, in_channels: int, out_channels: int, width: int, dropout: float) -> None:
        super().__init__()
        down = [in_channels, width, 2 * width, 4 * width, 8 * width, 8 * width, 8 * width]
        self.down = nn.ModuleList(
            block(nn.Conv2d(down[i], down[i + 1], 3, stride=2, padding=1), down[i + 1])
            for i in range(HALVINGS)
        )
        up = [8 * width, 8 * width, 4 * width, 2 * width, width]
        channels_in = down[-1]
        self.up = nn.ModuleList()
        for i, channels in enumerate(up):
            self.up.append(block(_double(channels_in, channels), channels))
            channels_in = channels + down[HALVINGS - 1 - i]
        self.last = _double(channels_in, out_channels)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for up in self.up:
            x = torch.cat([self.dropout(up(x)), skips.pop()], dim=1)  # decoder first, skip second
        return torch.tanh(self.last(x))


class FiveConvolutions(nn.Sequential):
    """Five convolutions without skips: the plain network of Zhao et al. 2023, section 4.1.

    Its layers are not published. Convolutions that keep the picture's size would see a few pixels
    and copy lines; one that can fall for an average face has to see most of a face. So three of
    them (8 x 8) shrink it by 4 each, and two transposed ones (16 x 16) enlarge it by 8 each.
    17,889,923 parameters at 3 -> 3 channels and width 64; the U-Net's blocks.

    Args:
        in_channels: of the input picture.
        out_channels: of the output picture.
        width: channels of the first layer.

    Shape: (B, in_channels, S, S) in [-1, 1] -> (B, out_channels, S, S) in (-1, 1), S a multiple
    of 64.
    """

    layout = torch.channels_last

    def __init__(self, in_channels: int, out_channels: int, width: int) -> None:
        def shrink(channels: int, out: int) -> nn.Sequential:
            return block(nn.Conv2d(channels, out, 8, stride=4, padding=2), out)

        super().__init__(
            shrink(in_channels, width),
            shrink(width, 4 * width),
            shrink(4 * width, 8 * width),
            block(nn.ConvTranspose2d(8 * width, width, 16, stride=8, padding=4), width),
            nn.ConvTranspose2d(width, out_channels, 16, stride=8, padding=4),
            nn.Tanh(),
        )

    def forward(self, x: Tensor) -> Tensor:
        generated: Tensor = super().forward(x)
        return generated


def _double(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1)
