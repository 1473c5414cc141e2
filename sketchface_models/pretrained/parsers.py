"""The face parsers that come with the package, and photos -> labels with the small one.

parsers/NAME.safetensors    weights, see `store`
parsers/NAME.json           card: data, terms, scores
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sketchface_models.checkpoint import load_into
from sketchface_models.errors import SketchFaceError
from sketchface_models.networks.small_parser import SmallParser
from sketchface_models.networks.unet_parser import UNetParser
from sketchface_models.pretrained import store

PARSER_FOLDER = Path(__file__).parent / "parsers"
PARSER_NETWORKS: dict[str, type[nn.Module]] = {"small": SmallParser, "judge": UNetParser}
"""Names of the shipped parsers; `small` makes labels and losses, `judge` measures."""
PARSER_SIZE = 256
"""Side in pixels of the photos that both were trained on."""
BATCH = 8
"""Photos parsed at a time: enough to keep a core busy, few enough to stay in its caches."""
Precision = Literal["auto", "32-true", "bf16-mixed"]
_REMEDY = "install the package again, or train it: `dvc exp run -S model=study-parser`"


def load_parser(
    name: str, device: torch.device | str = "cpu", folder: Path = PARSER_FOLDER
) -> nn.Module:
    """Return a parser in eval mode, frozen, in 32 bits and channels-last.

    Args:
        name: a key of `PARSER_NETWORKS`.
        device: to put it on.
        folder: with weights and cards.

    Raises:
        SketchFaceError: if there is no such parser, or its files are missing, damaged or of
            another network; naming the file and what to do.
    """
    network = _network_class(name)()
    load_into(network, store.read(folder, name, _REMEDY), store.files(folder, name)[0])
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def read_card(name: str, folder: Path = PARSER_FOLDER) -> dict[str, Any]:
    """Return the card of a shipped parser.

    Raises:
        SketchFaceError: if it is missing or damaged.
    """
    _network_class(name)
    return store.read_card(folder, name, _REMEDY)


def write_parser(
    name: str, tensors: dict[str, Tensor], card: dict[str, Any], folder: Path = PARSER_FOLDER
) -> Path:
    """Write the weights of a parser in half precision, and its card with their hash.

    Args:
        name: a key of `PARSER_NETWORKS`.
        tensors: weights of the network, in 32 bits.
        card: see `ship.parser_card`.
        folder: to write to.

    Raises:
        SketchFaceError: if a weight does not fit into 16 bits, or the weights are of another
            network.
    """
    load_into(_network_class(name)(), tensors, store.files(folder, name)[0])
    return store.write(folder, name, tensors, card)


class FaceParser:
    """Turns photos of one face each, of any size, into labels.

    Args:
        precision: auto computes in bf16 where the processor does, else in 32 bits.
        network: a parser with 19 classes, in eval mode; the shipped small one if None.
    """

    def __init__(self, precision: Precision = "auto", network: nn.Module | None = None) -> None:
        self.network = network if network is not None else load_parser("small")
        capable = torch.cpu._is_avx512_bf16_supported()
        self.bf16 = precision == "bf16-mixed" or (precision == "auto" and capable)

    def labels(self, photos: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return labels at each photo's own size.

        Args:
            photos: (H, W, 3) uint8 RGB each, of any sizes; the face fills a good part of each.

        Returns:
            (H, W) uint8 classes each. The labels of a photo do not depend on the other photos.
        """
        labels: list[np.ndarray] = []
        for start in range(0, len(photos), BATCH):
            part = photos[start : start + BATCH]
            logits = self.logits(torch.cat([_network_input(photo) for photo in part]))
            for photo, each in zip(part, logits, strict=True):
                height, width = photo.shape[:2]
                labels.append(argmax_labels(each, height, width).numpy())
        return labels

    @torch.inference_mode()
    def logits(self, photos: Tensor) -> Tensor:
        """Return logits: (B, 3, S, S) in [-1, 1] -> (B, 19, S, S) float32, on the CPU."""
        x = photos.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            logits: Tensor = self.network(x)
        return logits.float()


def argmax_labels(logits: Tensor, height: int, width: int) -> Tensor:
    """Return the class of the highest logit at every pixel of another size; the first of ties.

    One class is resized at a time: all of them together do not fit into a core's caches.

    Args:
        logits: (K, S, S) floating point.
        height: of the labels.
        width: of the labels.

    Returns:
        (height, width) uint8.
    """
    if logits.shape[-2:] == (height, width):
        return logits.argmax(dim=0).to(torch.uint8)
    highest = torch.full((height, width), -torch.inf, dtype=logits.dtype)
    labels = torch.zeros((height, width), dtype=torch.uint8)
    for label, plane in enumerate(logits.contiguous()):
        resized = F.interpolate(plane[None, None], (height, width), mode="bilinear")[0, 0]
        labels.masked_fill_(resized > highest, label)
        torch.maximum(highest, resized, out=highest)
    return labels


def _network_class(name: str) -> type[nn.Module]:
    if name not in PARSER_NETWORKS:
        raise SketchFaceError(f"parser: {name!r}; allowed: one of {', '.join(PARSER_NETWORKS)}")
    return PARSER_NETWORKS[name]


def _network_input(photo: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (1, 3, PARSER_SIZE, PARSER_SIZE) in [-1, 1]."""
    x = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1)[None].float()
    if x.shape[-2:] != (PARSER_SIZE, PARSER_SIZE):
        x = F.interpolate(x, (PARSER_SIZE, PARSER_SIZE), mode="bilinear", antialias=True)
    return x.div_(127.5).sub_(1)
