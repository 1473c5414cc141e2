"""Baselines that need no learning, at scoring size: what a system must beat to have learned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from pipeline.baselines.targets import mean_training_target, read_pictures
from pipeline.common.pictures import BATCH, rounded
from pipeline.common.records import Method
from sketchface_models.metrics.baselines import another_face, input_itself


def baseline_pictures(
    data: Path, fields: tuple[str, str], ids: Sequence[str], targets: Tensor, seed: int
) -> dict[Method, Tensor]:
    """Return the pictures of every baseline, each (N, C, S, S) uint8.

    Args:
        data: folder with the stages' folders.
        fields: the run's first input that is a picture, and its target.
        ids: of the N faces.
        targets: theirs, (N, C, S, S) uint8.
        seed: of the choice of another face; one face alone has no other, and no such baseline.

    Raises:
        SketchFaceError: if a face has no input, or no training face a target.
    """
    channels, size = targets.shape[1], targets.shape[-1]
    field, target = fields
    inputs = read_pictures(data, field, ids, size)
    grey = [rounded(input_itself(part.double(), channels)) for part in inputs.split(BATCH)]
    mean = rounded(mean_training_target(data, target, size))
    pictures = {Method.INPUT: torch.cat(grey), Method.MEAN: mean.expand_as(targets)}
    if len(ids) > 1:
        pictures[Method.OTHER] = another_face(targets, seed)
    return pictures
