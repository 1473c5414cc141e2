"""How the engine runs, whatever it trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch

from sketchface_models.config import at_least
from sketchface_models.errors import SketchFaceError


@dataclass(frozen=True)
class Engine:
    """The `engine` section of the parameters."""

    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "32-true", "bf16-mixed"]
    """auto: bf16 autocast where the processor computes in it, else 32 bits."""
    validate_every: Annotated[int, at_least(1)]
    """Steps between two looks at the validation faces."""
    checkpoint_every: Annotated[int, at_least(1)]
    """Steps between two checkpoints."""


def accelerator(engine: Engine) -> str:
    """The Fabric accelerator that `device` means on this machine.

    Raises:
        SketchFaceError: if a GPU is asked for and there is none.
    """
    if engine.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if engine.device == "cuda" and not torch.cuda.is_available():
        raise SketchFaceError("engine.device: 'cuda'; allowed: auto or cpu, no GPU is here")
    return engine.device


def precision(engine: Engine) -> Literal["32-true", "bf16-mixed"]:
    """The Fabric precision that `precision` means on this machine."""
    if engine.precision != "auto":
        return engine.precision
    if accelerator(engine) == "cuda":
        capable = torch.cuda.is_bf16_supported()
    else:
        capable = torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if capable else "32-true"
