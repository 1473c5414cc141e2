"""Atomic checkpoints: tensors as safetensors, everything else as JSON, no pickle."""

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
    path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any], keep: Path | None = None
) -> None:
    """Write tensors and a JSON-able note on them as one safetensors file, atomically.

    Args:
        path: of the file.
        tensors: by name; several names may stand for one tensor.
        about: the note.
        keep: where a file that stands at `path` goes once the new one is written.

    Raises:
        SketchFaceError: if it cannot be written; what stood at `path` then stands there still.
    """
    note = {"about": json.dumps(about, sort_keys=True)}
    try:
        with atomic_file(path) as temporary:
            save_file(_apart(tensors), temporary, metadata=note)
            if keep and path.exists():
                path.replace(keep)
    except (OSError, SafetensorError) as error:
        raise SketchFaceError(
            f"{path}: cannot be written ({error}); free some space and start again"
        ) from None


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what `save_tensors` wrote.

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
        SketchFaceError: naming the first differences.
    """
    wanted = module.state_dict()
    differences = [f"{name} missing" for name in wanted.keys() - tensors.keys()]
    differences += [f"{name} not expected" for name in tensors.keys() - wanted.keys()]
    differences += [
        f"{name} is {tensors[name].dtype} {tuple(tensors[name].shape)}, expected "
        f"{wanted[name].dtype} {tuple(wanted[name].shape)}"
        for name in wanted.keys() & tensors.keys()
        if tensors[name].shape != wanted[name].shape or tensors[name].dtype != wanted[name].dtype
    ]
    if differences:
        shown = "; ".join(sorted(differences)[:5])
        raise SketchFaceError(f"{path}: {len(differences)} weights do not fit the network: {shown}")
    module.load_state_dict(dict(tensors))


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """On the CPU, none sharing memory with another, which the format does not know."""
    found, seen = {}, set()
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        where = value.untyped_storage().data_ptr()
        found[name] = value.clone() if where in seen else value
        seen.add(where)
    return found
