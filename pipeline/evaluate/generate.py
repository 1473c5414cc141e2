"""The pictures that a system generates for the faces of a pack, as written to a file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from pipeline.common.pictures import BATCH, scaled
from sketchface_models.errors import SketchFaceError
from sketchface_models.pixels import from_signed
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import System
from sketchface_models.training.pack import Pack, normalise


@torch.no_grad()
def generate(
    system: System,
    pack: Pack,
    rows: np.ndarray,
    size: int,
    device: torch.device,
    style: Sequence[float] | None = None,
) -> Tensor:
    """Generate the pictures of some faces: (N, C, size, size) uint8.

    Args:
        system: in eval mode, on `device`.
        pack: holds its inputs.
        rows: of the pack, (N,).
        size: at which pictures are scored, in pixels.
        device: on which to generate.
        style: weights of the styles for all faces, (K,); None takes each face's own style.

    Raises:
        SketchFaceError: if the system gives no batch of pictures, or values that are no numbers.
    """
    parts = []
    for start in tqdm(range(0, len(rows), BATCH), desc="generate", unit="batch", disable=None):
        chosen = rows[start : start + BATCH]
        batch = normalise(pack.read(chosen, pack.inputs), device)
        if style is not None:
            batch[STYLE] = torch.tensor(style, device=device).repeat(len(chosen), 1)
        generated = system.generate(batch).cpu()
        _check(generated, len(chosen), pack)
        parts.append(scaled(from_signed(generated), size))
    return torch.cat(parts)


def _check(generated: Tensor, faces: int, pack: Pack) -> None:
    shape, side = tuple(generated.shape), pack.size
    if shape not in [(faces, channels, side, side) for channels in (1, 3)]:
        raise SketchFaceError(
            f"{pack.folder}: for {faces} faces the system generates {shape}; expected pictures "
            f"({faces}, 1 or 3, {side}, {side})"
        )
    if not generated.isfinite().all():
        raise SketchFaceError(
            f"{pack.folder}: generated pictures hold NaN or infinite values; train this run again"
        )
