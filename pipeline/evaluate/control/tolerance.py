"""Scores of photos whose contour was shifted or rotated, while the true photo stays.

Every contour moves by the same distances and angles, parts of the largest ones that the `augment`
section names, each face in a direction of its own. Compared with the true photo, they show how a
system bears drawings that do not lie where its training contours lay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd
import torch
from torch import Tensor

from pipeline.common.records import Method, Origin
from pipeline.common.score_frames import long_frame
from pipeline.common.scored_pictures import BATCH
from pipeline.common.subsets import Subset, SubsetKind, moved_subset
from pipeline.evaluate.evaluate_settings import LargestMoves
from sketchface_models.augmentation.moved_contours import (
    REFERENCE_SIZE,
    draw_shift_rotate,
    shift_rotate,
)
from sketchface_models.metrics.registry import score_batch

CONTOUR = "contour"
PARTS = (0.25, 0.5, 0.75, 1.0)
"""Of the largest shift and rotation."""
METRICS = ("ssim", "l1")
PARAMETERS = {"revision": 1, "parts": list(PARTS), "metrics": list(METRICS)}


@dataclass(frozen=True)
class Directions:
    """Of N faces, each a pure function of seed and id: (N, 2) unit vectors, and (N,) 1 or -1."""

    shift: Tensor
    rotation: Tensor


def directions(seed: int, ids: Sequence[str]) -> Directions:
    """Return the direction in which each face's contour moves."""
    dx, dy, degrees = draw_shift_rotate(seed, [f"tolerance {id}" for id in ids], 1.0, 1.0)
    shift = torch.stack([dx, dy], dim=1)
    return Directions(
        shift / shift.norm(dim=1, keepdim=True).clamp(min=1e-6),
        torch.where(degrees < 0, -1.0, 1.0),
    )


def moves(largest: LargestMoves) -> list[tuple[Subset, float, float]]:
    """Return every move: its subset, pixels of shift on a side of 512, and degrees.

    The first moves nothing.
    """
    every = [(moved_subset(SubsetKind.SHIFT, 0), 0.0, 0.0)]
    for part in PARTS if largest.shift else ():
        every.append((moved_subset(SubsetKind.SHIFT, part), part * largest.shift, 0.0))
    for part in PARTS if largest.rotation else ():
        every.append((moved_subset(SubsetKind.ROTATION, part), 0.0, part * largest.rotation))
    return every


def moved(contours: Tensor, where: Directions, shift: float, rotation: float) -> Tensor:
    """Move contours, (N, 1, S, S) uint8, each in its own direction.

    Args:
        contours: 255 is paper.
        where: of the N faces.
        shift: in pixels of a picture of side 512.
        rotation: in degrees.
    """
    if not shift and not rotation:
        return contours
    dx, dy = (where.shift * shift * contours.shape[-1] / REFERENCE_SIZE).T
    return shift_rotate(contours, dx, dy, where.rotation * rotation)


def scored(generated: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Return metric -> (N,) of photos beside the true ones, both (N, C, S, S) uint8."""
    parts = [
        score_batch(true, own, names=METRICS)
        for own, true in zip(generated.split(BATCH), targets.split(BATCH), strict=True)
    ]
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in METRICS}


def lines(
    origin: Origin, subset: Subset, ids: Sequence[str], values: dict[str, Tensor]
) -> Iterator[pd.DataFrame]:
    """Yield lines of `SCORES` of one move."""
    for metric, each in values.items():
        yield long_frame(origin, Method.SYSTEM, subset, metric, ids, each.numpy())
