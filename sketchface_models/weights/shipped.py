"""The parsers that come with the package: half-precision weights with a card beside each.

parsers/NAME.safetensors    weights; matrices in 16 bits, vectors (norms, biases) in 32
parsers/NAME.json           data, terms, scores, and the SHA-256 of the former
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError
from sketchface_models.networks.small_parser import SmallParser
from sketchface_models.networks.unet_parser import UNetParser
from sketchface_models.training.checkpoint import load_into, load_tensors, save_tensors

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
    path, card = _files(name, folder)
    if hashlib.sha256(_bytes(path)).hexdigest() != read_card(name, folder).get("sha256"):
        raise SketchFaceError(f"{path}: not the file that {card.name} describes; {_REMEDY}")
    stored, _ = load_tensors(path)
    whole = {key: t.float() if t.is_floating_point() else t for key, t in stored.items()}
    network = NETWORKS[name]()
    load_into(network, whole, path)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


def read_card(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """What the card of a shipped parser says.

    Raises:
        SketchFaceError: if it is missing or damaged.
    """
    _, path = _files(name, folder)
    try:
        return dict(json.loads(_bytes(path)))
    except (ValueError, TypeError):
        raise SketchFaceError(f"{path}: damaged; {_REMEDY}") from None


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
    path, about = _files(name, folder)
    load_into(NETWORKS[name](), tensors, path)
    stored = {key: half(t) for key, t in tensors.items()}
    wide = [key for key, t in stored.items() if t.is_floating_point() and not t.isfinite().all()]
    if wide:
        raise SketchFaceError(f"{path}: {wide[0]} does not fit into 16 bits; train it again")
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(path, stored, {"name": name})
    data = path.read_bytes()
    facts = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    with atomic_file(about) as temporary:
        temporary.write_text(json.dumps(card | facts, indent=2) + "\n", encoding="utf-8")
    return path


def half(tensor: Tensor) -> Tensor:
    """Matrices and kernels in 16 bits; vectors are few and stay exact."""
    narrow = tensor.is_floating_point() and tensor.dim() > 1
    return tensor.half() if narrow else tensor


def _files(name: str, folder: Path) -> tuple[Path, Path]:
    if name not in NETWORKS:
        raise SketchFaceError(f"parser: {name!r}; allowed: one of {', '.join(NETWORKS)}")
    return folder / f"{name}.safetensors", folder / f"{name}.json"


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SketchFaceError(f"{path}: {error.strerror}; {_REMEDY}") from None
