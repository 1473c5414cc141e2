"""The parsers that come with the package: half-precision weights with a card beside each.

parsers/NAME.safetensors    weights, see `store`
parsers/NAME.json           data, terms, scores, and the SHA-256 of the former
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sketchface_models.checkpoint import load_into
from sketchface_models.errors import SketchFaceError
from sketchface_models.networks.small_parser import SmallParser
from sketchface_models.networks.unet_parser import UNetParser
from sketchface_models.pretrained import store

FOLDER = Path(__file__).parent / "parsers"
NETWORKS: dict[str, type[nn.Module]] = {"small": SmallParser, "judge": UNetParser}
"""Names of what ships; `small` makes labels and losses, `judge` scores with other eyes."""
SIDE = 256
"""Pixels of the photos that both were trained on."""
_REMEDY = "install the package again, or train it: `dvc exp run -S model=study-parser`"


def load_parser(name: str, device: torch.device | str = "cpu", folder: Path = FOLDER) -> nn.Module:
    """A parser in eval mode, frozen, in 32 bits and channels-last.

    Args:
        name: of `NETWORKS`.
        device: for it.
        folder: with weights and cards.

    Raises:
        SketchFaceError: if there is no such parser, or its files are missing, damaged or of
            another network; naming the file and what to do.
    """
    network = _class(name)()
    load_into(network, store.read(folder, name, _REMEDY), store.files(folder, name)[0])
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def read_card(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """What the card of a shipped parser says.

    Raises:
        SketchFaceError: if it is missing or damaged.
    """
    _class(name)
    return store.read_card(folder, name, _REMEDY)


def ship(
    name: str, tensors: dict[str, Tensor], card: dict[str, Any], folder: Path = FOLDER
) -> Path:
    """Write weights of a parser in half precision, and its card with their hash.

    Args:
        name: of `NETWORKS`.
        tensors: of the network, in 32 bits.
        card: what is to be known of them.
        folder: to write to.

    Raises:
        SketchFaceError: if a weight does not fit into 16 bits, or the weights are of another
            network.
    """
    load_into(_class(name)(), tensors, store.files(folder, name)[0])
    return store.write(folder, name, tensors, card)


def _class(name: str) -> type[nn.Module]:
    if name not in NETWORKS:
        raise SketchFaceError(f"parser: {name!r}; allowed: one of {', '.join(NETWORKS)}")
    return NETWORKS[name]
