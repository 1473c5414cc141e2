"""Load systems that are ready to generate: those a run trained, and those that ship.

What ships lies in `pretrained/generators`: NAME.safetensors and NAME.json (see `pretrained.store`),
and the card again for people, NAME.md. `ship` writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sketchface_models import checkpoint
from sketchface_models.errors import SketchFaceError
from sketchface_models.pretrained import store
from sketchface_models.systems.base import System
from sketchface_models.systems.registry import build

WEIGHTS_FILE, BEST_FILE, CARD_FILE = "model.safetensors", "best.safetensors", "model.json"
"""Files of a run's weights folder: all networks as training ended, as they did best on the
validation faces (where that was asked for), and the card (also inside the former two)."""
GENERATOR_FOLDER = Path(__file__).parent / "pretrained" / "generators"


def load_trained(
    weights: Path, device: torch.device | str = "cpu", file: str = WEIGHTS_FILE
) -> tuple[System, dict[str, Any]]:
    """Return a trained system in eval mode, and its card.

    Args:
        weights: folder that training wrote.
        device: for the networks.
        file: `WEIGHTS_FILE` or `BEST_FILE`.

    Raises:
        SketchFaceError: if the folder does not hold whole, fitting weights.
    """
    path = weights / file
    tensors, card = checkpoint.load_tensors(path)
    if not {"model", "channels"} <= card.keys():
        raise SketchFaceError(f"{path}: not the weights of a finished run")
    system = build(card["model"], card["channels"])
    checkpoint.load_into(system.networks, tensors, path)
    system.networks.to(device).eval()
    return system, card


def load_generator(
    name: str, device: torch.device | str = "cpu", folder: Path = GENERATOR_FOLDER
) -> tuple[System, dict[str, Any]]:
    """Return a shipped system in eval mode, frozen and in 32 bits, and its card.

    It generates, but cannot be trained on: its other networks are left out.

    Args:
        name: of its files.
        device: for the networks.
        folder: with weights and cards.

    Raises:
        SketchFaceError: if its files are missing, damaged or of another network; naming the file
            and what to do.
    """
    path, card_path = store.files(folder, name)
    remedy = "install the package again, or name the weights of a run that you trained"
    if not path.exists() and not card_path.exists():
        have = ", ".join(generator_names(folder)) or "none"
        raise SketchFaceError(
            f"{path}: no generator of this name comes with the package (there: {have}); train one "
            f"with `dvc exp run -S model={name}` and name its weights folder"
        )
    tensors, card = store.read(folder, name, remedy), store.read_card(folder, name, remedy)
    if not {"model", "channels"} <= card.keys():
        raise SketchFaceError(f"{card_path}: does not say how to build the network; {remedy}")
    system = without_training_networks(build(card["model"], card["channels"]))
    checkpoint.load_into(system.networks, tensors, path)
    system.networks.to(device).eval().requires_grad_(False)
    return system, card


def generator_names(folder: Path = GENERATOR_FOLDER) -> list[str]:
    """Return the names of the shipped generators."""
    return sorted(path.stem for path in folder.glob("*.safetensors"))


def without_training_networks(system: System) -> System:
    """Remove the networks that only training needs, in place; return the system.

    Raises:
        SketchFaceError: if the system does not say which networks generate.
    """
    if not system.ema:
        name = type(system).__name__
        raise SketchFaceError(f"{name}: does not say which networks generate; set its `ema`")
    for name in [each for each in system.networks if each not in system.ema]:
        del system.networks[name]
    return system
