"""What HIDA adapts its decoder to: depth, style and appearance (Section 3.1, facts E.5)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.networks.hida.design import Network, encoder_activation

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


class DepthPyramid(nn.Module):
    """Depth at half, quarter, ... of its side.

    Args:
        kind: `gaussian` smooths before every halving (Section 3.3), `nearest` takes every second
            pixel, as released.
        levels: how many.

    Shape: (B, 1, S, S) -> [(B, 1, S/2, S/2), ..., (B, 1, S/2^levels, ...)].
    """

    kernel: Tensor

    def __init__(self, kind: str, levels: int) -> None:
        super().__init__()
        self.kind, self.levels = kind, levels
        taps = torch.tensor(BINOMIAL)
        self.register_buffer("kernel", (taps[:, None] * taps)[None, None], persistent=False)

    def forward(self, depth: Tensor) -> list[Tensor]:
        found = []
        for _ in range(self.levels):
            if self.kind == "gaussian":
                # Replicated, not reflected: a 2 x 2 map has nothing to reflect two pixels of.
                around = F.pad(depth, (2, 2, 2, 2), mode="replicate")
                depth = F.conv2d(around, self.kernel.to(depth.dtype), stride=2)
            else:
                depth = depth[..., ::2, ::2]
            found.append(depth)
        return found


class Appearance(nn.Sequential):
    """A: an encoder map at twice its side, activated (Section 3.3).

    Shape: (B, in_channels, H, W) -> (B, out_channels, 2 H, 2 W).
    """

    def __init__(self, network: Network, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1),
            encoder_activation(network, out_channels),
        )


class Adaptation(nn.Module):
    """The parameters of InfoACON and DySPADE from the conditions (Section 3.1, Fig. 3).

    A two-layer network with a branch for each parameter: the shared first layer, then one
    convolution that is all branches side by side.

    Args:
        network: how to build it.
        planes: channels of the conditions.
        channels: of the map to be adapted.

    Attributes:
        names: of the branches: `theta` for InfoACON, `gamma` and `beta` for DySPADE.

    Shape: conditions (B, planes, H, W) -> name -> (B, channels, H, W); theta in (0, 1).
    """

    def __init__(self, network: Network, planes: int, channels: int) -> None:
        super().__init__()
        theta = ["theta"] if network.activation == "infoacon" else []
        self.names = theta + (["gamma", "beta"] if network.modulation == "dyspade" else [])
        self.trunk = nn.Sequential(
            nn.Conv2d(planes, channels, 3, padding=1), encoder_activation(network, channels)
        )
        self.branches = nn.Conv2d(channels, len(self.names) * channels, 3, padding=1)

    def forward(self, conditions: Tensor) -> dict[str, Tensor]:
        branches = self.branches(self.trunk(conditions)).chunk(len(self.names), dim=1)
        found = dict(zip(self.names, branches, strict=True))
        if "theta" in found:
            found["theta"] = torch.sigmoid(found["theta"])  # Eq. 2
        return found
