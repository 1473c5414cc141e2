"""What the system draws, as it would be written to a file, and the form in which it is scored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from sketchface_models.errors import SketchFaceError
from sketchface_models.pixels import as_grey, from_signed
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import System
from sketchface_models.training.pack import Pack, normalise

BATCH = 16
RESIZE = "bicubic"
"""How drawings come from training size to scoring size; part of the protocol."""


@torch.no_grad()
def draw(
    system: System,
    pack: Pack,
    rows: np.ndarray,
    size: int,
    device: torch.device,
    style: Sequence[float] | None = None,
) -> Tensor:
    """What the system draws for these rows, as written to a file: (N, C, size, size) uint8.

    Args:
        system: in eval mode, on `device`.
        pack: holds its inputs.
        rows: of the pack, (N,).
        size: at which drawings are scored, in pixels.
        device: on which to draw.
        style: weights of the styles to draw all faces in, (K,); None draws each in its own.

    Raises:
        SketchFaceError: if what it draws is no batch of pictures, or not numbers.
    """
    parts = []
    for start in tqdm(range(0, len(rows), BATCH), desc="draw", unit="batch", disable=None):
        chosen = rows[start : start + BATCH]
        batch = normalise(pack.read(chosen, pack.inputs), device)
        if style is not None:
            batch[STYLE] = torch.tensor(style, device=device).repeat(len(chosen), 1)
        drawing = system.generate(batch).cpu()
        shape, side = tuple(drawing.shape), pack.size
        if shape not in [(len(chosen), channels, side, side) for channels in (1, 3)]:
            raise SketchFaceError(
                f"{pack.folder}: for {len(chosen)} faces the system draws {shape}; expected "
                f"pictures ({len(chosen)}, 1 or 3, {side}, {side})"
            )
        if not drawing.isfinite().all():
            raise SketchFaceError(
                f"{pack.folder}: drawings hold NaN or infinite values; train this run again"
            )
        parts.append(scaled(from_signed(drawing), size))
    return torch.cat(parts)


def scaled(pictures: Tensor, size: int) -> Tensor:
    """Grey levels (N, C, H, W) in 0..255 -> (N, C, size, size) uint8, bicubic."""
    if pictures.shape[2:] != (size, size):
        pictures = F.interpolate(
            pictures.float(), (size, size), mode=RESIZE, align_corners=False, antialias=True
        )
    return whole(pictures)


def whole(pictures: Tensor) -> Tensor:
    """Any grey levels as those a file holds: uint8, rounded and clipped."""
    return pictures.round().clamp(0, 255).to(torch.uint8)


def as_scored(drawings: Tensor, targets: Tensor, field: str) -> Tensor:
    """Drawings with the channels of their targets; colour is scored in grey where targets are grey.

    Args:
        drawings: (N, C, S, S) uint8.
        targets: (N, C', S, S) uint8.
        field: which the targets are, for the message.

    Raises:
        SketchFaceError: if the two cannot be compared.
    """
    if drawings.shape == targets.shape:
        return drawings
    if drawings[:, :1].shape == targets.shape and drawings.shape[1] == 3:
        return torch.cat([whole(as_grey(part.double())) for part in drawings.split(BATCH)])
    ours, theirs = tuple(drawings.shape[1:]), tuple(targets.shape[1:])
    raise SketchFaceError(
        f"{len(drawings)} drawings of shape {ours} cannot be scored against {len(targets)} targets "
        f"{field} of shape {theirs}; train the run again for this target"
    )
