"""Distance of pictures in the eyes of a face parser: the offline perceptual loss.

A network that tells a nose from a cheek sees what matters in a face, and ships with the package;
VGG19, which the papers use (facts A.4), has to be fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.networks.small_parser import LAYERS
from sketchface_models.pretrained.parsers import PARSER_FOLDER, load_parser

WEIGHTS: Mapping[str, float] = dict.fromkeys(LAYERS, 1.0)
"""Every layer alike."""


class SeesLayers(Protocol):
    """A network that names its inner maps."""

    def features(self, photo: Tensor) -> dict[str, Tensor]:
        """Photos (B, 3, H, W) in [-1, 1] -> maps by name."""
        ...


class ParserLoss(nn.Module):
    """Weighted distances between the named maps of two pictures, after Zhang et al. 2018, Eq. 1.

    At every place a map's channels are brought to unit length, so that layers of any scale
    compare; the squared distance is averaged over places and faces. The parser is frozen and stays
    in eval mode whatever its owner is put into, so a picture's loss depends on that picture alone;
    gradients go through it to the generated picture.

    Args:
        layers: name -> weight, of `networks.small_parser.LAYERS`; the others are left out.
        folder: of the parser's weights.

    Raises:
        ValueError: if a layer is unknown, or there is none.
        SketchFaceError: if the weights are not there.
    """

    def __init__(self, layers: Mapping[str, float] = WEIGHTS, folder: Path = PARSER_FOLDER) -> None:
        super().__init__()
        unknown = [name for name in layers if name not in LAYERS]
        if unknown or not layers:
            found = unknown[0] if unknown else "none"
            raise ValueError(f"layers: {found}; allowed: some of {', '.join(LAYERS)}")
        self.layers = dict(layers)
        self.parser = load_parser("small", folder=folder)

    def train(self, mode: bool = True) -> ParserLoss:
        """Stay in eval mode: statistics of batches have no part in a loss."""
        return super().train(False)

    def forward(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Both (B, 1 or 3, H, W) in [-1, 1], H and W multiples of 16 -> (), 0 or more."""
        seen = self._features(generated)
        with torch.no_grad():
            wanted = self._features(reference)
        total = generated.new_zeros((), dtype=torch.float32)
        for name, weight in self.layers.items():
            total = total + weight * _apart(seen[name], wanted[name])
        return total

    def _features(self, picture: Tensor) -> dict[str, Tensor]:
        colour = picture.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        return cast(SeesLayers, self.parser).features(colour)


def _apart(seen: Tensor, wanted: Tensor) -> Tensor:
    difference = F.normalize(seen.float(), dim=1) - F.normalize(wanted.float(), dim=1)
    return difference.square().sum(dim=1).mean()
