"""Settings of the engine, whatever it trains."""

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
    """auto: a GPU where there is one, else the CPU."""
    precision: Literal["auto", "32-true", "bf16-mixed"]
    """auto: bf16 autocast where the processor computes in it, else 32 bits."""
    validate_every: Annotated[int, at_least(1)]
    """Steps between two validations."""
    checkpoint_every: Annotated[int, at_least(1)]
    """Steps between two checkpoints."""
    checkpoint_minutes: Annotated[float, at_least(0)] = 0.0
    """Also a checkpoint when the last one is older than this; 0 = by steps alone."""
    devices: Annotated[int, at_least(0)] = 1
    """Processes that share each batch, one a GPU; 0 = every GPU there is (on a CPU: one process).
    Under `torchrun` or SLURM, theirs is the number."""
    deterministic: bool = False
    """The same bits twice on one device, at the price of speed on a GPU."""
    compile: bool = False
    """torch.compile the networks that a system names for it; needs a C++ compiler."""
    on_nonfinite: Literal["stop", "skip"] = "stop"
    """When a loss or gradient is not finite: stop the run, or leave that update out."""
    best: Literal["val_ssim", "val_l1", "none"] = "none"
    """Measure on the validation faces by which the best weights are kept beside the last ones.

    A system that does not draw pictures has one of its own in place of the first two."""


WITHOUT_EFFECT = ("checkpoint_every", "checkpoint_minutes", "on_nonfinite")
"""Settings that change no result as long as all is finite: a run may go on under others."""


def accelerator(engine: Engine) -> str:
    """Return the Fabric accelerator that `device` means on this machine.

    Raises:
        SketchFaceError: if a GPU is asked for and there is none.
    """
    if engine.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if engine.device == "cuda" and not torch.cuda.is_available():
        raise SketchFaceError("engine.device: 'cuda'; allowed: auto or cpu, no GPU is here")
    return engine.device


def precision(engine: Engine) -> Literal["32-true", "bf16-mixed"]:
    """Return the Fabric precision that `precision` means on this machine."""
    if engine.precision != "auto":
        return engine.precision
    if accelerator(engine) == "cuda":
        capable = torch.cuda.is_bf16_supported()
    else:
        capable = torch.cpu._is_avx512_bf16_supported()
    return "bf16-mixed" if capable else "32-true"
