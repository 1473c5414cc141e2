"""pix2pixHD's global generator with fewer instance norms, and its discriminator of several scales.

Cheng et al. 2022, section 3; Wang et al. 2018, sections 3.2 and 3.3; docs/papers.md, pix2pixHD with
fewer instance norms.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sketchface_models.deterministic import ReflectionPad2d
from sketchface_models.networks.norms import InstanceNorm2d

HALVINGS = 4
FRONT = HALVINGS + 1
"""Layers L0 to L4, whose instance norms the paper's variants leave out from the first on."""


class GlobalGenerator(nn.Module):
    """L0 to L4 down, residual blocks, U1 to U4 up.

    102,631,875 parameters at 3 -> 3 channels, width 48 and 9 blocks, whatever norms are left out:
    instance norms have no parameters.

    Args:
        in_channels: channels of the condition.
        out_channels: channels of the picture.
        width: channels of L0 (48 in the paper); each halving doubles them.
        blocks: residual blocks at a sixteenth of the side; 9 in pix2pixHD.
        norms_removed: the first so many of L0 to L4 have no instance norm: 0 is pix2pixHD (the
            paper's M1), 2 the paper's own network, 5 its M2.

    Shape: (B, in_channels, S, S) in [-1, 1] -> (B, out_channels, S, S) in (-1, 1), S a multiple of
    16, 32 or more.
    """

    layout = torch.channels_last

    def __init__(
        self, in_channels: int, out_channels: int, width: int, blocks: int, norms_removed: int
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(FRONT)]
        first = nn.Sequential(ReflectionPad2d(3), nn.Conv2d(in_channels, width, 7))
        halving = [nn.Conv2d(c, 2 * c, 3, stride=2, padding=1) for c in widths[:-1]]
        self.front = nn.ModuleList(
            _layer(convolution, channels, normed=level >= norms_removed)
            for level, (convolution, channels) in enumerate(
                zip([first, *halving], widths, strict=True)
            )
        )
        self.blocks = nn.Sequential(*(ResidualBlock(widths[-1]) for _ in range(blocks)))
        self.up = nn.Sequential(
            *(
                _layer(
                    nn.ConvTranspose2d(2 * c, c, 3, stride=2, padding=1, output_padding=1), c, True
                )
                for c in reversed(widths[:-1])
            )
        )
        self.last = nn.Sequential(ReflectionPad2d(3), nn.Conv2d(width, out_channels, 7))

    def forward(self, condition: Tensor) -> Tensor:
        *_, deepest = self.features(condition)
        return torch.tanh(self.last(self.up(self.blocks(deepest))))

    def features(self, condition: Tensor) -> list[Tensor]:
        """Return the maps of L0 to L4 behind their ReLUs.

        Each is (B, width 2^k, S / 2^k, S / 2^k). Without norms a value depends on 7, 9, 13, 21 and
        37 pixels of the condition around it (Cheng et al. 2022, section 4.1).
        """
        maps, x = [], condition
        for layer in self.front:
            x = layer(x)
            maps.append(x)
        return maps


class ResidualBlock(nn.Module):
    """x + [pad, conv, norm, ReLU, pad, conv, norm](x). Shape: (B, C, H, W) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ReflectionPad2d(1),
            _layer(nn.Conv2d(channels, channels, 3), channels, True),
            ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class MultiScaleDiscriminator(nn.Module):
    """Patch discriminators without shared weights, each on half the side of the one before.

    2,767,809 parameters a scale at 6 channels and width 64. A logit sees 70 pixels of its scale.
    The first of `scales` sees the picture as it is; in pix2pixHD's code it is the last.

    Args:
        in_channels: of condition and picture together.
        width: channels of the first layer.
        scales: 1 to 3; three in Cheng et al. 2022, section 3.2.
        spectral: normalise the convolutions in front of instance norms spectrally and without bias,
            as SPADE's does (Park et al. 2019, appendix A): 2,783,297 parameters a scale at 22
            channels.

    Shape: (B, in_channels, S, S) -> for each scale five maps: four behind activations, then logits
    (B, 1, S/8 + 3, S/8 + 3) for the first scale.
    """

    layout = torch.channels_last

    def __init__(self, in_channels: int, width: int, scales: int, spectral: bool = False) -> None:
        super().__init__()
        self.scales = nn.ModuleList(
            _patch_layers(in_channels, width, spectral) for _ in range(scales)
        )

    def forward(self, pair: Tensor) -> list[list[Tensor]]:
        features: list[list[Tensor]] = []
        for layers in self.scales:
            if features:
                pair = F.avg_pool2d(pair, 3, stride=2, padding=1, count_include_pad=False)
            x, maps = pair, []
            for layer in cast(nn.ModuleList, layers):
                x = layer(x)
                maps.append(x)
            features.append(maps)
        return features


def _patch_layers(in_channels: int, width: int, spectral: bool) -> nn.ModuleList:
    def convolution(channels: int, out: int, stride: int, bias: bool = True) -> nn.Conv2d:
        return nn.Conv2d(channels, out, 4, stride=stride, padding=2, bias=bias)

    def normalised(channels: int, out: int, stride: int) -> nn.Module:
        layer = convolution(channels, out, stride, bias=not spectral)
        return spectral_norm(layer) if spectral else layer

    layers: list[nn.Module] = [nn.Sequential(convolution(in_channels, width, 2), nn.LeakyReLU(0.2))]
    for level, stride in enumerate((2, 2, 1)):
        channels = width * 2**level
        layers.append(
            nn.Sequential(
                normalised(channels, 2 * channels, stride),
                InstanceNorm2d(2 * channels),
                nn.LeakyReLU(0.2),
            )
        )
    return nn.ModuleList([*layers, convolution(8 * width, 1, 1)])


def _layer(convolution: nn.Module, channels: int, normed: bool) -> nn.Sequential:
    norm = [InstanceNorm2d(channels)] if normed else []
    return nn.Sequential(convolution, *norm, nn.ReLU())
