"""What is scored: the system's drawings, the trivial rows, and the targets beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from pipeline.fields import FIELDS
from pipeline.images import decode
from pipeline.shards import iter_rows
from sketchface_models.metrics.levels import from_signed
from sketchface_models.metrics.trivial import another_face, input_itself, mean_target
from sketchface_models.systems.base import System
from sketchface_models.training.pack import Pack, normalise

BATCH = 16
RESIZE = "bicubic"
"""How drawings come from training size to scoring size; part of the protocol."""


def read_targets(faces: Path, field: str, ids: list[str]) -> Tensor:
    """Targets at scoring size, (N, C, S, S) uint8, in the order of `ids`."""
    place = {id: i for i, id in enumerate(ids)}
    channels = FIELDS[field].channels
    found: Tensor | None = None
    for row in iter_rows(faces, ["id", field]):
        if row["id"] in place:
            picture = decode(row[field]["bytes"])
            tensor = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(picture)))
            if found is None:
                found = torch.empty((len(ids), channels, *picture.shape[:2]), dtype=torch.uint8)
            found[place[row["id"]]] = tensor.movedim(2, 0)
    assert found is not None
    return found


@torch.no_grad()
def draw(system: System, pack: Pack, rows: np.ndarray, size: int) -> Tensor:
    """What the system draws for these rows, as written to a file: (N, C, size, size) uint8."""
    parts = []
    for start in tqdm(range(0, len(rows), BATCH), desc="draw", unit="batch", disable=None):
        raw = pack.read(rows[start : start + BATCH], pack.inputs)
        parts.append(
            scaled(from_signed(system.generate(normalise(raw, torch.device("cpu")))), size)
        )
    return torch.cat(parts)


def scaled(pictures: Tensor, size: int) -> Tensor:
    """Grey levels (N, C, H, W) in 0..255 -> (N, C, size, size) uint8, bicubic."""
    if pictures.shape[-1] != size:
        pictures = F.interpolate(
            pictures.float(), (size, size), mode=RESIZE, align_corners=False, antialias=True
        )
    return pictures.round().clamp(0, 255).to(torch.uint8)


def trivial_rows(pack: Pack, rows: np.ndarray, targets: Tensor, seed: int) -> dict[str, Tensor]:
    """What a system must beat to have learned anything, each (N, C, S, S) uint8."""
    channels, size = targets.shape[1], targets.shape[-1]
    inputs = torch.cat(
        [
            scaled(input_itself(raw.float(), channels), size)
            for raw in _batches(pack, rows, pack.inputs[0])
        ]
    )
    mean = mean_target(_batches(pack, pack.rows("train"), pack.target))
    mean = scaled(mean[None], size).expand(len(rows), -1, -1, -1)
    found = {"input": inputs, "mean": mean}
    if len(rows) > 1:
        found["other"] = another_face(targets, seed)
    return found


def _batches(pack: Pack, rows: np.ndarray, field: str) -> Iterator[Tensor]:
    for start in range(0, len(rows), 64):
        yield pack.read(rows[start : start + 64], [field])[field]
