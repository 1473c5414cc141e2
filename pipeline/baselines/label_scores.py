"""Scores of label maps from confusion matrices: one by one, and pooled over pixels and faces."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.common.progress import progress
from pipeline.common.records import Level, Measure, Method, Origin
from pipeline.common.score_frames import Scores, as_resampled, long_frame
from pipeline.common.subsets import ALL, subsets
from sketchface_models.confusion import confusion, parsing_scores
from sketchface_models.metrics.judge import NAME as JUDGE
from sketchface_models.metrics.registry import Direction
from sketchface_models.metrics.sets import resample_indices
from sketchface_models.pretrained.parsers import FaceParser, load_parser

FACE = "face_"
"""What the names of measures of single faces begin with; the rest is a name of `ParsingScores`."""
FACE_MEASURES = {"face_accuracy": "pixel accuracy of a face", "face_mean_f1": "mean F1 of a face"}
POOLED_MEASURES = {
    "accuracy": "pixel accuracy",
    "mean_f1": "mean F1",
    "mean_iou": "mean IoU",
    "mean_recall": "mean class accuracy",
    "weighted_iou": "weighted IoU",
}
RESEGMENTATION = {
    "resegmentation_accuracy": "re-segmentation pixel accuracy",
    "resegmentation_mean_iou": "re-segmentation mIoU",
}
"""Measures of generated photos: the judge parses them, and the map that they were made from is the
truth. The rest of each name is a name of `ParsingScores`."""
PREFIX = "resegmentation_"


def label_measures(names: Mapping[str, str], level: Level) -> tuple[Measure, ...]:
    """Return measures of label maps; of all of them more is better."""
    return tuple(Measure(name, label, Direction.HIGHER, level) for name, label in names.items())


def face_label_scores(
    origin: Origin, method: Method, matrices: Tensor, faces: pd.DataFrame
) -> pd.DataFrame:
    """Return lines of `SCORES`: what each face's confusion matrix comes to.

    Args:
        origin: of the label maps.
        method: that made them.
        matrices: (N, classes, classes) int64, rows = truth.
        faces: a `FACES` frame of the N faces.
    """
    single = pd.DataFrame([parsing_scores(each).summary() for each in matrices])
    return pd.concat(
        long_frame(origin, method, ALL, name, faces["id"], single[name.removeprefix(FACE)])
        for name in FACE_MEASURES
    )


def pooled_label_scores(
    origin: Origin,
    method: Method,
    matrices: Tensor,
    faces: pd.DataFrame,
    names: Mapping[str, str] = POOLED_MEASURES,
) -> Scores:
    """Return what confusion matrices come to when they are added up, in every subset of the faces.

    Args:
        origin: of the label maps.
        method: that made them.
        matrices: (N, classes, classes) int64, rows = truth.
        faces: a `FACES` frame of the N faces.
        names: of the measures; each ends in a name of `ParsingScores`.
    """
    lines, draws = [], []
    for subset in subsets(faces):
        chosen = matrices[torch.from_numpy(np.flatnonzero(subset.mask(faces)))]
        total = parsing_scores(chosen.sum(dim=0)).summary()
        resampled = pd.DataFrame(
            [
                parsing_scores(chosen[indices].sum(dim=0)).summary()
                for indices in resample_indices(len(chosen))
            ]
        )
        for name in names:
            key = name.removeprefix(PREFIX)
            of_subset = functools.partial(long_frame, origin, method, subset, name, [])
            lines.append(of_subset(total[key]))
            draws.append(as_resampled(of_subset(resampled[key])))
    return Scores(pd.concat(lines), pd.concat(draws))


def resegmented(photos: Tensor, truth: Tensor) -> Tensor:
    """Parse photos with the judge and count its labels against the true ones.

    Args:
        photos: (N, 3, S, S) uint8.
        truth: (N, S, S) uint8 labels.

    Returns:
        (N, 19, 19) int64, rows = truth.
    """
    judge = FaceParser("32-true", load_parser(JUDGE))
    matrices = []
    for photo, labels in zip(progress(photos, len(photos), "re-segment", "photo"), truth):
        [predicted] = judge.labels([photo.permute(1, 2, 0).numpy()])
        matrices.append(confusion(labels, torch.from_numpy(predicted)))
    return torch.stack(matrices)
