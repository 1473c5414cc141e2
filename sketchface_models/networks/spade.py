"""SPADE: a generator whose normalisation reads the parsing map, and the encoder of its style codes.

Park et al. 2019, sections 3.1 and 3.2 and appendix A, as Zhang et al. 2019 use it for faces; see
docs/papers.md, SPADE for faces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from sketchface_models.networks.norms import InstanceNorm2d

DOUBLINGS = 5
"""Of the side, from the generator's start to the picture."""
CODE = 256
"""Numbers in a style code."""
LAST, MOST_HALVINGS = 4, 6
"""Side of the encoder's last maps, and how often it halves the photo's side at most."""
FINE = 4
"""The first block that the second of two codes is read by: an eighth of the side."""
SLOPE = 0.2
"""Of LeakyReLU. (The paper's text says ReLU, the released code leaky.)"""


class SPADE(nn.Module):
    """Spatially-adaptive normalisation: batch norm, scaled and shifted by what the map shows.

    normalised(x) * (1 + gamma(map)) + beta(map), where gamma and beta are convolutions of one
    hidden layer (Park et al. 2019, Eq. 1 to 3). The map is brought to the size of `x` by its
    nearest pixels.

    Args:
        channels: of what is normalised.
        map_channels: of the map.
        hidden: channels of the hidden layer; 128 at the published width of 64.

    Shape: (B, channels, H, W), (B, map_channels, S, S) -> (B, channels, H, W).
    """

    def __init__(self, channels: int, map_channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.shared = nn.Conv2d(map_channels, hidden, 3, padding=1)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Tensor, segmentation: Tensor) -> Tensor:
        hidden = F.relu(self.shared(resized_map(segmentation, x.shape[-1])))
        modulated: Tensor = self.norm(x) * (1 + self.gamma(hidden)) + self.beta(hidden)
        return modulated


class Noise(nn.Module):
    """Adds noise of a learned strength for each channel (Karras et al. 2019, section 2).

    In training the noise comes from torch's global generator; outside of it, it is the same for
    every face, so that a picture depends on its own inputs alone.

    Args:
        channels: of what noise is added to.
        number: seeds the noise outside of training.

    Shape: (B, channels, H, W) -> the same.
    """

    def __init__(self, channels: int, number: int) -> None:
        super().__init__()
        self.number = number
        self.strength = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        if self.training:
            noise = torch.randn(len(x), 1, height, width, device=x.device)
        else:
            generator = torch.Generator().manual_seed(self.number)
            noise = torch.randn(1, 1, height, width, generator=generator).to(x.device)
        return x + self.strength[:, None, None] * noise.to(x.dtype)


class SPADEResBlock(nn.Module):
    """Two convolutions behind SPADE and LeakyReLU beside a shortcut (Park et al. 2019, appendix A).

    Where the number of channels changes, the shortcut is a SPADE and a convolution of one pixel,
    without activation. Convolutions are spectrally normalised.

    Args:
        channels: of the input.
        out_channels: of the output; the smaller of both is the number between the convolutions.
        map_channels: of the map.
        hidden: channels of each SPADE's hidden layer.
        noise: numbers of the noises behind both convolutions; none without noise.

    Shape: (B, channels, H, W), (B, map_channels, S, S) -> (B, out_channels, H, W).
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        map_channels: int,
        hidden: int,
        noise: Sequence[int] = (),
    ) -> None:
        super().__init__()
        between = min(channels, out_channels)
        self.spades = nn.ModuleList(SPADE(c, map_channels, hidden) for c in (channels, between))
        self.convolutions = nn.ModuleList(
            spectral_norm(nn.Conv2d(c, out, 3, padding=1))
            for c, out in ((channels, between), (between, out_channels))
        )
        self.noises = nn.ModuleList(
            Noise(c, number) for c, number in zip((between, out_channels), noise, strict=False)
        )
        self.shortcut_spade: SPADE | None = None
        if channels != out_channels:
            self.shortcut_spade = SPADE(channels, map_channels, hidden)
            self.shortcut = spectral_norm(nn.Conv2d(channels, out_channels, 1, bias=False))

    def forward(self, x: Tensor, segmentation: Tensor) -> Tensor:
        shortcut = x
        if self.shortcut_spade is not None:
            shortcut = self.shortcut(self.shortcut_spade(x, segmentation))
        for level, (spade, convolution) in enumerate(
            zip(self.spades, self.convolutions, strict=True)
        ):
            x = convolution(F.leaky_relu(spade(x, segmentation), SLOPE))
            if self.noises:
                x = self.noises[level](x)
        return shortcut + x


class SPADEGenerator(nn.Module):
    """Seven SPADE blocks from a thirty-second of the side to the picture.

    At 19 classes, 3 channels, width 64 and 256 pixels: 92,538,819 parameters that start from the
    shrunken map, 109,205,443 that start from a style code.

    Args:
        map_channels: of the map.
        out_channels: of the picture.
        width: channels before the last convolution (64 as published).
        size: side of the pictures, a multiple of 32.
        coded: start from a style code (B, `CODE`), not from the shrunken map.
        noise: add noise in every block; planned by Zhang et al. 2019.
        mixed: blocks add what they read in codes: those up to an eighth of the side in the first,
            finer ones in the second; likewise planned ("mixing regularization").

    Shape: (B, map_channels, S, S) one-hot, and with `coded` a code (B, `CODE`) or with `mixed` two
    of them -> (B, out_channels, S, S) in (-1, 1). Maps whose side is a whole fraction of `size`
    give pictures of that side: what a code starts is then averaged to a smaller start.
    """

    layout = torch.channels_last

    def __init__(
        self,
        map_channels: int,
        out_channels: int,
        width: int,
        size: int,
        coded: bool,
        noise: bool = False,
        mixed: bool = False,
    ) -> None:
        super().__init__()
        self.start_side = size // 2**DOUBLINGS
        widths = [16 * width] * 4 + [8 * width, 4 * width, 2 * width, width]
        self.start: nn.Module = (
            nn.Linear(CODE, widths[0] * self.start_side**2)
            if coded
            else nn.Conv2d(map_channels, widths[0], 3, padding=1)
        )
        self.coded = coded
        self.blocks = nn.ModuleList(
            SPADEResBlock(c, out, map_channels, 2 * width, (2 * n, 2 * n + 1) if noise else ())
            for n, (c, out) in enumerate(pairwise(widths))
        )
        self.readers = nn.ModuleList(nn.Linear(CODE, c) for c in widths[1:] if mixed)
        self.last = nn.Conv2d(width, out_channels, 3, padding=1)

    def forward(self, segmentation: Tensor, codes: Sequence[Tensor] = ()) -> Tensor:
        x = self._start(segmentation, codes)
        for number, block in enumerate(self.blocks):
            if number not in (0, 2):  # the second and third block work at one size
                x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(x, resized_map(segmentation, x.shape[-1]))  # once for its two or three SPADEs
            if self.readers:
                code = codes[0] if number < FINE else codes[-1]
                x = x + self.readers[number](code)[:, :, None, None]
        return torch.tanh(self.last(F.leaky_relu(x, SLOPE)))

    def _start(self, segmentation: Tensor, codes: Sequence[Tensor]) -> Tensor:
        side = segmentation.shape[-1] // 2**DOUBLINGS
        if self.coded:
            x = self.start(codes[0]).unflatten(1, (-1, self.start_side, self.start_side))
            return x if side == self.start_side else F.adaptive_avg_pool2d(x, side)
        first: Tensor = self.start(resized_map(segmentation, side))
        return first


class SPADEEncoder(nn.Module):
    """Photo -> mean and log-variance of its style code (Park et al. 2019, appendix A).

    10,463,424 parameters at width 64 and 256 pixels: six halvings to 4 x 4. Smaller photos are
    halved less often; larger ones are resized to 256 pixels, as in the released code, and sides
    that are no power of two to the nearest one.

    Args:
        width: channels of the first layer (64 as published); 8 times as many at most.
        size: side of the photos.

    Shape: (B, 3, S, S) in [-1, 1] -> (B, `CODE`), (B, `CODE`).
    """

    layout = torch.channels_last

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        halvings = min(max(1, round(math.log2(size / LAST))), MOST_HALVINGS)
        self.side = LAST * 2**halvings
        widths = [3, *(width * min(8, 2**level) for level in range(halvings))]
        layers: list[nn.Module] = []
        for channels, out in pairwise(widths):
            convolution = nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False)
            layers += [spectral_norm(convolution), InstanceNorm2d(out), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers)
        self.mean, self.log_variance = (nn.Linear(widths[-1] * LAST**2, CODE) for _ in range(2))

    def forward(self, photo: Tensor) -> tuple[Tensor, Tensor]:
        if photo.shape[-1] != self.side:
            photo = F.interpolate(photo, (self.side, self.side), mode="bilinear")
        features = self.layers(photo).flatten(1)
        return self.mean(features), self.log_variance(features)


def resized_map(segmentation: Tensor, side: int) -> Tensor:
    """Return a one-hot map at another side by its nearest pixels, as the released code does."""
    if segmentation.shape[-1] == side:
        return segmentation
    return F.interpolate(segmentation, (side, side), mode="nearest")
