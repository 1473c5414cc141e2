"""One layer of HIDA's decoder: up-sampling, InfoACON, DySPADE (Gao et al. 2023, Fig. 2 b)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from sketchface_models.deterministic import Resize
from sketchface_models.networks.deform import DeformableConv2d
from sketchface_models.networks.hida.conditions import Adaptation, Appearance
from sketchface_models.networks.hida.settings import NetworkSettings
from sketchface_models.networks.norms import InstanceNorm2d


class DOG(nn.Module):
    """Deformable outline generation (Section 3.2): bilinear up-sampling, then DCNv2.

    Shape: (B, in_channels, H, W) -> (B, out_channels, 2 H, 2 W).
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.resize = Resize(2)
        self.convolution = DeformableConv2d(in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        deformed: Tensor = self.convolution(self.resize(x))
        return deformed


def transposed(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    """Return the up-sampling of all other layers: k4 s2 p1."""
    return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)


UP_SAMPLERS: Mapping[str, Callable[[int, int], nn.Module]] = MappingProxyType(
    {"dog": DOG, "transposed": transposed}
)
"""Name -> function of the numbers of channels before and after."""


class DecoderLayer(nn.Module):
    """One doubling, adapted to depth, style and appearance.

    Args:
        settings: of the generator.
        in_channels: of the map from inside, joined with the encoder's.
        out_channels: of the result.
        source_channels: of the encoder map that appearance is made of; 0 = no appearance here.
        planes: of depth and style together.
        up: one of `UP_SAMPLERS`.
        drops: whether dropout follows.

    Shape: x (B, in_channels, H, W), a list of maps (B, ..., 2 H, 2 W) with `planes` channels in
    all, source (B, source_channels, H, W) -> (B, out_channels, 2 H, 2 W).
    """

    def __init__(
        self,
        settings: NetworkSettings,
        in_channels: int,
        out_channels: int,
        source_channels: int,
        planes: int,
        up: str,
        drops: bool,
    ) -> None:
        super().__init__()
        self.up = UP_SAMPLERS[up](in_channels, out_channels)
        self.gamma, self.residual = settings.gamma, settings.residual
        adapts = settings.adapts
        appearance_channels = out_channels if settings.appearance == "map" else 1
        self.appearance = (
            Appearance(settings, source_channels, appearance_channels)
            if adapts and source_channels
            else None
        )
        planes += appearance_channels if self.appearance is not None else 0
        self.adaptation = Adaptation(settings, planes, out_channels) if adapts else None
        self.activation = settings.decoder_activation(out_channels)
        self.norm = InstanceNorm2d(out_channels)
        self.dropout = nn.Dropout(settings.dropout if drops else 0.0)

    def forward(self, x: Tensor, planes: list[Tensor], source: Tensor) -> Tensor:
        h = self.up(x)
        parameters = self._adapted_to(planes, source)
        theta = [parameters["theta"]] if "theta" in parameters else []
        f = self.activation(h, *theta)  # Eq. 2
        k = self.norm(f)
        if "gamma" in parameters:
            gamma = parameters["gamma"]
            gamma = gamma if self.gamma == "plain" else 1 + gamma
            k = torch.addcmul(parameters["beta"], gamma, k)  # Eq. 3
            k = k + (h if self.residual == "before" else f)  # Eq. 4
        dropped: Tensor = self.dropout(k)
        return dropped

    def _adapted_to(self, planes: list[Tensor], source: Tensor) -> dict[str, Tensor]:
        """Return theta, gamma and beta, as far as this layer has them."""
        if self.adaptation is None:
            return {}
        conditions = list(planes)
        if self.appearance is not None:
            appearance = self.appearance(source)
            # In the precision of the widest map: torch.cat would widen it to the others' 32 bits.
            conditions = [plane.to(appearance.dtype) for plane in planes] + [appearance]
        parameters: dict[str, Tensor] = self.adaptation(torch.cat(conditions, dim=1))
        return parameters
