"""A small classifier of hair, glasses and mouths in photos, shipped with its weights.

It learned from built-in photos of people that no data set of this project has (`SEED`), so no
system and no test face is among them; `tools.train_attributes` trains it again.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
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
    "mouth": ("closed", "open"),
}
"""Attribute -> its values. Of mouths it learns whether they are open: a smile moves the corners by
about one pixel of 64, and a network like it named it in 67 % of 300 held-out photos."""
RIGHT = 0.95
"""Part of the held-out photos in which an attribute must be named rightly, to be asked."""
MOUTH_ROWS, MOUTH_COLUMNS = slice(30, 58), slice(14, 50)
"""Pixels of 64 in which the mouths of built-in faces lie, turned ones included."""
WIDTHS = (16, 32, 64, 96)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the side."""
MOUTH_WIDTHS = (16, 32, 64)
"""Channels at 1/1, 1/2 and 1/4 of the mouth's part."""


class MouthNetwork(nn.Module):
    """Three pairs of convolutions at full resolution, a half and a quarter, over the mouth alone.

    Shape: (B, 3, SIDE, SIDE) photos in [-1, 1] -> (B, values) logits.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in MOUTH_WIDTHS:
            for _ in range(2):
                layers.append(nn.Conv2d(channels, width, 3, padding=1, bias=False))
                layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        height, width = (
            (part.stop - part.start) // 2 ** len(MOUTH_WIDTHS)
            for part in (MOUTH_ROWS, MOUTH_COLUMNS)
        )
        self.whole = nn.Linear(channels * height * width, 64)
        self.head = nn.Linear(64, len(ATTRIBUTES["mouth"]))

    def forward(self, photos: Tensor) -> Tensor:
        """Return the logits of the mouth's values."""
        features = self.features(photos[:, :, MOUTH_ROWS, MOUTH_COLUMNS]).flatten(1)
        logits: Tensor = self.head(F.relu(self.whole(F.dropout(features, 0.5, self.training))))
        return logits


class AttributeNetwork(nn.Module):
    """Four convolutions, each halving the side, then the picture as a whole for each attribute.

    Mouths are too small for that and have a network of their own.

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
            {
                name: nn.Linear(64, len(values))
                for name, values in ATTRIBUTES.items()
                if name != "mouth"
            }
        )
        self.mouth = MouthNetwork()

    def forward(self, photos: Tensor) -> dict[str, Tensor]:
        """Return the logits of each attribute's values."""
        whole = F.relu(self.whole(F.dropout(self.features(photos).flatten(1), 0.3, self.training)))
        logits = {name: head(whole) for name, head in self.heads.items()}
        return logits | {"mouth": self.mouth(photos)}


@torch.no_grad()
def classify(photos: Tensor) -> dict[str, Tensor]:
    """Return the index of each attribute's value: attribute -> (N,) int64.

    Args:
        photos: (N, 3, H, W) uint8, of any side.
    """
    network, parts = _network(), []
    for part in photos.split(64):
        logits = network(shrunk(part) / 127.5 - 1)
        parts.append({name: each.argmax(1) for name, each in logits.items()})
    return {name: torch.cat([each[name] for each in parts]) for name in ATTRIBUTES}


def shrunk(photos: Tensor) -> Tensor:
    """Return photos, (N, 3, H, W) in 0 to 255, at the classifier's side, in 32 bits."""
    photos = photos.float()
    if photos.shape[-2:] == (SIDE, SIDE):
        return photos
    return F.interpolate(photos, (SIDE, SIDE), mode="bilinear", antialias=True)


def asked(card: Mapping[str, Any] | None = None) -> list[str]:
    """Return the attributes that the classifier names rightly often enough (`RIGHT`).

    Args:
        card: as `read_card` returns it; None: that of the weights.
    """
    accuracy = (card or read_card())["accuracy"]
    return [name for name in ATTRIBUTES if accuracy[name] >= RIGHT]


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
