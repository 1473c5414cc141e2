"""What is measured on the validation faces while training."""

from __future__ import annotations


import torch
from lightning_fabric import Fabric
from torch import Tensor

from sketchface_models.metrics import score_batch
from sketchface_models.systems.base import System
from sketchface_models.systems.pix2pix import luma
from sketchface_models.training.pack import Pack, normalise

AT_MOST = 64
"""Validation faces looked at; enough for a curve."""


@torch.no_grad()
def validation_terms(system: System, pack: Pack, fabric: Fabric) -> dict[str, Tensor]:
    """`val_l1`, `val_ssim` ... over the first validation faces; {} if there are none."""
    rows = pack.rows("val")[:AT_MOST]
    found: dict[str, list[Tensor]] = {}
    for start in range(0, len(rows), 16):
        batch = normalise(pack.read(rows[start : start + 16]), fabric.device)
        target = grey_255(batch[pack.target])
        drawn = grey_255(system.generate(batch))
        for name, values in score_batch(target, drawn, names=("l1", "ssim")).items():
            found.setdefault(f"val_{name}", []).append(values)
    return {name: torch.cat(values).mean() for name, values in found.items()}


def grey_255(picture: Tensor) -> Tensor:
    """(B, 1 or 3, H, W) in [-1, 1] -> (B, 1, H, W) whole numbers in 0..255."""
    grey = picture if picture.shape[1] == 1 else luma(picture)
    return ((grey.float() + 1) * 127.5).round().clamp(0, 255)
