"""What a photo has of the doodle that it was made from: its outline, and its attributes.

Beside each stands the same with another person's doodle, what a photo has of any doodle; and with
the true photo of the doodle's person, where there is one.
"""

from __future__ import annotations

import functools
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
from pipeline.common.records import ATTRIBUTE, OUTLINE, Level, Measure, Method, Origin
from pipeline.common.score_frames import Scores, as_resampled, frame_of_defined, long_frame
from pipeline.common.subsets import ALL
from pipeline.evaluate.attributes.attribute_network import asked, classify, weights_hash
from pipeline.evaluate.attributes.doodled import doodled
from pipeline.evaluate.evaluated_system import EvaluatedSystem
from pipeline.evaluate.outline_overlap import PARAMETERS, outline_overlaps
from sketchface_models.metrics.judge import NAME as JUDGE
from sketchface_models.metrics.registry import Direction
from sketchface_models.metrics.sets import LEAST_FACES, resample_indices
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
    scores = [Scores(each) for each in outline_lines(origin, ids, doodles, sets, evaluated.seed)]
    parameters: dict[str, Mapping[str, object]] = {OUTLINE: PARAMETERS | {"parser": JUDGE}}
    measures = [Measure(OUTLINE, "overlap of outlines", Direction.HIGHER, control=True)]
    known = doodled(evaluated.data / "faces", set(ids))
    if len(known) == len(ids):
        truth = {k: np.array([known[id][k] for id in ids]) for k in asked()}
        labels = {method: classify(each) for method, each in sets.items()}
        attributes = dict(attribute_scores(origin, truth, labels, evaluated.seed))
        parameters[ATTRIBUTE] = {"revision": 2, "classifier": weights_hash(), "least": LEAST}
        for name, of_methods in attributes.items():
            scores += of_methods
            label = f"{name} of the doodle"
            measures.append(
                Measure(
                    f"{ATTRIBUTE}{name}",
                    label,
                    Direction.HIGHER,
                    Level.SET,
                    LEAST_FACES,
                    control=True,
                )
            )
    return Likeness(tuple(measures), tuple(scores), parameters)


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
        yield frame_of_defined(origin, method, OUTLINE, ids, outline_overlaps(doodles, own))
    if len(ids) > 1:
        others = outline_overlaps(another_face(doodles, seed), labels[Method.SYSTEM])
        yield frame_of_defined(origin, Method.OTHER, OUTLINE, ids, others)


def attribute_scores(
    origin: Origin,
    truth: Mapping[str, np.ndarray],
    labels: Mapping[Method, Mapping[str, Tensor]],
    seed: int,
) -> Iterator[tuple[str, list[Scores]]]:
    """Yield each attribute and, for each method, in what part of photos it is the doodle's.

    Args:
        origin: of the pictures.
        truth: attribute -> (N,) index of the value that each face's doodle shows.
        labels: method -> what `classify` says of its photos.
        seed: of the choice of another person's doodle.

    Attributes of which fewer than two values are shown by `LEAST` faces are left out.
    """
    for name, own in truth.items():
        values, counts = np.unique(own, return_counts=True)
        common = values[counts >= LEAST]
        if len(common) < 2:
            continue
        pairs = {method: (own, each[name].numpy()) for method, each in labels.items()}
        others = another_face(torch.from_numpy(own), seed).numpy()
        pairs[Method.OTHER] = (others, pairs[Method.SYSTEM][1])
        resamples = resample_indices(len(own)).numpy()
        scores = []
        for method, (shown, predicted) in pairs.items():
            line = functools.partial(long_frame, origin, method, ALL, f"{ATTRIBUTE}{name}", [])
            draws = balanced_accuracy(shown[resamples], predicted[resamples], common)
            value = balanced_accuracy(shown, predicted, common)
            scores.append(Scores(line(value), as_resampled(line(draws))))
        yield name, scores


def balanced_accuracy(truth: np.ndarray, predicted: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean over values of the part of their faces in which they are predicted, (...,).

    Args:
        truth: (..., N) int, indices of values.
        predicted: (..., N) likewise.
        values: (V,) those that count; the result is NaN where no face shows one of them.
    """
    parts = []
    for value in values:
        shown = truth == value
        with np.errstate(invalid="ignore"):
            parts.append((shown & (predicted == value)).sum(-1) / shown.sum(-1))
    return np.mean(parts, axis=0)
