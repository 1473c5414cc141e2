"""One layer of HIDA's decoder: up-sampling or DOG, InfoACON, DySPADE (Fig. 2 b, facts E.5, E.6)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sketchface_models.deterministic import Resize
from sketchface_models.networks.acon import META_ACON, Slopes
from sketchface_models.networks.deform import DeformableConv2d
from sketchface_models.networks.hida.conditions import Adaptation, Appearance
from sketchface_models.networks.hida.design import LEAK, Network


class DOG(nn.Module):
    """Deformable outline generation (Section 3.2): bilinear up-sampling, then DCNv2 (facts E.6).

    Shape: (B, in_channels, H, W) -> (B, out_channels, 2 H, 2 W).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.resize = Resize(2)
        self.convolution = DeformableConv2d(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        drawn: Tensor = self.convolution(self.resize(x))
        return drawn


class DecoderLayer(nn.Module):
    """One doubling, adapted to depth, style and appearance.

    Args:
        network: how to build it.
        in_channels: of the map from inside, joined with the encoder's.
        out_channels: of the result.
        source_channels: of the encoder map that appearance is made of; 0 = no appearance here.
        planes: of depth and style together.
        deforms: whether DOG takes the place of the transposed convolution.
        drops: whether the result is thinned out by dropout.

    Shape: x (B, in_channels, H, W), a list of maps (B, ..., 2 H, 2 W) with `planes` channels in
    all, source (B, source_channels, H, W) -> (B, out_channels, 2 H, 2 W).
    """

    def __init__(
        self,
        network: Network,
        in_channels: int,
        out_channels: int,
        source_channels: int,
        planes: int,
        deforms: bool,
        drops: bool,
    ) -> None:
        super().__init__()
        self.up: nn.Module = (
            DOG(in_channels, out_channels)
            if deforms
            else nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
        )
        self.gamma, self.residual = network.gamma, network.residual
        adapts = network.activation == "infoacon" or network.modulation == "dyspade"
        appearing = out_channels if network.appearance == "map" else 1
        self.appearance = (
            Appearance(network, source_channels, appearing) if adapts and source_channels else None
        )
        planes += appearing if self.appearance is not None else 0
        self.adaptation = Adaptation(network, planes, out_channels) if adapts else None
        self.activation: nn.Module
        if network.activation == "infoacon":
            self.activation = Slopes(out_channels)
        elif network.activation == "metaacon":
            self.activation = META_ACON[network.meta_acon](out_channels)
        else:
            self.activation = nn.LeakyReLU(LEAK)
        self.norm = nn.InstanceNorm2d(out_channels)
        self.dropout = nn.Dropout(network.dropout if drops else 0.0)

    def forward(self, x: Tensor, planes: list[Tensor], source: Tensor) -> Tensor:
        h = self.up(x)
        found = self._adapted_to(planes, source)
        f = self.activation(h, found["theta"]) if "theta" in found else self.activation(h)  # Eq. 2
        k = self.norm(f)
        if "gamma" in found:
            gamma = found["gamma"] if self.gamma == "plain" else 1 + found["gamma"]
            k = torch.addcmul(found["beta"], gamma, k)  # Eq. 3
            k = k + (h if self.residual == "before" else f)  # Eq. 4
        dropped: Tensor = self.dropout(k)
        return dropped

    def _adapted_to(self, planes: list[Tensor], source: Tensor) -> dict[str, Tensor]:
        """theta, gamma and beta, as far as this layer has them."""
        if self.adaptation is None:
            return {}
        conditions = list(planes)
        if self.appearance is not None:
            appearance = self.appearance(source)
            # One precision for all, that of the wide one: joining would widen it to the others'.
            conditions = [plane.to(appearance.dtype) for plane in planes] + [appearance]
        found: dict[str, Tensor] = self.adaptation(torch.cat(conditions, dim=1))
        return found
