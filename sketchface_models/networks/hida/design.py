"""What HIDA's networks may differ in: between paper and released code, and in its ablations.

The first value named in each field is the paper's, where paper and code differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from torch import nn

from sketchface_models.config import at_least, between
from sketchface_models.networks.acon import META_ACON, Kind

DOG = Literal["none", "top2", "mid3", "btm2", "all"]
LEAK = 0.2


@dataclass(frozen=True)
class Network:
    """One way to build the generator."""

    width: Annotated[int, at_least(1)]
    """Channels of a stem; 64 in paper and code. All other widths are multiples of it."""
    modulation: Literal["dyspade", "none"]
    """none: plain instance norm and no residual (Table 2, models A and B)."""
    activation: Literal["infoacon", "metaacon", "leaky"]
    """Table 3. leaky: ReLU in the encoder, leaky ReLU in the decoder; metaacon: metaACON in both;
    infoacon: InfoACON in the decoder, metaACON elsewhere."""
    dog: DOG
    """Decoder layers that deform (Fig. 9): the two innermost in the paper."""
    meta_acon: Kind
    """Section 2: pixel-wise; the code takes one theta a channel (facts G 24)."""
    encoder_order: Literal["conv-acon-norm", "acon-conv-norm"]
    """Section 3.3 against facts G 27."""
    appearance: Literal["map", "plane"]
    """A of Eq. 2: a feature map as wide as its decoder layer, in all layers (Section 3.3), or one
    channel, and none in the innermost layer (facts E.5 d, e)."""
    gamma: Literal["plain", "one-plus"]
    """Eq. 3 against facts E.5 b."""
    residual: Literal["before", "after"]
    """What DySPADE's result is added to: the map before the activation (Eq. 4) or after it
    (facts E.5 a)."""
    pyramid: Literal["gaussian", "nearest"]
    """How depth comes to a layer's size: Section 3.3 against facts E.5 c."""
    dropout: Annotated[float, between(0, 0.95)]
    """Of the inner decoder layers; the paper names none, the code has 0.5."""


def encoder_activation(network: Network, channels: int) -> nn.Module:
    """What the encoder, the conditions' trunk and appearance maps are activated by."""
    if network.activation == "leaky":
        return nn.ReLU()
    return META_ACON[network.meta_acon](channels)


def head_activation(network: Network, channels: int) -> nn.Module:
    """What stands before the output heads' convolutions."""
    if network.activation == "leaky":
        return nn.LeakyReLU(LEAK)
    return META_ACON[network.meta_acon](channels)


def deforming(dog: DOG, layers: int) -> range:
    """The decoder layers, counted from the innermost, that `dog` names (Fig. 9).

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
