"""Prepared faces through a generator, some at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipeline.evaluate.draw import BATCH, scaled
from pipeline.translation.inputs import Prepared, cut
from pipeline.translation.recipe import Style
from sketchface_models.errors import SketchFaceError
from sketchface_models.pixels import from_signed
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import Batch, System
from sketchface_models.training.pack import normalise

Job = tuple[Prepared, Style]
"""A face, and the style to draw it in."""


@torch.no_grad()
def draw(
    system: System, device: torch.device, source: str, jobs: Sequence[Job], size: int
) -> list[np.ndarray]:
    """What a system draws.

    Args:
        system: in eval mode.
        device: that it stands on.
        source: of its weights, for messages.
        jobs: what is to be drawn, all with the same inputs.
        size: side of a drawing, pixels; the longer side, where a photo is drawn as a whole.

    Returns:
        (h, w) uint8 of each, or (h, w, 3) where it draws in colour.

    Raises:
        SketchFaceError: if it draws no pictures.
    """
    pictures = []
    for start in range(0, len(jobs), BATCH):
        chosen = jobs[start : start + BATCH]
        drawing = _checked(system.generate(batch_of(chosen, device)).cpu(), len(chosen), source)
        for picture, (face, _) in zip(scaled(from_signed(drawing), size), chosen, strict=True):
            whole = np.moveaxis(picture.numpy(), 0, 2)
            pictures.append(cut(whole[..., 0] if whole.shape[2] == 1 else whole, face.shape))
    return pictures


def batch_of(jobs: Sequence[Job], device: torch.device) -> Batch:
    """What a system reads in order to draw all of the jobs at once."""
    raw = {
        name: torch.from_numpy(np.stack([face.raw[name] for face, _ in jobs]))
        for name in jobs[0][0].raw
    }
    batch = normalise(raw, device)
    if jobs[0][1].weights:
        batch[STYLE] = torch.tensor([style.weights for _, style in jobs], device=device)
    return batch


def _checked(drawing: Tensor, count: int, source: str) -> Tensor:
    if drawing.ndim != 4 or len(drawing) != count or drawing.shape[1] not in (1, 3):
        raise SketchFaceError(f"{source}: draws {tuple(drawing.shape)}, which is no picture")
    if not drawing.isfinite().all():
        raise SketchFaceError(f"{source}: draws NaN or infinite values; train it again")
    return drawing
