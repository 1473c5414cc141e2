"""What HIDA's networks may differ in: between paper and released code, and in its ablations.

The first value of each field is the paper's, where paper and code differ; docs/papers.md, HIDA,
sets them side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal

from torch import nn

from sketchface_models.config import at_least, between
from sketchface_models.networks.acon import META_ACON, Slopes, ThetaFrom

LEAK = 0.2


@dataclass(frozen=True)
class NetworkSettings:
    """One way to build the generator."""

    width: Annotated[int, at_least(1)]
    """Channels of a stem; 64 in paper and code. All other widths are multiples of it."""
    modulation: Literal["dyspade", "none"]
    """none: plain instance norm and no residual (Table 2, models A and B)."""
    activation: Literal["infoacon", "metaacon", "leaky"]
    """Table 3. leaky: ReLU in the encoder, leaky ReLU in the decoder; metaacon: metaACON in both;
    infoacon: InfoACON in the decoder, metaACON elsewhere. The trunk of the conditions has metaACON
    in all of them."""
    dog: Literal["none", "top2", "mid3", "btm2", "all"]
    """Decoder layers that deform (Fig. 9): the two innermost in the paper."""
    meta_acon: ThetaFrom
    """Section 2: one theta a pixel; the code takes one a channel."""
    encoder_order: Literal["conv-acon-norm", "acon-conv-norm"]
    """Section 3.3; as released."""
    appearance: Literal["map", "plane"]
    """A of Eq. 2: a feature map as wide as its decoder layer, in all layers (Section 3.3), or one
    channel, and none in the innermost layer (as released)."""
    gamma: Literal["plain", "one-plus"]
    """Scale of DySPADE: gamma (Eq. 3), or 1 + gamma (as released)."""
    residual: Literal["before", "after"]
    """What DySPADE's result is added to: the map before the activation (Eq. 4) or after it (as
    released)."""
    pyramid: Literal["gaussian", "nearest"]
    """How depth comes to a layer's size: Section 3.3; as released."""
    dropout: Annotated[float, between(0, 0.95)]
    """Of the inner decoder layers; the paper names none, the code has 0.5."""
    halvings: Annotated[int, at_least(0)] = 0
    """How often the encoder halves the side; 0 = down to one pixel, as in paper and code.

    With a fixed number the same weights fit every side: 7 halvings give an innermost map of 1 x 1
    at 128 pixels and of 2 x 2 at 256."""

    @property
    def adapts(self) -> bool:
        """Whether decoder layers adapt to depth, style and appearance at all."""
        return self.activation == "infoacon" or self.modulation == "dyspade"

    def encoder_activation(self, channels: int) -> nn.Module:
        """Return the activation of the encoder and of appearance maps, which are made of it."""
        return ENCODER_ACTIVATIONS[self.activation](self, channels)

    def trunk_activation(self, channels: int) -> nn.Module:
        """Return that of the conditions' trunk: metaACON in every variant (Section 3.1, Fig. 3).

        It belongs to the modulation: Table 2's model C has DySPADE as the section defines it, with
        fixed activation functions around it.
        """
        return _meta_acon(self, channels)

    def decoder_activation(self, channels: int) -> nn.Module:
        """Return the activation of a decoder layer; InfoACON is called with theta, too."""
        return DECODER_ACTIVATIONS[self.activation](self, channels)

    def head_activation(self, channels: int) -> nn.Module:
        """Return the activation before an output head's convolution."""
        return HEAD_ACTIVATIONS[self.activation](self, channels)


Activations = Mapping[str, Callable[[NetworkSettings, int], nn.Module]]
"""`network.activation` -> function of the settings and a number of channels."""


def _relu(settings: NetworkSettings, channels: int) -> nn.Module:
    return nn.ReLU()


def _leaky_relu(settings: NetworkSettings, channels: int) -> nn.Module:
    return nn.LeakyReLU(LEAK)


def _meta_acon(settings: NetworkSettings, channels: int) -> nn.Module:
    return META_ACON[settings.meta_acon](channels)


def _info_acon(settings: NetworkSettings, channels: int) -> nn.Module:
    return Slopes(channels)


ENCODER_ACTIVATIONS: Activations = MappingProxyType(
    {"infoacon": _meta_acon, "metaacon": _meta_acon, "leaky": _relu}
)
DECODER_ACTIVATIONS: Activations = MappingProxyType(
    {"infoacon": _info_acon, "metaacon": _meta_acon, "leaky": _leaky_relu}
)
HEAD_ACTIVATIONS: Activations = MappingProxyType(
    {"infoacon": _meta_acon, "metaacon": _meta_acon, "leaky": _leaky_relu}
)


def deforming(dog: str, layers: int) -> range:
    """Return the decoder layers, counted from the innermost, that `dog` names (Fig. 9).

    Smaller pictures have fewer layers; `mid3` is then what lies between `top2` and `btm2`.
    """
    first, last = {
        "none": (0, 0),
        "top2": (0, 2),
        "mid3": (2, layers - 2),
        "btm2": (layers - 2, layers),
        "all": (0, layers),
    }[dog]
    return range(first, last)
