"""Scores of parsing maps, all from one confusion matrix pooled over pictures and pixels.

`docs/papers.md, Face parsing` says which of them the literature reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sketchface_models.labels import CLASSES


def confusion(truth: Tensor, predicted: Tensor, classes: int = len(CLASSES)) -> Tensor:
    """Count the pixels of each true class (row) that are labelled as each class (column).

    Args:
        truth: integers of any shape; values outside 0 .. classes - 1 are not counted.
        predicted: same shape, values in 0 .. classes - 1.
        classes: how many there are.

    Returns:
        (classes, classes) int64, on the CPU; matrices of several batches are added up.

    Raises:
        ValueError: if the shapes differ, or `predicted` holds something that is no class.
    """
    if truth.shape != predicted.shape:
        shapes = f"truth {tuple(truth.shape)}, predicted {tuple(predicted.shape)}"
        raise ValueError(f"confusion: {shapes}")
    counted = (truth >= 0) & (truth < classes)
    rows, columns = truth[counted].long(), predicted[counted].long()
    if len(columns) and not 0 <= columns.min() <= columns.max() < classes:
        low, high = int(columns.min()), int(columns.max())
        raise ValueError(
            f"confusion: predicted classes {low} to {high}; allowed: 0 to {classes - 1}"
        )
    pixels = torch.bincount(rows * classes + columns, minlength=classes * classes)
    return pixels.reshape(classes, classes).cpu()


@dataclass(frozen=True)
class ParsingScores:
    """Scores of a confusion matrix. Means run over the classes that the truth has.

    Per-class values are (classes,) float64, NaN where the truth lacks the class.
    """

    accuracy: float
    """Part of all pixels that are labelled as their own class."""
    mean_iou: float
    mean_f1: float
    mean_recall: float
    """Mean class accuracy."""
    weighted_iou: float
    """Intersection over union, weighted by the pixels of the truth."""
    iou: Tensor
    """TP / (TP + FP + FN)."""
    f1: Tensor
    """2 TP / (2 TP + FP + FN)."""
    recall: Tensor
    precision: Tensor
    """TP / (TP + FP); 0 where no pixel is labelled as the class."""
    pixels: Tensor
    """(classes,) int64, of the truth."""

    def table(self, names: tuple[str, ...] = CLASSES) -> list[dict[str, Any]]:
        """Return a row a class of the truth: class, pixels, iou, f1, recall, precision."""
        columns = ("iou", "f1", "recall", "precision")
        return [
            {"class": name, "pixels": int(self.pixels[label])}
            | {column: float(getattr(self, column)[label]) for column in columns}
            for label, name in enumerate(names)
            if self.pixels[label]
        ]

    def summary(self) -> dict[str, float]:
        """Return the five numbers by name."""
        names = ("accuracy", "mean_iou", "mean_f1", "mean_recall", "weighted_iou")
        return {name: getattr(self, name) for name in names}


def parsing_scores(matrix: Tensor) -> ParsingScores:
    """Return the scores of a confusion matrix, (classes, classes), rows = truth.

    Raises:
        ValueError: if it counts no pixel.
    """
    counts = matrix.double()
    if not counts.sum():
        raise ValueError("parsing_scores: no pixel was counted")
    hit, truth, predicted = counts.diagonal(), counts.sum(dim=1), counts.sum(dim=0)
    present = truth > 0
    none = torch.full_like(truth, torch.nan)
    iou = torch.where(present, hit / (truth + predicted - hit), none)
    return ParsingScores(
        accuracy=float(hit.sum() / counts.sum()),
        mean_iou=float(iou[present].mean()),
        mean_f1=float((2 * hit / (truth + predicted))[present].mean()),
        mean_recall=float((hit / truth)[present].mean()),
        weighted_iou=float((iou * truth)[present].sum() / truth.sum()),
        iou=iou,
        f1=torch.where(present, 2 * hit / (truth + predicted), none),
        recall=torch.where(present, hit / truth, none),
        precision=torch.where(present, hit / predicted.clamp(min=1), none),
        pixels=matrix.sum(dim=1),
    )
