"""Read and write the weights that come with the package: half precision, with a card beside.

FOLDER/NAME.safetensors     matrices and kernels in 16 bits, vectors (norms, biases) in 32
FOLDER/NAME.json            the card: data, terms, scores, and the SHA-256 of the former
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from sketchface_models.atomic import atomic_file
from sketchface_models.checkpoint import load_tensors, save_tensors
from sketchface_models.errors import SketchFaceError


def files(folder: Path, name: str) -> tuple[Path, Path]:
    """Return the paths of the weights and of the card of `name`."""
    return folder / f"{name}.safetensors", folder / f"{name}.json"


def write(folder: Path, name: str, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> Path:
    """Write weights in half precision, and their card with their hash.

    Args:
        folder: to write to.
        name: of both files.
        tensors: weights by name, in 32 bits.
        card: JSON-able description of the weights.

    Returns:
        The path of the weights.

    Raises:
        SketchFaceError: if a weight does not fit into 16 bits, or a file cannot be written.
    """
    path, card_path = files(folder, name)
    stored = {key: half(tensor) for key, tensor in tensors.items()}
    wide = [key for key, t in stored.items() if t.is_floating_point() and not t.isfinite().all()]
    if wide:
        raise SketchFaceError(f"{path}: {wide[0]} does not fit into 16 bits; train it again")
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(path, stored, {"name": name})
    data = path.read_bytes()
    checks = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    with atomic_file(card_path) as temporary:
        temporary.write_text(json.dumps({**card, **checks}, indent=2) + "\n", encoding="utf-8")
    return path


def read(folder: Path, name: str, remedy: str) -> dict[str, Tensor]:
    """Return the weights of `name` in 32 bits, after checking them against the card's hash.

    Raises:
        SketchFaceError: if a file is missing or damaged, or the two do not belong together; the
            message ends with `remedy`.
    """
    path, card_path = files(folder, name)
    sha256 = hashlib.sha256(_bytes(path, remedy)).hexdigest()
    if sha256 != read_card(folder, name, remedy).get("sha256"):
        raise SketchFaceError(f"{path}: not the file that {card_path.name} describes; {remedy}")
    stored, _ = load_tensors(path)
    return {key: t.float() if t.is_floating_point() else t for key, t in stored.items()}


def read_card(folder: Path, name: str, remedy: str) -> dict[str, Any]:
    """Return the card of `name`.

    Raises:
        SketchFaceError: if it is missing or damaged; the message ends with `remedy`.
    """
    _, path = files(folder, name)
    try:
        return dict(json.loads(_bytes(path, remedy)))
    except (ValueError, TypeError):
        raise SketchFaceError(f"{path}: damaged; {remedy}") from None


def half(tensor: Tensor) -> Tensor:
    """Return matrices and kernels in 16 bits; vectors (of any shape) are few and stay exact."""
    narrow = tensor.is_floating_point() and sum(side > 1 for side in tensor.shape) > 1
    return tensor.half() if narrow else tensor


def _bytes(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SketchFaceError(f"{path}: {error.strerror}; {remedy}") from None
