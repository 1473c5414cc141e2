"""The three rows that need no learning, at scoring size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from pipeline.evaluate.draw import BATCH, whole
from pipeline.evaluate.truth import mean_training_target, read_pictures
from sketchface_models.metrics.trivial import another_face, input_itself


def trivial_rows(
    data: Path, fields: tuple[str, str], ids: Sequence[str], targets: Tensor, seed: int
) -> dict[str, Tensor]:
    """What a system must beat to have learned anything, each (N, C, S, S) uint8.

    Args:
        data: folder with the stages' folders.
        fields: the run's first input that is a picture, and its target.
        ids: of the N faces.
        targets: theirs, (N, C, S, S) uint8.
        seed: of who is another face; one face alone has none, and no such row.

    Raises:
        SketchFaceError: if a face has no input, or no training face a target.
    """
    channels, size = targets.shape[1], targets.shape[-1]
    given, target = fields
    inputs = read_pictures(data, given, ids, size)
    grey = [whole(input_itself(part.double(), channels)) for part in inputs.split(BATCH)]
    mean = whole(mean_training_target(data, target, size))
    found = {"input": torch.cat(grey), "mean": mean.expand_as(targets)}
    if len(ids) > 1:
        found["other"] = another_face(targets, seed)
    return found
