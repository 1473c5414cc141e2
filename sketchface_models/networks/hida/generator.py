"""HIDA's generator: photo, depth and style to a sketch and its depth (Gao et al. 2023, Fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchface_models.networks.hida.conditions import DepthPyramid
from sketchface_models.networks.hida.decoder import DecoderLayer, transposed
from sketchface_models.networks.hida.encoder import Encoder
from sketchface_models.networks.hida.settings import NetworkSettings, deforming

MIN_SIZE = 64
"""Side of the smallest pictures: below it the two layers with DOG are most of the network."""


class Generator(nn.Module):
    """The U-Net as a whole; 80,894,566 parameters as released, at 256 pixels and width 64.

    Args:
        settings: how to build it.
        size: side of the pictures, a power of two from `MIN_SIZE` on.
        with_depth: whether depth is read, generated and adapted to.
        styles: number of styles; 0 = style plays no part.

    Shape: photo (B, 3, S, S) in [-1, 1], depth (B, 1, S, S) in [0, 1] or None, style (B, styles)
    that sums to one, or None -> sketch (B, 1, S, S) in (-1, 1), depth (B, 1, S, S) unbounded or
    None.
    """

    layout = torch.channels_last

    def __init__(self, settings: NetworkSettings, size: int, with_depth: bool, styles: int) -> None:
        super().__init__()
        halvings = settings.halvings or size.bit_length() - 1
        self.encoder = Encoder(settings, halvings, with_depth)
        self.pyramid = DepthPyramid(settings.pyramid, halvings - 1) if with_depth else None
        skips = self.encoder.channels[::-1]
        layers, width = halvings - 1, settings.width
        deform = deforming(settings.dog, layers)
        widths = [width * min(2 ** (layers - 1 - layer), 8) for layer in range(layers)]
        self.decoder = nn.ModuleList(
            DecoderLayer(
                settings,
                in_channels=skips[layer] + (widths[layer - 1] if layer else 0),
                out_channels=widths[layer],
                source_channels=skips[layer] if layer or settings.appearance == "map" else 0,
                planes=int(with_depth) + styles,
                up="dog" if layer in deform else "transposed",
                # As in pix2pix: all layers of full width but the outermost of them.
                drops=widths[layer + 1 : layer + 2] == [8 * width],
            )
            for layer in range(layers)
        )
        self.sketch_head = nn.Sequential(_head(settings), nn.Tanh())
        self.depth_head = _head(settings) if with_depth else None

    def forward(
        self, photo: Tensor, depth: Tensor | None = None, style: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        stems, maps = self.encoder(photo, depth)
        sizes = [] if self.pyramid is None else self.pyramid(depth)[::-1]
        x = maps.pop()
        source = x
        for index, layer in enumerate(self.decoder):
            side = 2 * x.shape[-1]
            planes = sizes[index : index + 1]
            if style is not None:
                planes = [*planes, style[:, :, None, None].expand(-1, -1, side, side)]
            if index:
                source = maps.pop()
                x = torch.cat([x, source], dim=1)
            x = layer(x, planes, source)
        sketch = self.sketch_head(torch.cat([x, stems[0]], dim=1))
        if self.depth_head is None:
            return sketch, None
        return sketch, self.depth_head(torch.cat([x, stems[1]], dim=1))


def _head(settings: NetworkSettings) -> nn.Sequential:
    """Return activation, then the last doubling, to one channel."""
    return nn.Sequential(
        settings.head_activation(2 * settings.width),
        transposed(2 * settings.width, 1),
    )
