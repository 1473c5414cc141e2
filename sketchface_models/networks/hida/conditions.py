"""What HIDA adapts its decoder to: depth, style, appearance (Gao et al. 2023, section 3.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.networks.hida.settings import NetworkSettings

BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


class DepthPyramid(nn.Module):
    """Depth at half, quarter, ... of its side.

    Args:
        kind: `gaussian` smooths before every halving (Section 3.3), `nearest` takes every second
            pixel, as the released code does.
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
        maps = []
        for _ in range(self.levels):
            if self.kind == "gaussian":
                # Replicated, not reflected: a 2 x 2 map has nothing to reflect two pixels of.
                padded = F.pad(depth, (2, 2, 2, 2), mode="replicate")
                depth = F.conv2d(padded, self.kernel.to(depth.dtype), stride=2)
            else:
                depth = depth[..., ::2, ::2]
            maps.append(depth)
        return maps


class Appearance(nn.Sequential):
    """A of Eq. 2: an encoder map at twice its side, activated (section 3.3).

    Shape: (B, in_channels, H, W) -> (B, out_channels, 2 H, 2 W).
    """

    def __init__(self, settings: NetworkSettings, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1),
            settings.encoder_activation(out_channels),
        )


class Adaptation(nn.Module):
    """The parameters of InfoACON and DySPADE from the conditions (section 3.1, Fig. 3).

    A two-layer network with a branch for each parameter: the shared first layer, which metaACON
    follows, then one convolution that is all branches side by side.

    Args:
        settings: of the generator.
        planes: channels of the conditions.
        channels: of the map to be adapted.

    Attributes:
        names: of the branches: `theta` for InfoACON, `gamma` and `beta` for DySPADE.

    Shape: conditions (B, planes, H, W) -> name -> (B, channels, H, W); theta in (0, 1).
    """

    def __init__(self, settings: NetworkSettings, planes: int, channels: int) -> None:
        super().__init__()
        theta = ["theta"] if settings.activation == "infoacon" else []
        self.names = theta + (["gamma", "beta"] if settings.modulation == "dyspade" else [])
        self.trunk = nn.Sequential(
            nn.Conv2d(planes, channels, 3, padding=1), settings.trunk_activation(channels)
        )
        self.branches = nn.Conv2d(channels, len(self.names) * channels, 3, padding=1)

    def forward(self, conditions: Tensor) -> dict[str, Tensor]:
        branches = self.branches(self.trunk(conditions)).chunk(len(self.names), dim=1)
        parameters = dict(zip(self.names, branches, strict=True))
        if "theta" in parameters:
            parameters["theta"] = torch.sigmoid(parameters["theta"])  # Eq. 2
        return parameters
