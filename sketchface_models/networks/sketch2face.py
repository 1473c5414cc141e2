"""Encoders, decoders, latent layers and critics of Sketch2face (docs/papers.md, Sketch2face)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from types import MappingProxyType

import torch
from torch import Tensor, nn

WIDEST = 4
"""Most channels of a layer, in multiples of the first one's; 1024 of 256 in the published runs."""
SMALLEST = 4
"""Side of a decoder's first map, and of a critic's last one."""


def halvings_of(side: int) -> int:
    """Return log2 of a side.

    Raises:
        ValueError: if the side is no power of two, or below 16.
    """
    if side < 4 * SMALLEST or side & (side - 1):
        raise ValueError(f"{side} pixels; allowed: a power of two, {4 * SMALLEST} or more")
    return side.bit_length() - 1


class LatentBound(nn.Module):
    """ReLU on the halves of a code that are bounded: mu >= 0, log variance >= 0 (sigma >= 1).

    The released networks end in a ReLU, which bounds both.

    Args:
        free_mean: mu takes any value.
        free_deviation: sigma takes any positive value.

    Shape: (B, 2 L), mu and log variance -> the same.
    """

    def __init__(self, free_mean: bool, free_deviation: bool) -> None:
        super().__init__()
        self.free_mean, self.free_deviation = free_mean, free_deviation

    def forward(self, code: Tensor) -> Tensor:
        mean, log_variance = code.chunk(2, dim=1)
        mean = mean if self.free_mean else mean.relu()
        log_variance = log_variance if self.free_deviation else log_variance.relu()
        return torch.cat([mean, log_variance], dim=1)


class Encoder(nn.Module):
    """Halve a picture down to one pixel, and give mean and log variance of its code.

    38,946,048 parameters at 3 channels, 64 pixels, width 256 and latent size 256; 29,502,208 at 1
    channel and 32 pixels.

    Args:
        channels: of the picture.
        side: of the picture in pixels, a power of two.
        width: channels of the first layer; 256 as published.
        latent: size of a code; 256 as published.
        bound: of mean and log variance.

    Shape: (B, channels, side, side) in [-1, 1] -> (B, 2 latent).
    """

    layout = torch.channels_last

    def __init__(
        self, channels: int, side: int, width: int, latent: int, bound: LatentBound
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for level in range(halvings_of(side)):
            out = width * min(2**level, WIDEST)
            layers += [*_convolved(channels, out, 2), nn.ReLU()]
            channels = out
        self.layers = nn.Sequential(*layers, *_convolved(channels, 2 * latent, 1))
        self.bound = bound

    def forward(self, picture: Tensor) -> Tensor:
        code: Tensor = self.bound(self.layers(picture).flatten(1))
        return code


class Decoder(nn.Module):
    """Paint a picture of a code.

    31,475,200 parameters at 3 channels, 64 pixels, width 256 and latent size 256; 14,687,744 at 1
    channel and 32 pixels.

    Args:
        channels: of the picture.
        side: of the picture in pixels, a power of two.
        width: channels of the last hidden layer; 256 as published.
        latent: size of a code.

    Shape: (B, latent) -> (B, channels, side, side) in (-1, 1).
    """

    layout = torch.channels_last

    def __init__(self, channels: int, side: int, width: int, latent: int) -> None:
        super().__init__()
        hidden = halvings_of(side) - halvings_of(4 * SMALLEST) + 2
        widths = [width * min(2**level, WIDEST) for level in reversed(range(hidden))]
        layers = _transposed(latent, widths[0], stride=1, padding=0)
        for before, out in pairwise(widths):
            layers += _transposed(before, out, stride=2, padding=1)
        last = nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1, bias=False)
        self.layers = nn.Sequential(*layers, last, nn.Tanh())

    def forward(self, code: Tensor) -> Tensor:
        picture: Tensor = self.layers(code[:, :, None, None])
        return picture


class LatentLayers(nn.Module):
    """Translate the code of one domain into that of the other, before it is sampled.

    1,054,720 parameters at latent size 256 and four layers.

    Args:
        latent: size of a code.
        layers: 4 as published; 0 leaves a code as it is.
        bound: of mean and log variance.

    Shape: (B, 2 latent) -> the same.
    """

    layout = torch.contiguous_format

    def __init__(self, latent: int, layers: int, bound: LatentBound) -> None:
        super().__init__()
        linear: list[nn.Module] = []
        for layer in range(layers):
            linear += [nn.ReLU()] if layer else []
            linear += [nn.Linear(2 * latent, 2 * latent), nn.BatchNorm1d(2 * latent)]
        self.layers = nn.Sequential(*linear)
        self.bound = bound

    def forward(self, code: Tensor) -> Tensor:
        translated: Tensor = self.bound(self.layers(code)) if len(self.layers) else code
        return translated


class Critic(nn.Module):
    """Judge whole pictures by one number without bounds (Gulrajani et al. 2017).

    11,569,153 parameters at 3 channels, 64 pixels and width 256; 10,511,617 at 1 channel and 32
    pixels.

    Args:
        channels: of the picture.
        side: of the picture in pixels, a power of two.
        width: channels of the first layer; 256 as published.
        norm: instance norm with gains, as released; batch norm in DCGAN.

    Shape: (B, channels, side, side) -> (B, 1, 1, 1), larger for what looks real.
    """

    layout = torch.contiguous_format

    def __init__(self, channels: int, side: int, width: int, norm: str = "instance") -> None:
        super().__init__()
        layers: list[nn.Module] = []
        while side > SMALLEST:
            side //= 2
            out = max(width, width * WIDEST * SMALLEST // side)
            layers += [nn.Conv2d(channels, out, 4, stride=2, padding=1)]
            layers += [_NORMS[norm](out), nn.LeakyReLU(0.2)]
            channels = out
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, SMALLEST))

    def forward(self, picture: Tensor) -> Tensor:
        value: Tensor = self.layers(picture)
        return value


def _instance_norm(channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels, affine=True)


_NORMS: Mapping[str, Callable[[int], nn.Module]] = MappingProxyType(
    {"instance": _instance_norm, "batch": nn.BatchNorm2d}
)


def _convolved(channels: int, out: int, stride: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, out, 3, stride=stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(out)]


def _transposed(channels: int, out: int, stride: int, padding: int) -> list[nn.Module]:
    doubling = nn.ConvTranspose2d(channels, out, 4, stride=stride, padding=padding, bias=False)
    return [doubling, nn.BatchNorm2d(out), nn.ReLU()]
