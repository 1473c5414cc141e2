"""From one value a face to statements: means, intervals, retrieval, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from pipeline.evaluate.layout import MODEL, TRIVIAL
from sketchface_models.metrics.bootstrap import compare, mean_interval
from sketchface_models.metrics.registry import METRICS
from sketchface_models.metrics.retrieval import Retrieval


def parts_of(styles: list[int | None], ids: list[str], shared: list[str]) -> dict[str, np.ndarray]:
    """Name -> (N,) bool: all faces, those of each style, those without shared photos."""
    parts = {"all": np.ones(len(ids), bool)}
    for style in sorted({style for style in styles if style is not None}):
        parts[f"style {style}"] = np.array([each == style for each in styles])
    if set(ids) & set(shared):
        parts["without shared photos"] = np.array([id not in set(shared) for id in ids])
    return parts


def summarise(
    scores: dict[str, dict[str, np.ndarray]],
    styles: list[int | None],
    ids: list[str],
    shared: list[str],
    seed: int,
    told: int = 1,
) -> dict[str, Any]:
    """Means with intervals overall, by style and without shared photos; verdicts.

    Args:
        scores: row -> metric (and `rank`) -> (N,) values.
        styles: of the N faces.
        ids: of the N faces.
        shared: ids of test faces whose photo also stands in train.
        seed: of the bootstrap.
        told: kinds of targets of which the system was told each face's own, see `Retrieval`.
    """
    parts = parts_of(styles, ids, shared)
    metrics = [name for name in scores[MODEL] if name != "rank"]
    rows = {
        row: {
            part: {name: asdict(mean_interval(values[name][chosen], seed)) for name in metrics}
            for part, chosen in parts.items()
        }
        for row, values in scores.items()
    }
    retrieval = {
        row: {f"rank_{k}": float((values["rank"] <= k).mean()) for k in (1, 5)}
        for row, values in scores.items()
    }
    verdicts = {
        row: {
            name: compare(scores[MODEL][name], values[name], METRICS[name].direction, seed).verdict
            for name in metrics
        }
        for row, values in scores.items()
        if row != MODEL
    }
    own = Retrieval(torch.from_numpy(scores[MODEL]["rank"]), told)
    chance = {f"rank_{k}": own.chance(k) for k in (1, 5)}
    return {
        "scores": rows,
        "parts": {part: int(chosen.sum()) for part, chosen in parts.items()},
        "retrieval": retrieval,
        "chance": chance,
        "verdicts": verdicts,
        "not_learned": why_not_learned(verdicts, scores[MODEL]["rank"], told),
    }


def why_not_learned(
    verdicts: Mapping[str, Mapping[str, str]], ranks: np.ndarray, told: int = 1
) -> list[str]:
    """Reasons to call a system "not learned"; [] when it has learned (design, Evidence)."""
    reasons = [
        f"not better than {TRIVIAL[row]} on any metric"
        for row, found in verdicts.items()
        if "better" not in found.values()
    ]
    if Retrieval(torch.from_numpy(ranks), told).at_chance(5):
        reasons.append("finds the right target no more often than chance")
    return reasons
