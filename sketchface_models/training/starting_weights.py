"""Starting weights: parts of a run's networks taken from runs that were trained before.

A run's settings list them under `pretrain`, part by part: `generator.encoder: face-vae:vae.encoder`
starts the module `encoder` of the network `generator` from the module `encoder` of the network
`vae` of the run `face-vae`. A start folder holds

    start.safetensors   those weights, named as in the run's own networks
    start.json          each part and its source, and the parts that start fresh; together they
                        hold every weight once

A run without `pretrain` has a start folder without weights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from torch import Tensor

from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.checkpoint import load_tensors, save_tensors
from sketchface_models.errors import SketchFaceError
from sketchface_models.inference import WEIGHTS_FILE
from sketchface_models.systems.base import System

START_FILE, LIST_FILE = "start.safetensors", "start.json"


def write_start(system: System, sources: Path, seed: int, out: Path) -> None:
    """Write the starting weights of a run.

    Args:
        system: of the run, freshly built; its settings hold `pretrain`.
        sources: folder with `RUN/SEED/weights` of the runs trained before.
        seed: of the run, and of those it starts from.
        out: the start folder.

    Raises:
        SketchFaceError: if a source is missing, or a part of it does not fit the run's networks.
    """
    pretrain: Mapping[str, str] = getattr(system.settings, "pretrain", {})
    expected = system.networks.state_dict()
    tensors: dict[str, Tensor] = {}
    for part, source in pretrain.items():
        weights = mapped_part(part, source, expected, sources, seed)
        twice = sorted(tensors.keys() & weights.keys())
        if twice:
            raise SketchFaceError(f"pretrain.{part}: {twice[0]} has a start already; list it once")
        tensors |= weights
    with atomic_dir(out) as folder:
        save_tensors(folder / START_FILE, tensors, {"pretrain": dict(pretrain)})
        parts = dict(pretrain) | dict.fromkeys(fresh_parts(expected, tensors), "fresh")
        write_json(folder / LIST_FILE, {"parts": parts, "tensors": sorted(tensors)})


def fresh_parts(names: Iterable[str], mapped: Collection[str]) -> list[str]:
    """Return the largest modules none of whose weights have a source, in their networks' order.

    A module that has mapped weights of its own beside fresh ones lists these weights by name.

    Args:
        names: of all weights of the run's networks.
        mapped: names of those that have a source.
    """
    parts: dict[str, None] = {}
    for name in names:
        if name in mapped:
            continue
        steps = name.split(".")
        prefixes = [".".join(steps[:length]) for length in range(1, len(steps) + 1)]
        fresh = (part for part in prefixes if not any(_inside(key, part) for key in mapped))
        parts[next(fresh)] = None
    return list(parts)


def mapped_part(
    part: str, source: str, expected: Mapping[str, Tensor], sources: Path, seed: int
) -> dict[str, Tensor]:
    """Return the weights of one part, by the names they have in the run's networks.

    Args:
        part: such as `generator.encoder`.
        source: such as `face-vae:vae.encoder`.
        expected: all weights of the run's networks.
        sources: folder with `RUN/SEED/weights`.
        seed: of the source.

    Raises:
        SketchFaceError: if names, shapes or types of the two parts differ, or either is empty.
    """
    run, _, name = source.partition(":")
    path = sources / run / str(seed) / "weights" / WEIGHTS_FILE
    if not name or not path.exists():
        raise SketchFaceError(
            f"pretrain.{part}: {source!r}; allowed: RUN:PART of a run in `pretrain` whose weights "
            f"are {path}"
        )
    trained, _ = load_tensors(path)
    weights = {part + key.removeprefix(name): t for key, t in trained.items() if _inside(key, name)}
    own = {key: t for key, t in expected.items() if _inside(key, part)}
    for prefix, tensors in ((part, own), (source, weights)):
        if not tensors:
            raise SketchFaceError(f"pretrain.{part}: {prefix} holds no weights; name a module")
    for key in sorted(own.keys() ^ weights.keys()):
        where = "the run" if key in own else source
        raise SketchFaceError(f"pretrain.{part}: {key} is only in {where}; map smaller parts")
    for key, tensor in own.items():
        if (tensor.shape, tensor.dtype) != (weights[key].shape, weights[key].dtype):
            raise SketchFaceError(
                f"pretrain.{part}: {key} is {tuple(tensor.shape)}, in {source} "
                f"{tuple(weights[key].shape)}; train both with the same sizes"
            )
    return weights


def load_start(system: System, folder: Path) -> None:
    """Load the starting weights of a run into its networks, in place.

    Raises:
        SketchFaceError: if the folder was made for other parts, or a weight does not fit.
    """
    path = folder / START_FILE
    pretrain = dict(getattr(system.settings, "pretrain", {}))
    if not pretrain and not path.exists():
        return
    tensors, note = load_tensors(path)
    if note.get("pretrain") != pretrain:
        raise SketchFaceError(f"{path}: made for other parts; rerun the start stage")
    state = system.networks.state_dict()
    for name, tensor in tensors.items():
        if name not in state or state[name].shape != tensor.shape:
            raise SketchFaceError(f"{path}: {name} does not fit the run; rerun the start stage")
        state[name].copy_(tensor)


def _inside(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")
