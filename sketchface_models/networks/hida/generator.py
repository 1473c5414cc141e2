"""HIDA's generator: photo, depth and style to a sketch and the depth drawn with it (Fig. 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchface_models.networks.hida.conditions import DepthPyramid
from sketchface_models.networks.hida.decoder import DecoderLayer
from sketchface_models.networks.hida.design import Network, deforming, head_activation
from sketchface_models.networks.hida.encoder import Encoder

SMALLEST = 64
"""Side of the smallest picture: below it the two layers that DOG belongs in are most of the net."""


class Generator(nn.Module):
    """The U-Net as a whole; 80,894,566 parameters as released, at 256 pixels and width 64.

    Args:
        network: how to build it.
        size: side of the pictures, a power of two from `SMALLEST` on: it is halved down to 1 x 1.
        with_depth: whether depth is read, drawn and adapted to.
        styles: number of styles that can be asked for; 0 = style plays no part.

    Shape: photo (B, 3, S, S) in [-1, 1], depth (B, 1, S, S) in [0, 1] or None, style (B, styles)
    that sums to one, or None -> sketch (B, 1, S, S) in (-1, 1), depth (B, 1, S, S) unbounded or
    None.
    """

    def __init__(self, network: Network, size: int, with_depth: bool, styles: int) -> None:
        super().__init__()
        halvings = size.bit_length() - 1
        self.encoder = Encoder(network, halvings, with_depth)
        self.pyramid = DepthPyramid(network.pyramid, halvings - 1) if with_depth else None
        skips = self.encoder.channels[::-1]
        layers, width = halvings - 1, network.width
        deform = deforming(network.dog, layers)
        drawn = [width * min(2 ** (layers - 1 - layer), 8) for layer in range(layers)]
        self.decoder = nn.ModuleList(
            DecoderLayer(
                network,
                in_channels=skips[layer] + (drawn[layer - 1] if layer else 0),
                out_channels=drawn[layer],
                source_channels=skips[layer] if layer or network.appearance == "map" else 0,
                planes=int(with_depth) + styles,
                deforms=layer in deform,
                # As in pix2pix: all layers of full width but the outermost of them.
                drops=drawn[layer + 1 : layer + 2] == [8 * width],
            )
            for layer in range(layers)
        )
        self.sketch_head = nn.Sequential(_head(network), nn.Tanh())
        self.depth_head = _head(network) if with_depth else None

    def forward(
        self, photo: Tensor, depth: Tensor | None = None, style: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        stems, maps = self.encoder(photo, depth)
        sizes = [] if self.pyramid is None else self.pyramid(depth)[::-1]
        x = maps.pop()
        source = x
        for index, layer in enumerate(self.decoder):
            side = 2 ** (index + 1)
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


def _head(network: Network) -> nn.Sequential:
    """Activation, then the last doubling, to one channel."""
    return nn.Sequential(
        head_activation(network, 2 * network.width),
        nn.ConvTranspose2d(2 * network.width, 1, 4, stride=2, padding=1),
    )
