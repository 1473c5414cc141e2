"""What is measured, and shown, of the validation faces while training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sketchface_models.metrics.levels import as_grey, from_signed
from sketchface_models.metrics.ssim import ssim
from sketchface_models.systems.base import System
from sketchface_models.training.pack import Pack, normalise

AT_MOST = 64
"""Validation faces measured; enough for a curve."""
SHOWN = 8
"""Validation faces on the sheet."""


@torch.no_grad()
def validation_terms(system: System, pack: Pack, device: torch.device) -> dict[str, Tensor]:
    """`val_l1` (in [0, 1]) and `val_ssim` over the first validation faces; {} if there are none."""
    rows = pack.rows("val")[:AT_MOST]
    if not len(rows):
        return {}
    l1, similarity = [], []
    for start in range(0, len(rows), 16):
        batch = normalise(pack.read(rows[start : start + 16]), device)
        target = from_signed(as_grey(batch[pack.target]))
        drawn = from_signed(as_grey(system.generate(batch)))
        l1.append((drawn - target).abs().mean(dim=(1, 2, 3)) / 255)
        similarity.append(ssim(target, drawn))
    return {"val_l1": torch.cat(l1).mean(), "val_ssim": torch.cat(similarity).mean()}


@torch.no_grad()
def validation_sheet(system: System, pack: Pack, device: torch.device) -> np.ndarray | None:
    """The first validation faces side by side: a line for each input, the drawing, the target.

    Returns:
        (lines x size, faces x size, 3) uint8; None if there are no validation faces.
    """
    rows = pack.rows("val")[:SHOWN]
    if not len(rows):
        return None
    raw = pack.read(rows)
    drawn = from_signed(system.generate(normalise(raw, device))).to(torch.uint8).cpu()
    lines = [*(raw[name] for name in pack.inputs), drawn, raw[pack.target]]
    return torch.cat([_side_by_side(pictures) for pictures in lines]).numpy()


def _side_by_side(pictures: Tensor) -> Tensor:
    """(B, C, S, S) -> (S, B x S, 3); three channels are colours, of others the first is shown."""
    coloured = pictures if pictures.shape[1] == 3 else pictures[:, :1].expand(-1, 3, -1, -1)
    return coloured.permute(2, 0, 3, 1).flatten(1, 2)
