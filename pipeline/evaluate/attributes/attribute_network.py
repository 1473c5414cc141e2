"""A small classifier of hair and glasses in photos, shipped with its weights.

It learned from built-in photos of people that no data set of this project has (`SEED`), so no
system and no test face is among them; `tools.train_attributes` trains it again.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from pipeline.common.shards import file_hash
from sketchface_models.errors import SketchFaceError

FOLDER = Path(__file__).parent
WEIGHTS, CARD = FOLDER / "attributes.safetensors", FOLDER / "attributes.json"
SIDE = 64
"""Photos come at this side."""
SEED = 1
"""Of the built-in people that it learned from; data sets' own have seed 0."""
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "hair": ("none", "short", "long"),
    "glasses": ("no", "yes"),
}
"""Attribute -> its values. A mouth is some 15 of the 64 pixels wide: whether it smiles the same
network does not learn from 2,400 photos (54 % of held-out ones), so it is not asked."""
WIDTHS = (16, 32, 64, 96)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the side."""


class AttributeNetwork(nn.Module):
    """Four convolutions, each halving the side, then the picture as a whole for each attribute.

    Shape: (B, 3, SIDE, SIDE) photos in [-1, 1] -> attribute -> (B, values) logits.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in WIDTHS:
            stride = 2 if channels == 3 else 1
            layers.append(nn.Conv2d(channels, width, 3, stride, padding=1, bias=False))
            layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
            layers += [] if channels == 3 else [nn.MaxPool2d(2)]
            channels = width
        self.features = nn.Sequential(*layers)
        self.whole = nn.Linear(channels * (SIDE // 2 ** len(WIDTHS)) ** 2, 64)
        self.heads = nn.ModuleDict(
            {name: nn.Linear(64, len(values)) for name, values in ATTRIBUTES.items()}
        )

    def forward(self, photos: Tensor) -> dict[str, Tensor]:
        """Return the logits of each attribute's values."""
        whole = F.relu(self.whole(F.dropout(self.features(photos).flatten(1), 0.3, self.training)))
        return {name: head(whole) for name, head in self.heads.items()}


@torch.no_grad()
def classify(photos: Tensor) -> dict[str, Tensor]:
    """Return the index of each attribute's value: attribute -> (N,) int64.

    Args:
        photos: (N, 3, H, W) uint8, of any side.
    """
    network, parts = _network(), []
    for part in photos.split(64):
        x = part.float()
        if x.shape[-2:] != (SIDE, SIDE):
            x = F.interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True)
        parts.append({k: logits.argmax(1) for k, logits in network(x / 127.5 - 1).items()})
    return {name: torch.cat([each[name] for each in parts]) for name in ATTRIBUTES}


def weights_hash() -> str:
    """Return the SHA-256 of the weights."""
    return file_hash(WEIGHTS)


def read_card() -> dict[str, Any]:
    """Return how many photos the classifier learned from, and its accuracy on held-out ones."""
    return dict(json.loads(CARD.read_text(encoding="utf-8")))


@functools.cache
def _network() -> AttributeNetwork:
    network = AttributeNetwork()
    try:
        weights = load_file(WEIGHTS)
        network.load_state_dict({name: each.float() for name, each in weights.items()})
    except (OSError, RuntimeError, ValueError) as error:
        raise SketchFaceError(f"{WEIGHTS}: {error}; install the package again") from None
    return network.eval()
