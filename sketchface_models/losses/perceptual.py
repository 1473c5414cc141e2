"""Perceptual losses: the distance of two pictures in the inner maps of a trained network.

A face parser tells a nose from a cheek, and ships with the package; VGG19, which the papers use
(docs/papers.md, pix2pixHD with fewer instance norms), has to be put into `models/losses/`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.networks.imagenet import VGG
from sketchface_models.networks.small_parser import LAYERS
from sketchface_models.pretrained.parsers import PARSER_FOLDER, load_parser
from sketchface_models.pretrained.published import LOSSES, VGG19, load_published

LAYER_WEIGHTS: Mapping[str, float] = dict.fromkeys(LAYERS, 1.0)
"""Layer -> weight: every layer alike."""


class HasFeatures(Protocol):
    """A network that returns its inner maps by name."""

    def features(self, photo: Tensor) -> dict[str, Tensor]:
        """Photos (B, 3, H, W) in [-1, 1] -> maps by name."""
        ...


class ParserLoss(nn.Module):
    """Weighted distances between the named maps of two pictures, after Zhang et al. 2018, Eq. 1.

    At every position a map's channels are brought to unit length, so that layers of any scale
    compare; the squared distance is averaged over positions and faces. The parser is frozen and
    stays in eval mode, also when `train` is called, so a picture's loss depends on that picture
    alone; gradients go through it to the generated picture.

    Args:
        layers: name -> weight, of `networks.small_parser.LAYERS`; the others are left out.
        folder: of the parser's weights.

    Raises:
        ValueError: if a layer is unknown, or there is none.
        SketchFaceError: if the weights are not there.
    """

    def __init__(
        self, layers: Mapping[str, float] = LAYER_WEIGHTS, folder: Path = PARSER_FOLDER
    ) -> None:
        super().__init__()
        unknown = [name for name in layers if name not in LAYERS]
        if unknown or not layers:
            first = unknown[0] if unknown else "none"
            raise ValueError(f"layers: {first}; allowed: some of {', '.join(LAYERS)}")
        self.layers = dict(layers)
        self.parser = load_parser("small", folder=folder)

    def train(self, mode: bool = True) -> ParserLoss:
        """Stay in eval mode: a loss must not depend on batch statistics."""
        return super().train(False)

    def forward(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Both (B, 1 or 3, H, W) in [-1, 1], H and W multiples of 16 -> (), 0 or more."""
        features = self._features(generated)
        with torch.no_grad():
            reference_features = self._features(reference)
        total = generated.new_zeros((), dtype=torch.float32)
        for name, weight in self.layers.items():
            total = total + weight * _distance(features[name], reference_features[name])
        return total

    def _features(self, picture: Tensor) -> dict[str, Tensor]:
        colour = picture.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        return cast(HasFeatures, self.parser).features(colour)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    difference = F.normalize(one.float(), dim=1) - F.normalize(other.float(), dim=1)
    return difference.square().sum(dim=1).mean()


VGG_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Of relu1_1, relu2_1, relu3_1, relu4_1 and relu5_1, as pix2pixHD weighs them."""


class VGGLoss(nn.Module):
    """Weighted L1 distances between five maps of VGG19 (Wang et al. 2018, Section 3.3).

    Pictures enter in [-1, 1] as they are, without ImageNet's mean and deviation, as in the released
    code of pix2pixHD and SPADE. The network is frozen; gradients go through it to the generated
    picture.

    Args:
        folder: of VGG19's weights.

    Raises:
        SketchFaceError: if they are not there, or not the published ones.
    """

    def __init__(self, folder: Path = LOSSES) -> None:
        super().__init__()
        self.network = load_published(VGG(19, convolution=1), VGG19, folder)

    def train(self, mode: bool = True) -> VGGLoss:
        """Stay in eval mode."""
        return super().train(False)

    def forward(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Both (B, 1 or 3, H, W) in [-1, 1] -> (), 0 or more."""
        maps = self.network(generated.expand(-1, 3, -1, -1))
        with torch.no_grad():
            targets = self.network(reference.expand(-1, 3, -1, -1))
        terms = zip(VGG_WEIGHTS, maps, targets, strict=True)
        return torch.stack(
            [weight * F.l1_loss(x.float(), y.float()) for weight, x, y in terms]
        ).sum()


PERCEPTUAL: Mapping[str, Callable[[], nn.Module] | None] = MappingProxyType(
    {"parser": ParserLoss, "vgg19": VGGLoss, "none": None}
)
"""Name, as `systems.RUN.loss.perceptual` gives it, -> loss; none is None."""
