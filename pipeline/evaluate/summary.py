"""What one training's scores come to: means with intervals, and whether it has learned at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import torch

from pipeline.common.evaluations import Evaluation
from pipeline.common.records import BASELINES, RANK, Level, Method
from pipeline.common.score_frames import by_base_face, per_edit, per_face, pooled, resampled
from pipeline.common.verdicts import Estimate, Sample, Verdict, compare, estimate, verdicts
from sketchface_models.metrics.retrieval import Retrieval

RANKS = (1, 5)


def summarised(evaluation: Evaluation) -> Evaluation:
    """Return an evaluation whose summary says its means and whether the system has learned."""
    means = {str(method): _means(evaluation, method) for method in evaluation.methods}
    reasons: tuple[str, ...] = ()
    if len(evaluation.methods) > 1 and not evaluation.summary.references:
        ranks = per_face([evaluation], RANK).to_numpy()[0]
        reasons = tuple(
            why_not_learned(baseline_verdicts(evaluation), ranks, evaluation.summary.known_kinds)
        )
    summary = dataclasses.replace(evaluation.summary, means=means, not_learned=reasons)
    return dataclasses.replace(evaluation, summary=summary)


def sample_of(
    evaluation: Evaluation, metric: str, level: Level, method: Method = Method.SYSTEM
) -> Sample | None:
    """Return what one method scored over all faces; None if it was not measured."""
    fixed = method in BASELINES
    if level is Level.EDIT:
        edits = by_base_face(per_edit([evaluation], metric, method))
        return Sample.per_face(edits.to_numpy(), fixed) if edits.size else None
    if level is Level.FACE:
        values = per_face([evaluation], metric, method)
        return Sample.per_face(values.to_numpy(), fixed) if values.size else None
    value, draws = pooled([evaluation], metric, method), resampled([evaluation], metric, method)
    if not value.size or draws.shape[1] < 2:
        return None
    finite = draws.to_numpy()[:, np.isfinite(draws.to_numpy()).all(axis=0)]
    return Sample.pooled(value.to_numpy(), finite, len(evaluation.ids), fixed)


def baseline_verdicts(evaluation: Evaluation) -> dict[Method, dict[str, Verdict]]:
    """Return what may be said of this training beside each baseline, by every measure of faces.

    Distances between sets have no part in it: they do not ask which face a picture shows.
    """
    keys, comparisons = [], []
    for method in evaluation.methods:
        for measure in (m for m in evaluation.summary.measures if not m.control):
            ours = sample_of(evaluation, measure.name, measure.level)
            theirs = sample_of(evaluation, measure.name, measure.level, method)
            if measure.level is Level.FACE and method in _BEATEN and ours and theirs:
                keys.append((method, measure.name))
                comparisons.append(compare(ours, theirs, measure.direction))
    words: dict[Method, dict[str, Verdict]] = {}
    for (method, metric), word in zip(keys, verdicts(comparisons), strict=True):
        words.setdefault(method, {})[metric] = word
    return words


_BEATEN = (Method.INPUT, Method.MEAN, Method.OTHER, Method.CLASS_COLOURS)
"""Baselines that a system must beat; the real photo is a ceiling."""


def why_not_learned(
    words: Mapping[Method, Mapping[str, Verdict]], ranks: np.ndarray, known_kinds: int = 1
) -> list[str]:
    """Return reasons to call a system "not learned"; [] when it has learned.

    Args:
        words: baseline -> metric -> verdict on the system beside it.
        ranks: (N,) of each face's own target.
        known_kinds: see `Retrieval`.
    """
    reasons = [
        f"not better than {BASELINES[method]} on any metric"
        for method, verdicts_by_metric in words.items()
        if Verdict.BETTER not in verdicts_by_metric.values()
    ]
    if Retrieval(torch.tensor(ranks), known_kinds).at_chance(5):
        reasons.append("finds the right target no more often than chance")
    return reasons


def _means(evaluation: Evaluation, method: Method) -> dict[str, dict[str, float]]:
    means = {}
    for measure in evaluation.summary.measures:
        sample = sample_of(evaluation, measure.name, measure.level, method)
        if sample:
            means[measure.name] = _as_json(estimate(sample))
    ranks = per_face([evaluation], RANK, method).to_numpy()
    for k in RANKS if ranks.size else ():
        hits = (ranks <= k).astype(float)
        means[f"rank_{k}"] = _as_json(estimate(Sample.per_face(hits, method is not Method.SYSTEM)))
    return means


def _as_json(measured: Estimate) -> dict[str, float]:
    return {
        "mean": measured.mean,
        "low": measured.low,
        "high": measured.high,
        "n": measured.count,
    }
