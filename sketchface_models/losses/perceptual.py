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

PIXELS = "pixels"
"""Name among the layers of the pictures themselves, compared by their mean absolute difference."""
LAYER_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {PIXELS: 6.0, "edges": 1 / 8, "shapes": 1 / 4, "parts": 1 / 2, "face": 1.0}
)
"""Layer -> weight. The deeper the heavier, as pix2pixHD weighs VGG19's; the pixels because the
parser sees nothing at full resolution, while VGG19's first map is nearly the picture."""
LARGEST_SHIFT = 16
"""Pixels: the stride of the parser's deepest map."""


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

    Both pictures are shifted alike, at random, round their borders: maps of stride 2 and more would
    otherwise leave patterns of that period, such as those of transposed convolutions, unpunished.

    Args:
        layers: name -> weight, of `PIXELS` and `networks.small_parser.LAYERS`; the others are left
            out.
        folder: of the parser's weights.
        shift: largest shift along each axis, pixels; 0 = none.

    Raises:
        ValueError: if a layer is unknown, or there is none.
        SketchFaceError: if the weights are not there.
    """

    def __init__(
        self,
        layers: Mapping[str, float] = LAYER_WEIGHTS,
        folder: Path = PARSER_FOLDER,
        shift: int = LARGEST_SHIFT,
    ) -> None:
        super().__init__()
        allowed = (PIXELS, *LAYERS)
        unknown = [name for name in layers if name not in allowed]
        if unknown or not layers:
            first = unknown[0] if unknown else "none"
            raise ValueError(f"layers: {first}; allowed: some of {', '.join(allowed)}")
        self.layers, self.shift = dict(layers), shift
        self.parser = load_parser("small", folder=folder)

    def train(self, mode: bool = True) -> ParserLoss:
        """Stay in eval mode: a loss must not depend on batch statistics."""
        return super().train(False)

    def forward(self, generated: Tensor, reference: Tensor) -> Tensor:
        """Both (B, 1 or 3, H, W) in [-1, 1], H and W multiples of 16 -> (), 0 or more."""
        terms = []
        if PIXELS in self.layers:
            terms.append(self.layers[PIXELS] * (generated - reference).abs().float().mean())
        named = {name: weight for name, weight in self.layers.items() if name != PIXELS}
        if named:
            offset = tuple(torch.randint(self.shift + 1, (2,)).tolist()) if self.shift else (0, 0)
            features = self._features(generated.roll(offset, (2, 3)))
            with torch.no_grad():
                reference_features = self._features(reference.roll(offset, (2, 3)))
            terms += [
                weight * _distance(features[name], reference_features[name])
                for name, weight in named.items()
            ]
        return torch.stack(terms).sum()

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


def perceptual_network(name: str) -> dict[str, nn.Module]:
    """Return the loss of this name under `perceptual`, as a system's frozen networks; {} for none.

    Raises:
        SketchFaceError: if its weights are not there.
    """
    loss = PERCEPTUAL[name]
    return {} if loss is None else {"perceptual": loss()}
