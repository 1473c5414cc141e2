"""The judge's features: the shipped parsing U-Net's view of a face as one vector."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.metrics.frechet import FeatureStatistics
from sketchface_models.metrics.metric import Extractor
from sketchface_models.networks.unet_parser import WIDTHS, UNetParser
from sketchface_models.pretrained.parsers import PARSER_SIZE, load_parser, read_card

FEATURES = WIDTHS[-1]
"""Numbers in a face's vector."""
NAME = "judge"
"""Of the shipped network, and in a protocol."""


class Judge(nn.Module):
    """The shipped parsing U-Net's centre, averaged over the picture.

    Args:
        network: in eval mode; the shipped one if None.
    """

    def __init__(self, network: UNetParser | None = None) -> None:
        super().__init__()
        self.network = network or cast(UNetParser, load_parser(NAME))

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 1 or 3, H, W) in [-1, 1], grey or RGB, of any size -> (B, `FEATURES`) float32."""
        x = pictures.expand(-1, 3, -1, -1).float()
        if x.shape[-2:] != (PARSER_SIZE, PARSER_SIZE):
            x = F.interpolate(x, (PARSER_SIZE, PARSER_SIZE), mode="bilinear", antialias=True)
        centre = self.network.features(x)["centre"]
        return centre.float().mean(dim=(2, 3))

    def statistics(self, batches: Iterable[Tensor]) -> FeatureStatistics:
        """Mean and covariance over many batches of pictures, one in memory at a time."""
        statistics = FeatureStatistics.empty(FEATURES)
        for batch in batches:
            statistics = statistics.with_batch(self(batch))
        return statistics


def _load(device: torch.device) -> Callable[[Tensor], Tensor]:
    judge = Judge().to(device)
    return lambda pictures: judge(pictures.to(device).float() / 127.5 - 1)


JUDGE = Extractor(
    NAME,
    _load,
    lambda: {NAME: read_card(NAME)["sha256"]},
    {"revision": 1, "features": "centre, averaged", "side": PARSER_SIZE, "resize": "bilinear"},
)
