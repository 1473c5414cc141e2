"""LPIPS v0.1: perceptual distance in the inner maps of a classifier (Zhang et al. 2018, Eq. 1)."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor, nn

from sketchface_models.metrics.metric import Direction, Metric
from sketchface_models.metrics.validate import check_pair
from sketchface_models.networks.imagenet import VGG, AlexNet
from sketchface_models.pretrained.published import (
    ALEXNET,
    JUDGES,
    LPIPS_ALEX,
    LPIPS_VGG,
    VGG16,
    Published,
    load_published,
)

SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
"""ImageNet's mean and deviation, for pictures in [-1, 1]."""
CHANNELS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}
FILES: dict[str, tuple[Published, Published]] = {
    "alex": (ALEXNET, LPIPS_ALEX),
    "vgg": (VGG16, LPIPS_VGG),
}
"""Backbone -> its weights, and those of the linear layers."""
_EPSILON = 1e-10


class Linear(nn.Module):
    """One weight a channel: the published 1 x 1 convolution behind a dropout."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The dropout acts in training alone; it stands here for the published names.
        self.model = nn.Sequential(nn.Dropout(), nn.Conv2d(channels, 1, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 1, H, W)."""
        weighted: Tensor = self.model(x)
        return weighted


class LinearLayers(nn.Module):
    """The five linear layers of LPIPS v0.1 over a backbone, `lin0` to `lin4`."""

    def __init__(self, backbone: str) -> None:
        super().__init__()
        for index, channels in enumerate(CHANNELS[backbone]):
            self.add_module(f"lin{index}", Linear(channels))

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Five maps (B, C, H, W) -> (B,): weighted over channels, averaged over places, summed."""
        layers = list(self.children())
        return torch.stack(
            [layer(x).mean(dim=(1, 2, 3)) for layer, x in zip(layers, maps, strict=True)]
        ).sum(dim=0)


class LPIPS(nn.Module):
    """The metric.

    Args:
        backbone: `alex`, by which tables usually go, or `vgg`.
        folder: with both weight files.

    Raises:
        SketchFaceError: if a file is missing or not the published one.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, backbone: str = "alex", folder: Path = JUDGES) -> None:
        super().__init__()
        network = AlexNet() if backbone == "alex" else VGG(16)
        published, linear = FILES[backbone]
        self.backbone = load_published(network, published, folder)
        self.linear = load_published(LinearLayers(backbone), linear, folder)
        self.register_buffer("shift", torch.tensor(SHIFT)[:, None, None])
        self.register_buffer("scale", torch.tensor(SCALE)[:, None, None])

    def forward(self, reference: Tensor, generated: Tensor) -> Tensor:
        """Both (B, 1 or 3, H, W) in [-1, 1], grey or RGB -> (B,), 0 or more; lower is closer."""
        first, second = (self._unit_maps(pictures) for pictures in (reference, generated))
        return self.linear([(a - b).square() for a, b in zip(first, second, strict=True)])

    def _unit_maps(self, pictures: Tensor) -> list[Tensor]:
        """Maps with channels of unit length at every place."""
        x = (pictures.expand(-1, 3, -1, -1).float() - self.shift) / self.scale
        return [x / (x.square().sum(1, keepdim=True).sqrt() + _EPSILON) for x in self.backbone(x)]


LEAST_SIDE = 32


@torch.no_grad()
def lpips(reference: Tensor, generated: Tensor, data_range: float = 255.0) -> Tensor:
    """Return LPIPS over AlexNet, which is what tables usually give.

    Args:
        reference: (B, C, H, W), C 1 or 3, sides >= 32, in [0, data_range].
        generated: same shape.
        data_range: value of white.

    Returns:
        (B,), 0 or more; lower is better. Computed in 32 bits.

    Raises:
        ValueError: see `check_pair`.
        SketchFaceError: if a weight file is missing.
    """
    pair = check_pair("lpips", reference, generated, data_range, LEAST_SIDE)
    network = _network(reference.device)
    first, second = (pictures.float() / 127.5 - 1 for pictures in pair)
    distances: Tensor = network(first, second)
    return distances.to(pair[0].dtype)


@lru_cache(maxsize=2)
def _network(device: torch.device) -> LPIPS:
    return LPIPS("alex").to(device)


ALEX = Metric(
    lpips,
    Direction.LOWER,
    "LPIPS",
    explanation="distance between the features that an image classifier sees in both; 0 is "
    "identical",
    least_side=LEAST_SIDE,
    parameters={"revision": 1, "version": "0.1", "backbone": "alex"},
    weights=FILES["alex"],
)
