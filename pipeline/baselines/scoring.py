"""From pictures to scores: every measure of every method, as lines of `SCORES` and `RESAMPLED`."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence

import joblib
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from pipeline.common.parallel import pool
from pipeline.common.progress import progress
from pipeline.common.records import RANK, Level, Measure, Method, NotMeasured, Origin
from pipeline.common.score_frames import Scores, as_resampled, long_frame
from pipeline.common.scored_pictures import BATCH
from pipeline.common.subsets import Subset, subsets
from sketchface_models.metrics.metric import Extractor, Metric, SetMetric, why_not_measured
from sketchface_models.metrics.registry import (
    METRICS,
    SET_METRICS,
    metric_names,
    not_measured,
    score_batch,
)
from sketchface_models.metrics.retrieval import describe, rank
from sketchface_models.metrics.sets import score_sets
from sketchface_models.runtime import one_thread

Pictures = Mapping[Method, Tensor]
"""Method -> (N, C, S, S) uint8, picture i made for face i."""
Features = dict[str, dict[Method, Tensor]]
"""Extractor -> method -> (N, D) float32, with the targets under `Method.TARGET`."""


def image_measures(channels: int) -> tuple[tuple[Measure, ...], tuple[NotMeasured, ...]]:
    """Return what is measured of pictures of so many channels, and what lacks its weights."""
    pairs = [
        Measure(name, METRICS[name].label, METRICS[name].direction)
        for name in metric_names(channels)
    ]
    sets = [
        Measure(name, each.label, each.direction, Level.SET, each.least)
        for name, each in SET_METRICS.items()
        if not why_not_measured(each)
    ]
    every: dict[str, Metric | SetMetric] = {**METRICS, **SET_METRICS}
    lacking = [
        NotMeasured(name, every[name].label, why) for name, why in not_measured(channels).items()
    ]
    return (*pairs, *sets), tuple(lacking)


def score_faces(
    generated: Tensor, targets: Tensor, device: torch.device, name: str = ""
) -> dict[str, np.ndarray]:
    """Return every metric that applies, and `RANK` (from 1), each (N,).

    Args:
        generated: (N, C, S, S) uint8, picture i made for target i.
        targets: same shape.
        device: on which to compute, a batch at a time.
        name: for the progress bar.
    """
    starts = range(0, len(targets), BATCH)
    pairs = zip(generated.split(BATCH), targets.split(BATCH), strict=True)
    tasks = (
        joblib.delayed(_score_batch)(start, *pair, device)
        for start, pair in zip(starts, pairs, strict=True)
    )
    # The CPU's cores share the batches; a GPU takes one after the other.
    with one_thread(), pool(len(starts) if device.type == "cpu" else 1, threads=True) as parallel:
        results = progress(parallel(tasks), len(starts), f"score {name}")
        batches = [scores for _, scores in sorted(results, key=lambda result: result[0])]
    values = {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}
    ranks = rank(values.pop(_OWN), values.pop(_TARGET)).ranks
    return {metric: each.numpy() for metric, each in values.items()} | {RANK: ranks.numpy()}


_OWN, _TARGET = "descriptors of pictures", "descriptors of targets"


def _score_batch(
    start: int, generated: Tensor, targets: Tensor, device: torch.device
) -> tuple[int, dict[str, Tensor]]:
    """Score one batch, with the descriptors by which pictures are ranked; all on the CPU."""
    own, target = generated.to(device), targets.to(device)
    values = score_batch(target, own) | {_OWN: describe(own), _TARGET: describe(target)}
    return start, {key: each.cpu() for key, each in values.items()}


def face_scores(
    origin: Origin,
    pictures: Pictures,
    targets: Tensor,
    ids: Sequence[str],
    subset: Subset,
    device: torch.device,
) -> pd.DataFrame:
    """Return lines of `SCORES`: every metric of every face, by every method.

    Args:
        origin: of the system's pictures.
        pictures: of every method.
        targets: (N, C, S, S) uint8.
        ids: of the N faces.
        subset: that these faces are.
        device: on which to compute.
    """
    return pd.concat(
        long_frame(origin, method, subset, metric, ids, values)
        for method, generated in pictures.items()
        for metric, values in score_faces(generated, targets, device, method).items()
    )


def extractors() -> dict[str, Extractor]:
    """Return the networks whose features the measurable set metrics compare."""
    used = [each.extractor for each in SET_METRICS.values() if not why_not_measured(each)]
    return {each.name: each for each in used}


def extract_features(pictures: Pictures, device: torch.device) -> Features:
    """Return the features of all pictures; equal pictures are seen once, whatever the method.

    Other faces' targets are the same set as the targets, at no distance by construction: they are
    left out.

    Args:
        pictures: of every method, and the targets under `Method.TARGET`.
        device: for the networks.
    """
    position: dict[bytes, int] = {}
    distinct: list[Tensor] = []
    positions: dict[Method, list[int]] = {}
    for method, each in pictures.items():
        if method is Method.OTHER:
            continue
        positions[method] = []
        for picture in each:
            key = hashlib.blake2b(picture.numpy().tobytes(), digest_size=16).digest()
            if key not in position:
                position[key] = len(distinct)
                distinct.append(picture)
            positions[method].append(position[key])
    features: Features = {}
    for name, extractor in extractors().items():
        network = extractor.load(device)
        starts = range(0, len(distinct), BATCH)
        vectors = torch.cat(
            [
                network(torch.stack(distinct[start : start + BATCH])).cpu()
                for start in progress(starts, len(starts), f"features of {name}")
            ]
        )
        features[name] = {method: vectors[rows] for method, rows in positions.items()}
    return features


def set_scores(origin: Origin, features: Features, faces: pd.DataFrame) -> Scores:
    """Return the distances of every method's features from the targets', in every subset.

    Args:
        origin: of the system's pictures.
        features: as `extract_features` gives them.
        faces: a `FACES` frame, in the order of the features.
    """
    values: list[pd.DataFrame] = []
    draws: list[pd.DataFrame] = []
    for name, by_method in features.items():
        metrics = {key: each for key, each in SET_METRICS.items() if each.extractor.name == name}
        for subset in subsets(faces):
            chosen = torch.from_numpy(np.flatnonzero(subset.mask(faces)))
            own = {str(method): each[chosen] for method, each in by_method.items()}
            target = own.pop(Method.TARGET)
            for method, measured in score_sets(metrics, own, target).items():
                for metric, score in measured.items():
                    lines = functools.partial(
                        long_frame, origin, Method(method), subset, metric, []
                    )
                    values.append(lines(score.value))
                    draws.append(as_resampled(lines(score.resamples)))
    return Scores(_concatenated(values), _concatenated(draws))


def _concatenated(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Of no frames, one without lines: a single face has no sets."""
    empty = long_frame(Origin("", 0, ""), Method.SYSTEM, Subset(), "", [], [])
    return pd.concat(frames) if frames else as_resampled(empty).assign(id=None)
