"""The generators that come with the package, ready to draw with.

NAME.safetensors    weights of what draws alone, see `store`
NAME.json           settings, framing, styles, data, terms, scores, SHA-256 of the former
NAME.md             the same for people

They stand beside this code, a package of its own, so that stages which load parsers do not count as
changed when a generator does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sketchface_models.checkpoint import load_into
from sketchface_models.errors import SketchFaceError
from sketchface_models.pretrained import store
from sketchface_models.systems.base import System
from sketchface_models.systems.registry import build

GENERATORS = Path(__file__).parent


def load_generator(
    name: str, device: torch.device | str = "cpu", folder: Path | None = None
) -> tuple[System, dict[str, Any]]:
    """A shipped system in eval mode, frozen and in 32 bits, with its card.

    It draws, but cannot be trained on: its other networks are left out.

    Args:
        name: of its files.
        device: for the networks.
        folder: with weights and cards; the package's own where it is None.

    Raises:
        SketchFaceError: if its files are missing, damaged or of another network; naming the file
            and what to do.
    """
    folder = folder or GENERATORS
    path, about = store.files(folder, name)
    remedy = "install the package again, or name the weights of a run that you trained"
    if not path.exists() and not about.exists():
        have = ", ".join(names(folder)) or "none"
        raise SketchFaceError(
            f"{path}: no generator of this name comes with the package (there: {have}); train one "
            "with `dvc exp run -S model=hida` and name its weights folder"
        )
    tensors, card = store.read(folder, name, remedy), store.read_card(folder, name, remedy)
    if not {"model", "channels"} <= card.keys():
        raise SketchFaceError(f"{about}: does not say how to build the network; {remedy}")
    system = drawing_part(build(card["model"], card["channels"]))
    load_into(system.networks, tensors, path)
    system.networks.to(device).eval().requires_grad_(False)
    return system, card


def names(folder: Path | None = None) -> list[str]:
    """The generators there are."""
    return sorted(path.stem for path in (folder or GENERATORS).glob("*.safetensors"))


def drawing_part(system: System) -> System:
    """The system without the networks that only training needs.

    Raises:
        SketchFaceError: if it does not say which networks draw.
    """
    if not system.averaged:
        name = type(system).__name__
        raise SketchFaceError(f"{name}: does not say which networks draw; set its `averaged`")
    for name in [each for each in system.networks if each not in system.averaged]:
        del system.networks[name]
    return system
