"""Patch discriminators: a logit for each patch of a picture (PatchGAN, Isola et al. 2017, 3.2.2).

All are built as `Class(in_channels, width, dropout)` and registered in `DISCRIMINATORS`, named
after the side in pixels of the patch that a logit sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from sketchface_models.networks.norms import InstanceNorm2d


class Patch70(nn.Sequential):
    """HIDA's discriminator (docs/papers.md, HIDA); 2,763,713 parameters at 2 channels, width 64.

    Args:
        in_channels: of condition and picture together.
        width: channels of the first layer.
        dropout: probability of Dropout2d before the last convolution; HIDA has none.

    Shape: (B, in_channels, S, S) -> logits (B, 1, S/8 + 3, S/8 + 3).
    """

    layout = torch.channels_last

    def __init__(self, in_channels: int, width: int, dropout: float) -> None:
        def convolution(channels: int, out: int, stride: int) -> nn.Conv2d:
            return nn.Conv2d(channels, out, 4, stride=stride, padding=2)

        layers: list[nn.Module] = [convolution(in_channels, width, 2), nn.LeakyReLU(0.2)]
        for level, stride in enumerate((2, 2, 1)):
            channels = width * 2**level
            layers += [
                InstanceNorm2d(channels),
                convolution(channels, 2 * channels, stride),
                nn.LeakyReLU(0.2),
            ]
        last = nn.Sequential(nn.LeakyReLU(0.2), nn.Dropout2d(dropout))
        layers += [InstanceNorm2d(8 * width), last, convolution(8 * width, 1, 1)]
        super().__init__(*layers)

    def forward(self, pair: Tensor) -> Tensor:
        logits: Tensor = super().forward(pair)
        return logits


class Patch23(nn.Module):
    """The discriminator of the portrait sketches (docs/papers.md, Portrait sketches).

    375,617 parameters at 6 channels and width 64. Two deviations from the authors' code: the first
    block has no batch norm at all (theirs registers one and skips it: 128 dead parameters), and the
    result is logits, not probabilities (the same loss, stable in bf16).

    Args:
        in_channels: of condition and picture together.
        width: channels of the first layer.
        dropout: probability of Dropout2d before the last convolution.

    Shape: (B, in_channels, S, S) -> logits (B, 1, S/4 - 4, S/4 - 4).
    """

    layout = torch.channels_last

    def __init__(self, in_channels: int, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.01, inplace=True),
            # Activation before norm, as in the generator.
            nn.Sequential(
                nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
                nn.LeakyReLU(0.01, inplace=True),
                nn.BatchNorm2d(2 * width),
            ),
            nn.Sequential(
                nn.Conv2d(2 * width, 4 * width, 3),
                nn.LeakyReLU(0.01, inplace=True),
                nn.BatchNorm2d(4 * width),
            ),
            nn.Dropout2d(dropout),
            nn.Conv2d(4 * width, 1, 3),
        )

    def forward(self, pair: Tensor) -> Tensor:
        logits: Tensor = self.layers(pair)
        return logits


class ReleasedPatch23(Patch23):
    """`Patch23` with the batch norm that the authors' code registers in its first block and skips.

    375,745 parameters at 6 channels and width 64, of which 128 are dead: no gradient reaches them.
    Arguments and shape as `Patch23`.
    """

    def __init__(self, in_channels: int, width: int, dropout: float) -> None:
        super().__init__(in_channels, width, dropout)
        self.skipped = nn.BatchNorm2d(width)


DISCRIMINATORS: Mapping[str, Callable[[int, int, float], nn.Module]] = MappingProxyType(
    {"patch-70": Patch70, "patch-23": Patch23, "patch-23-released": ReleasedPatch23}
)
"""Name, as `systems.RUN.discriminator` gives it, -> class."""
