"""Scores of label maps from confusion matrices: one by one, and pooled over pixels and faces."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.common.records import Level, Measure, Method, Origin
from pipeline.common.score_frames import Scores, as_resampled, long_frame
from pipeline.common.subsets import ALL, subsets
from sketchface_models.confusion import parsing_scores
from sketchface_models.metrics.registry import Direction
from sketchface_models.metrics.sets import resample_indices

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
    origin: Origin, method: Method, matrices: Tensor, faces: pd.DataFrame
) -> Scores:
    """Return `POOLED_MEASURES` of confusion matrices; arguments as for `pooled_scores`."""

    def score(matrix: Tensor) -> dict[str, float]:
        summary = parsing_scores(matrix).summary()
        return {name: summary[name] for name in POOLED_MEASURES}

    return pooled_scores(origin, method, matrices, faces, score)


def pooled_scores(
    origin: Origin,
    method: Method,
    matrices: Tensor,
    faces: pd.DataFrame,
    score: Callable[[Tensor], dict[str, float]],
) -> Scores:
    """Return what confusion matrices come to when they are added up, in every subset of the faces.

    Args:
        origin: of the label maps.
        method: that made them.
        matrices: (N, classes, classes) int64, rows = truth.
        faces: a `FACES` frame of the N faces.
        score: (classes, classes) -> measure -> value, always of the same measures; NaN where a
            matrix says nothing of one. A subset without a value has no line, and a resample
            without one takes its subset's.
    """
    lines, draws = [], []
    for subset in subsets(faces):
        chosen = matrices[torch.from_numpy(np.flatnonzero(subset.mask(faces)))]
        values = {n: v for n, v in score(chosen.sum(dim=0)).items() if not math.isnan(v)}
        resampled = pd.DataFrame(
            [score(chosen[indices].sum(dim=0)) for indices in resample_indices(len(chosen))]
        ).fillna(values)
        for name, value in values.items():
            of_subset = functools.partial(long_frame, origin, method, subset, name, [])
            lines.append(of_subset(value))
            draws.append(as_resampled(of_subset(resampled[name])))
    return Scores(pd.concat(lines), pd.concat(draws))
