"""pix2pix as its paper has it: a U-Net and a patch discriminator (Isola et al. 2017, appendix 6.1).

docs/papers.md, pix2pix. Both are those of the authors' later code: no norm at the bottom of the
U-Net, so that a single picture may be halved down to one pixel, and no biases in front of norms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn

LEAST_HALVINGS, MOST_HALVINGS = 5, 8
"""Of sides that the U-Net reads; 8 bring 256 pixels down to one."""
WIDEST = 8
"""Most channels of a level, in multiples of the first level's."""
DROPPED = 3
"""Up blocks with dropout, from the bottom on."""


def halvings_of(side: int) -> int:
    """Return how often the U-Net halves pictures of this side: as often as it can, at most 8."""
    return min(MOST_HALVINGS, (side & -side).bit_length() - 1)


class UNetGenerator(nn.Module):
    """Halvings down to the bottom, as many doublings up, and a skip at every side between.

    54,413,955 parameters at 3 -> 3 channels, width 64 and 8 halvings, 41,828,995 with 7; resized
    39,157,763 and 30,242,819.

    Args:
        in_channels: channels of the condition.
        out_channels: channels of the picture.
        width: channels of the first level (64 in the paper); deeper ones have up to 8 times it.
        halvings: 8 for pictures of 256 pixels, 7 for those of 128.
        dropout: probability of dropping a value behind the first three up blocks; 0.5 in the paper.
        upsampling: how up blocks double a side, by its name in `UPSAMPLING`.

    Shape: (B, in_channels, S, S) in [-1, 1] -> (B, out_channels, S, S) in (-1, 1), S a multiple of
    2^halvings.
    """

    layout = torch.channels_last

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int,
        halvings: int,
        dropout: float,
        upsampling: str,
    ) -> None:
        super().__init__()
        widths = [width * min(2**level, WIDEST) for level in range(halvings)]
        double = UPSAMPLING[upsampling]

        # Down: activation, convolution, norm; the first has neither of them, the last no norm.
        self.down = nn.ModuleList([_halve(in_channels, width)])
        for level, (channels, out) in enumerate(pairwise(widths), 2):
            norm = [nn.BatchNorm2d(out)] if level < halvings else []
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), _halve(channels, out), *norm))

        # Up: activation, doubling, norm, dropout.
        self.up = nn.ModuleList()
        channels = widths[-1]
        for level, out in enumerate(reversed(widths[:-1])):
            drop = [nn.Dropout(dropout)] if level < DROPPED else []
            self.up.append(
                nn.Sequential(nn.ReLU(), double(channels, out, False), nn.BatchNorm2d(out), *drop)
            )
            channels = 2 * out  # with the skip
        self.up.append(nn.Sequential(nn.ReLU(), double(channels, out_channels, True), nn.Tanh()))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = self.up[0](skips.pop())
        for up in list(self.up)[1:]:
            x = up(torch.cat([skips.pop(), x], dim=1))  # skip first, decoder second
        return x


class NormedPatch70(nn.Sequential):
    """The 70-pixel PatchGAN with batch norm: C64-C128-C256-C512 and the logits.

    2,768,705 parameters at 6 channels and width 64.

    Args:
        in_channels: of condition and picture together.
        width: channels of the first layer.

    Shape: (B, in_channels, S, S) -> logits (B, 1, S/8 - 2, S/8 - 2).
    """

    layout = torch.channels_last

    def __init__(self, in_channels: int, width: int) -> None:
        layers: list[nn.Module] = [nn.Conv2d(in_channels, width, 4, stride=2, padding=1)]
        for level, stride in enumerate((2, 2, 1)):
            channels, out = width * 2**level, width * 2 ** (level + 1)
            layers += [
                nn.LeakyReLU(0.2),
                nn.Conv2d(channels, out, 4, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(out),
            ]
        super().__init__(*layers, nn.LeakyReLU(0.2), nn.Conv2d(8 * width, 1, 4, padding=1))

    def forward(self, pair: Tensor) -> Tensor:
        logits: Tensor = super().forward(pair)
        return logits


def init_normal(layer: nn.Module) -> None:
    """Start a layer as pix2pix does: weights N(0, 0.02), those of norms N(1, 0.02), biases 0."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
        mean = 1.0 if isinstance(layer, nn.BatchNorm2d) else 0.0
        nn.init.normal_(layer.weight, mean, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _halve(channels: int, out: int) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 4, stride=2, padding=1, bias=False)


def _transposed(channels: int, out: int, bias: bool) -> nn.Module:
    return nn.ConvTranspose2d(channels, out, 4, stride=2, padding=1, bias=bias)


def _resize(channels: int, out: int, bias: bool) -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(channels, out, 3, 1, 1, bias=bias))


UPSAMPLING: Mapping[str, Callable[[int, int, bool], nn.Module]] = MappingProxyType(
    {"transposed": _transposed, "resize": _resize}
)
"""Name, as `systems.RUN.network.upsampling` gives it, -> function of both channels and of bias.

transposed: k4 s2 p1, as published. Pixels of even and odd rows and columns come from different
weights, which shows as a checkerboard. resize: every pixel twice in both directions, then k3 s1 p1;
all pixels come from the same weights (Odena et al. 2016).
"""
