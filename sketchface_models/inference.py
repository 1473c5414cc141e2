"""Trained weights, ready to draw with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sketchface_models import checkpoint
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import System
from sketchface_models.systems.registry import build

WEIGHTS, BEST, CARD = "model.safetensors", "best.safetensors", "model.json"
"""Files of a weights folder: all networks as training ended, as they did best on the validation
faces (where that was asked for), and what made them (also inside the former two)."""


def load_trained(
    weights: Path, device: torch.device | str = "cpu", file: str = WEIGHTS
) -> tuple[System, dict[str, Any]]:
    """A trained system in eval mode, with its card.

    Args:
        weights: folder that training wrote.
        device: for the networks.
        file: `WEIGHTS` or `BEST`.

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
