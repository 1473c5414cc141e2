"""Pictures as they are scored: uint8 tensors, as a written file would hold them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.pixels import as_grey

BATCH = 16
"""Pictures that a network generates or scores at a time."""
RESIZE = "bicubic"
"""How pictures come from training size to scoring size; part of the protocol."""


def default_device() -> torch.device:
    """Return the GPU where there is one, as the engine's `auto` does, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def scaled(pictures: Tensor, size: int) -> Tensor:
    """Resize grey levels, bicubic: (N, C, H, W) in 0..255 -> (N, C, size, size) uint8."""
    if pictures.shape[2:] != (size, size):
        pictures = F.interpolate(
            pictures.float(), (size, size), mode=RESIZE, align_corners=False, antialias=True
        )
    return rounded(pictures)


def rounded(pictures: Tensor) -> Tensor:
    """Round and clip any levels to those that a file holds: uint8 of the same shape."""
    return pictures.round().clamp(0, 255).to(torch.uint8)


def with_channels_of(targets: Tensor, generated: Tensor, field: str) -> Tensor:
    """Return generated pictures with the channels of their targets: colour in grey if those are.

    Args:
        targets: (N, C', S, S) uint8.
        generated: (N, C, S, S) uint8.
        field: of the targets, for the message.

    Raises:
        SketchFaceError: if the two cannot be compared.
    """
    if generated.shape == targets.shape:
        return generated
    if generated[:, :1].shape == targets.shape and generated.shape[1] == 3:
        return torch.cat([rounded(as_grey(part.double())) for part in generated.split(BATCH)])
    ours, theirs = tuple(generated.shape[1:]), tuple(targets.shape[1:])
    raise SketchFaceError(
        f"{len(generated)} generated pictures of shape {ours} cannot be scored against "
        f"{len(targets)} targets {field} of shape {theirs}; train the run again for this target"
    )
