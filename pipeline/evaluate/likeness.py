"""What a photo has of the doodle that it was made from: its outline, and its attributes.

Beside each stands the same with another person's doodle, what a photo has of any doodle; and with
the true photo of the doodle's person, where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.baselines.baseline_records import pictured_inputs
from pipeline.baselines.baselines import PHOTO
from pipeline.baselines.resegmentation import parse
from pipeline.baselines.targets import read_pictures
from pipeline.common.records import ATTRIBUTE, OUTLINE, Measure, Method, Origin
from pipeline.common.score_frames import Scores, long_frame
from pipeline.common.subsets import ALL
from pipeline.evaluate.attributes.attribute_network import asked, classify, weights_hash
from pipeline.evaluate.attributes.doodled import doodled
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.outline_overlap import PARAMETERS, outline_overlaps
from sketchface_models.metrics.judge import NAME as JUDGE
from sketchface_models.metrics.registry import Direction
from sketchface_models.metrics.untrained_baselines import another_face

DOODLE = "doodle"
LEAST = 2
"""Faces that show a value of an attribute, for it to count."""


@dataclass(frozen=True)
class Likeness:
    """What was measured: see `Cycles`."""

    measures: tuple[Measure, ...]
    scores: tuple[Scores, ...]
    parameters: Mapping[str, Mapping[str, object]]


def likeness(
    evaluated: EvaluatedSystem, generated: Tensor, photos: Tensor | None, origin: Origin
) -> Likeness | None:
    """Measure the photos that were made of doodles.

    Args:
        evaluated: the trained system and its data.
        generated: (N, 3, S, S) uint8, of the test faces.
        photos: the true ones likewise; None where faces have no partner.
        origin: of the pictures.

    Returns:
        None for another output than photos, and for other inputs than doodles.
    """
    field = evaluated.system.outputs[origin.output].field
    if field != PHOTO or DOODLE not in pictured_inputs(evaluated.pack, field):
        return None
    ids = evaluated.ids
    sets = {Method.SYSTEM: generated} | ({} if photos is None else {Method.REAL: photos})
    doodles = read_pictures(evaluated.data, DOODLE, ids, generated.shape[-1])
    lines = list(outline_lines(origin, ids, doodles, sets, evaluated.seed))
    parameters: dict[str, Mapping[str, object]] = {OUTLINE: PARAMETERS | {"parser": JUDGE}}
    measures = [Measure(OUTLINE, "overlap of outlines", Direction.HIGHER, control=True)]
    known = doodled(evaluated.data / "faces", set(ids))
    if len(known) == len(ids):
        truth = {k: np.array([known[id][k] for id in ids]) for k in asked()}
        lines += attribute_lines(origin, ids, truth, sets, evaluated.seed)
        parameters[ATTRIBUTE] = {"revision": 1, "classifier": weights_hash(), "least": LEAST}
        names = {metric for each in lines for metric in each["metric"]}
        measures += [
            Measure(f"{ATTRIBUTE}{k}", f"{k} of the doodle", Direction.HIGHER, control=True)
            for k in truth
            if f"{ATTRIBUTE}{k}" in names
        ]
    return Likeness(tuple(measures), tuple(map(Scores, lines)), parameters)


def outline_lines(
    origin: Origin,
    ids: Sequence[str],
    doodles: Tensor,
    photos: Mapping[Method, Tensor],
    seed: int,
) -> Iterator[pd.DataFrame]:
    """Yield lines of `SCORES`: the overlap of outlines of each face's doodle with its photos.

    Args:
        origin: of the pictures.
        ids: of the N faces.
        doodles: (N, 1, S, S) uint8.
        photos: method -> (N, 3, S, S) uint8.
        seed: of the choice of another person's doodle.
    """
    labels = {method: parse(each) for method, each in photos.items()}
    for method, own in labels.items():
        yield _line(origin, method, OUTLINE, ids, outline_overlaps(doodles, own))
    if len(ids) > 1:
        others = outline_overlaps(another_face(doodles, seed), labels[Method.SYSTEM])
        yield _line(origin, Method.OTHER, OUTLINE, ids, others)


def attribute_lines(
    origin: Origin,
    ids: Sequence[str],
    truth: Mapping[str, np.ndarray],
    photos: Mapping[Method, Tensor],
    seed: int,
) -> Iterator[pd.DataFrame]:
    """Yield lines of `SCORES`: whether photos show the attributes of the doodles.

    A face's value is 0 or 1, weighted so that the mean over faces is the balanced accuracy.

    Args:
        origin: of the pictures.
        ids: of the N faces.
        truth: attribute -> (N,) index of the value that the doodle shows.
        photos: method -> (N, 3, S, S) uint8.
        seed: of the choice of another person's doodle.
    """
    predicted = {method: classify(each) for method, each in photos.items()}
    for name, own in truth.items():
        for method, values in predicted.items():
            scores = balanced_hits(own, values[name].numpy())
            yield _line(origin, method, f"{ATTRIBUTE}{name}", ids, scores)
        if len(ids) > 1:
            others = another_face(torch.from_numpy(own), seed).numpy()
            shuffled = balanced_hits(others, predicted[Method.SYSTEM][name].numpy())
            yield _line(origin, Method.OTHER, f"{ATTRIBUTE}{name}", ids, shuffled)


def balanced_hits(truth: np.ndarray, predicted: np.ndarray) -> Tensor:
    """Return values of faces whose mean is the balanced accuracy.

    Args:
        truth: (N,) int, indices of values.
        predicted: (N,) likewise.

    Returns:
        (N,) float64; NaN for faces of a value that fewer than `LEAST` show, and for all where a
        single value is left.
    """
    values, counts = np.unique(truth, return_counts=True)
    counted = dict(zip(values[counts >= LEAST], counts[counts >= LEAST], strict=True))
    scores = np.full(len(truth), np.nan)
    if len(counted) > 1:
        total = sum(counted.values())
        for value, count in counted.items():
            weight = total / (len(counted) * count)
            scores[truth == value] = weight * (predicted[truth == value] == value)
    return torch.from_numpy(scores)


def _line(
    origin: Origin, method: Method, metric: str, ids: Sequence[str], values: Tensor
) -> pd.DataFrame:
    """Return lines of the faces that have a value."""
    defined = ~values.isnan().numpy()
    own = [id for id, has in zip(ids, defined, strict=True) if has]
    return long_frame(origin, method, ALL, metric, own, values.numpy()[defined])
