"""HIDA's encoder: stems for photo and depth, then halvings (Gao et al. 2023, section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchface_models.networks.hida.settings import NetworkSettings
from sketchface_models.networks.norms import InstanceNorm2d


def halve(in_channels: int, out_channels: int) -> nn.Conv2d:
    """The convolution of every encoder layer: k4 s2 p1."""
    return nn.Conv2d(in_channels, out_channels, 4, stride=2, padding=1)


class EncoderLayer(nn.Sequential):
    """One halving: convolution, metaACON, instance norm, in the order that `settings` names.

    Shape: (B, in_channels, H, W) -> (B, out_channels, H/2, W/2).
    """

    def __init__(
        self, settings: NetworkSettings, in_channels: int, out_channels: int, normed: bool
    ) -> None:
        before = settings.encoder_order == "acon-conv-norm"
        activation = settings.encoder_activation(in_channels if before else out_channels)
        convolution = halve(in_channels, out_channels)
        norm = [InstanceNorm2d(out_channels)] if normed else []
        super().__init__(
            *([activation, convolution] if before else [convolution, activation]), *norm
        )


class Encoder(nn.Module):
    """Photo, and depth where there is one, -> one map a halving.

    Args:
        settings: of the generator.
        halvings: of the side, the stems' included.
        with_depth: whether there is a depth stem.

    Attributes:
        channels: of the maps that `forward` returns, outermost (the joined stems) first.

    Shape: photo (B, 3, S, S), depth (B, 1, S, S) or None -> the stems' maps (B, width, S/2, S/2),
    then the maps from S/2 down to S/2^halvings.
    """

    def __init__(self, settings: NetworkSettings, halvings: int, with_depth: bool) -> None:
        super().__init__()
        width = settings.width
        self.photo_stem = halve(3, width)
        self.depth_stem = halve(1, width) if with_depth else None
        self.channels = [2 * width if with_depth else width]
        self.channels += [width * min(2**level, 8) for level in range(1, halvings)]
        pairs = list(zip(self.channels, self.channels[1:], strict=False))
        self.layers = nn.ModuleList(
            # The innermost map is not normed: one pixel has no deviation to divide by.
            EncoderLayer(settings, *pair, normed=level < len(pairs) - 1)
            for level, pair in enumerate(pairs)
        )

    def forward(self, photo: Tensor, depth: Tensor | None) -> tuple[list[Tensor], list[Tensor]]:
        stems = [self.photo_stem(photo)]
        if self.depth_stem is not None:
            stems.append(self.depth_stem(depth))
        maps = [torch.cat(stems, dim=1)]
        for layer in self.layers:
            maps.append(layer(maps[-1]))
        return stems, maps
