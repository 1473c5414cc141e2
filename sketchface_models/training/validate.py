"""What is measured, and shown, of the validation faces while training."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sketchface_models.labels import COLOURS
from sketchface_models.metrics.ssim import ssim
from sketchface_models.pixels import as_grey, from_signed
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import System
from sketchface_models.training.feed import LABELS
from sketchface_models.training.pack import Pack, normalise

AT_MOST = 64
"""Validation faces measured; enough for a curve."""
SHOWN = 8
"""Validation faces on the sheet."""


@torch.no_grad()
def validation_terms(system: System, pack: Pack, device: torch.device) -> dict[str, Tensor]:
    """`val_l1` (in [0, 1]) and `val_ssim` over the first validation faces; {} if there are none.

    A system that tallies gets its own `scores` instead.
    """
    rows = pack.rows("val")[:AT_MOST]
    if not len(rows):
        return {}
    l1, similarity, tallies = [], [], []
    for start in range(0, len(rows), 16):
        batch = normalise(pack.read(rows[start : start + 16]), device)
        drawn = system.generate(batch)
        tally = system.tally(batch, drawn)
        if tally is not None:
            tallies.append(tally)
            continue
        target, drawn = from_signed(as_grey(batch[pack.target])), from_signed(as_grey(drawn))
        l1.append((drawn - target).abs().mean(dim=(1, 2, 3)) / 255)
        similarity.append(ssim(target, drawn))
    if tallies:
        return system.scores(torch.stack(tallies).sum(dim=0))
    return {"val_l1": torch.cat(l1).mean(), "val_ssim": torch.cat(similarity).mean()}


@torch.no_grad()
def validation_sheet(system: System, pack: Pack, device: torch.device) -> np.ndarray | None:
    """The first validation faces side by side: lines of pictured inputs, drawing and target.

    Returns:
        (lines x size, faces x size, 3) uint8; None if there are no validation faces.
    """
    rows = pack.rows("val")[:SHOWN]
    if not len(rows):
        return None
    raw = pack.read(rows)
    drawn = from_signed(system.generate(normalise(raw, device))).to(torch.uint8).cpu()
    lines = [(name, raw[name]) for name in pack.inputs if name != STYLE]
    lines += [(pack.target, drawn), (pack.target, raw[pack.target])]
    return torch.cat([_side_by_side(name, pictures) for name, pictures in lines]).numpy()


def _side_by_side(name: str, pictures: Tensor) -> Tensor:
    """(B, C, S, S) of a field -> (S, B x S, 3).

    Labels get their colours; three channels are colours, of others the first is shown.
    """
    if name == LABELS:
        table = torch.tensor(COLOURS, dtype=torch.uint8)
        pictures = table[pictures[:, 0].long().clamp(max=len(table) - 1)].permute(0, 3, 1, 2)
    coloured = pictures if pictures.shape[1] == 3 else pictures[:, :1].expand(-1, 3, -1, -1)
    return coloured.permute(2, 0, 3, 1).flatten(1, 2)
