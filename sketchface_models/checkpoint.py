"""Read and write tensors as safetensors with a JSON note: atomic, no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], note: Mapping[str, Any], backup: Path | None = None
) -> None:
    """Write tensors and a JSON-able note on them as one safetensors file, atomically.

    Args:
        path: of the file.
        tensors: by name; several names may stand for one tensor.
        note: kept in the file's metadata.
        backup: where a file that stands at `path` goes once the new one is written.

    Raises:
        SketchFaceError: if it cannot be written; what stood at `path` then stands there still.
    """
    metadata = {"about": json.dumps(note, sort_keys=True)}
    try:
        with atomic_file(path) as temporary:
            save_file(_unshared(tensors), temporary, metadata=metadata)
            if backup and path.exists():
                path.replace(backup)
    except (OSError, SafetensorError) as error:
        raise SketchFaceError(
            f"{path}: cannot be written ({error}); free some space and start again"
        ) from None


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the note that `save_tensors` wrote.

    Raises:
        SketchFaceError: if the file is missing, truncated or foreign.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, dict(json.loads((file.metadata() or {})["about"]))
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise SketchFaceError(
            f"{path}: not one of our safetensors files ({error}); remove it and make it anew"
        ) from None


def load_into(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load weights, refusing any difference in names, shapes or types.

    Raises:
        SketchFaceError: naming `path` and the first differences.
    """
    expected = module.state_dict()
    differences = [f"{name} missing" for name in expected.keys() - tensors.keys()]
    differences += [f"{name} not expected" for name in tensors.keys() - expected.keys()]
    differences += [
        f"{name} is {_kind(tensors[name])}, expected {_kind(expected[name])}"
        for name in expected.keys() & tensors.keys()
        if _kind(tensors[name]) != _kind(expected[name])
    ]
    if differences:
        shown = "; ".join(sorted(differences)[:5])
        raise SketchFaceError(f"{path}: {len(differences)} weights do not fit the network: {shown}")
    module.load_state_dict(dict(tensors))


def _kind(tensor: Tensor) -> str:
    return f"{tensor.dtype} {tuple(tensor.shape)}"


def _unshared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the CPU, each in memory of its own: the format knows no shared memory."""
    copies, addresses = {}, set()
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        address = value.untyped_storage().data_ptr()
        copies[name] = value.clone() if address in addresses else value
        addresses.add(address)
    return copies
