"""The pictures that a system generates for the faces of a pack, as written to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.common.images import read_image
from pipeline.common.progress import progress
from pipeline.common.scored_pictures import BATCH, scaled
from sketchface_models.errors import SketchFaceError
from sketchface_models.pixels import from_signed
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import Batch, System
from sketchface_models.training.pack_reader import Pack, normalise


@torch.no_grad()
def generate(
    system: System,
    pack: Pack,
    rows: np.ndarray,
    size: int,
    device: torch.device,
    style: Sequence[float] | None = None,
    output: str = "",
) -> Tensor:
    """Generate the pictures of some faces: (N, C, size, size) uint8.

    Args:
        system: in eval mode, on `device`.
        pack: holds its inputs.
        rows: of the first domain, (N,).
        size: at which pictures are scored, in pixels.
        device: on which to generate.
        style: weights of the styles for all faces, (K,); None takes each face's own style.
        output: of the system; the first if empty.

    Raises:
        SketchFaceError: if the system gives no batch of pictures, or values that are no numbers.
    """
    if not system.trained:
        return _read_files(system.files(ids := [pack.ids[row] for row in rows]), ids, size)
    parts = []
    starts = range(0, len(rows), BATCH)
    for start in progress(starts, len(starts), "generate"):
        chosen = rows[start : start + BATCH]
        batch = normalise(read_inputs(pack, chosen), device)
        if style is not None:
            batch[STYLE] = torch.tensor(style, device=device).repeat(len(chosen), 1)
        parts.append(generate_batch(system, pack, batch, size, output))
    return torch.cat(parts)


@torch.no_grad()
def generate_batch(system: System, pack: Pack, batch: Batch, size: int, output: str = "") -> Tensor:
    """Generate the pictures of one batch: (B, C, size, size) uint8.

    Args:
        system: in eval mode.
        pack: of the run; says at which size systems generate.
        batch: the inputs, on the system's device.
        size: at which pictures are scored, in pixels.
        output: of the system; the first if empty.

    Raises:
        SketchFaceError: if the system gives no batch of pictures, or values that are no numbers.
    """
    generated = generate_output(system, batch, output).cpu()
    field = system.outputs[output or next(iter(system.outputs))].field
    _check(generated, len(next(iter(batch.values()))), pack, pack.sizes.get(field, pack.size))
    return scaled(from_signed(generated), size)


def generate_output(system: System, batch: Batch, output: str = "") -> Tensor:
    """Return one output of a system, (B, C, S, S) in [-1, 1]; the first if `output` is empty."""
    first = not output or output == next(iter(system.outputs))
    return system.generate(batch) if first else system.generate_all(batch)[output]


def _read_files(files: Mapping[str, Path], ids: Sequence[str], size: int) -> Tensor:
    """Read pictures that other code made: (N, 3, size, size) uint8, or (N, 1, ...) if all are grey.

    Raises:
        SketchFaceError: if one is damaged, not square, or of another size than the first.
    """
    pictures: list[np.ndarray] = []
    for id in progress(ids, len(ids), "read", "picture"):
        picture = read_image(files[id])
        height, width = picture.shape[:2]
        if height != width or (pictures and picture.shape != pictures[0].shape):
            first = pictures[0].shape[0] if pictures else height
            raise SketchFaceError(
                f"{files[id]}: {width} x {height} pixels; expected squares of one size, such as "
                f"{first} x {first}"
            )
        pictures.append(picture)
    raw = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    if (raw[:, :1] == raw).all():
        raw = raw[:, :1]
    return torch.cat([scaled(part, size) for part in raw.split(BATCH)])


def read_inputs(pack: Pack, rows: np.ndarray) -> dict[str, Tensor]:
    """Read what a system generates some faces from: the inputs, or all fields if it is unpaired.

    Args:
        pack: of the run.
        rows: of the first domain, (N,).
    """
    return pack.read_faces(rows, pack.inputs if len(pack.domains) == 1 else [*pack.channels])


def _check(generated: Tensor, faces: int, pack: Pack, side: int) -> None:
    shape = tuple(generated.shape)
    if shape not in [(faces, channels, side, side) for channels in (1, 3)]:
        raise SketchFaceError(
            f"{pack.folder}: for {faces} faces the system generates {shape}; expected pictures "
            f"({faces}, 1 or 3, {side}, {side})"
        )
    if not generated.isfinite().all():
        raise SketchFaceError(
            f"{pack.folder}: generated pictures hold NaN or infinite values; train this run again"
        )
