"""Atomic checkpoints: tensors as safetensors, everything else as JSON, no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError


def save_tensors(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and a JSON-able note on them as one safetensors file, atomically."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    note = {"about": json.dumps(about, sort_keys=True)}
    with atomic_file(path) as temporary:
        save_file(whole, temporary, metadata=note)


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


def pack_optimizer(optimizer: Optimizer) -> dict[str, Tensor]:
    """An optimizer's state as flat tensors, `PARAMETER.KEY`."""
    return {
        f"{index}.{key}": torch.as_tensor(value)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
    }


def unpack_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give an optimizer back what `pack_optimizer` took."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        like = parameters[int(index)]
        # Same memory layout as the parameter, which may be channels-last.
        fits = tensor.shape == like.shape
        state.setdefault(int(index), {})[key] = (
            torch.empty_like(like).copy_(tensor) if fits else tensor
        )
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
