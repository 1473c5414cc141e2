"""What may be said of the numbers: intervals, verdicts and comparisons over images and seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from tqdm import tqdm

from pipeline.evaluate.layout import MODEL
from pipeline.report.collect import RANK, WHOLE, Run, Trained
from sketchface_models.metrics.bootstrap import Interval, compare, mean_interval
from sketchface_models.metrics.registry import METRICS
from sketchface_models.metrics.sets import compare_sets, set_interval

UNSHARED = "without shared photos"
RANKS = (1, 5)
ALL_SEEDS = "all"

Measured = Mapping[str, Mapping[str, Mapping[str, Interval]]]
"""Row -> part -> metric -> interval."""


@dataclass(frozen=True)
class Score:
    """One number of `scores.csv`: seed `all` is the mean over seeds."""

    run: str
    seed: str
    row: str
    part: str
    metric: str
    interval: Interval


@dataclass(frozen=True)
class Findings:
    """What a run's table says.

    pooled: intervals over images and seeds. hits: row -> k -> part of the
    results whose own target is among the first k, mean over seeds. verdicts: trivial row -> metric
    -> better, worse or undecided. parts: name -> number of faces. not_learned: reason -> seeds.
    """

    pooled: Measured
    hits: dict[str, dict[int, float]]
    verdicts: dict[str, dict[str, str]]
    parts: dict[str, int]
    not_learned: dict[str, list[int]]


@dataclass(frozen=True)
class Pair:
    """Run `ours` against run `theirs`: metric -> better, worse or undecided (of `ours`)."""

    ours: str
    theirs: str
    verdicts: Mapping[str, str]


@dataclass(frozen=True)
class Group:
    """Runs that may be ranked: one protocol, one target, the same test faces."""

    protocol: str
    target: str
    runs: tuple[str, ...]
    pairs: tuple[Pair, ...]


def findings(run: Run, shared: frozenset[str]) -> Findings:
    """All statistics of one run.

    Args:
        run: to look at.
        shared: ids of test faces whose photo also stands in train.
    """
    masks = {part: _mask(part, run.trained[0], shared) for part in run.summary["parts"]}
    pooled = {
        row: {
            part: {metric: _pooled(run, row, metric, part, mask) for metric in run.metrics}
            | _pooled_sets(run, row, part)
            for part, mask in masks.items()
        }
        for row in run.rows
    }
    hits = {row: {k: float((run.values(row, RANK) <= k).mean()) for k in RANKS} for row in run.rows}
    verdicts = {
        row: {metric: _verdict(run, row, metric) for metric in run.metrics}
        | set_verdicts(run, MODEL, run, row)
        for row in run.rows
        if row != MODEL
    }
    reasons: dict[str, list[int]] = {}
    for each in run.trained:
        for reason in each.summary["not_learned"]:
            reasons.setdefault(reason, []).append(each.seed)
    return Findings(
        pooled, hits, verdicts, {part: int(mask.sum()) for part, mask in masks.items()}, reasons
    )


def scores(run: Run, found: Findings) -> Iterator[Score]:
    """Every number of a run: each seed's as `evaluate` measured it, then the mean over seeds."""
    for each in run.trained:
        measured = {
            row: {
                part: {metric: Interval(**ends) for metric, ends in metrics.items()}
                for part, metrics in parts.items()
            }
            for row, parts in each.summary["scores"].items()
        }
        ranks = {row: values[RANK] for row, values in each.scores.items()}
        yield from _scores(run, str(each.seed), measured, ranks)
    ranks = {row: run.values(row, RANK) for row in run.rows}
    yield from _scores(run, ALL_SEEDS, found.pooled, ranks)


def groups(runs: Sequence[Run]) -> list[Group]:
    """Runs that may be ranked, with every pair of each group compared, metric by metric."""
    alike: dict[tuple[str, str, tuple[str, ...]], list[Run]] = {}
    for run in runs:
        key = (run.summary["protocol"], run.summary["target"], run.trained[0].ids)
        alike.setdefault(key, []).append(run)
    total = sum(len(members) * (len(members) - 1) // 2 for members in alike.values())
    with tqdm(total=total, desc="compare", unit="pair", disable=None) as bar:
        found = []
        for (protocol, target, _), members in alike.items():
            pairs = []
            for ours, theirs in combinations(members, 2):
                pairs.append(_pair(ours, theirs))
                bar.update()
            names = tuple(run.name for run in members)
            found.append(Group(protocol, target, names, tuple(pairs)))
    return found


def _scores(
    run: Run, seed: str, measured: Measured, ranks: Mapping[str, np.ndarray]
) -> Iterator[Score]:
    for row in run.rows:
        for part, metrics in measured[row].items():
            for metric, interval in metrics.items():
                yield Score(run.name, seed, row, part, metric, interval)
        for k in RANKS:
            yield Score(run.name, seed, row, WHOLE, f"rank_{k}", mean_interval(ranks[row] <= k))


def _pair(ours: Run, theirs: Run) -> Pair:
    verdicts = {
        metric: compare(
            ours.values(MODEL, metric), theirs.values(MODEL, metric), METRICS[metric].direction
        ).verdict
        for metric in ours.metrics
    } | set_verdicts(ours, MODEL, theirs, MODEL)
    return Pair(ours.name, theirs.name, verdicts)


def _pooled(run: Run, row: str, metric: str, part: str, mask: np.ndarray) -> Interval:
    # What `evaluate` has measured is not measured again: one seed, or the same for every seed.
    measured = [each.summary["scores"][row][part][metric] for each in run.trained]
    if all(ends == measured[0] for ends in measured):
        return Interval(**measured[0])
    return mean_interval(run.values(row, metric)[:, mask])


def _pooled_sets(run: Run, row: str, part: str) -> dict[str, Interval]:
    scores = {metric: run.set_scores(row, metric, part) for metric in run.set_metrics}
    return {metric: set_interval(found) for metric, found in scores.items() if found}


def set_verdicts(ours: Run, row: str, theirs: Run, other: str, part: str = WHOLE) -> dict[str, str]:
    """What may be said of a row of one run beside a row of another, as sets: metric -> word."""
    found: dict[str, str] = {}
    for metric in ours.set_metrics:
        own, others = ours.set_scores(row, metric, part), theirs.set_scores(other, metric, part)
        if own and others:
            found[metric] = compare_sets(metric, own, others).verdict
    return found


def _verdict(run: Run, row: str, metric: str) -> str:
    if len(run.trained) == 1:
        return str(run.summary["verdicts"][row][metric])
    ours, theirs = run.values(MODEL, metric), run.values(row, metric)
    return compare(ours, theirs, METRICS[metric].direction).verdict


def _mask(part: str, trained: Trained, shared: frozenset[str]) -> np.ndarray:
    """(N,) bool: which faces belong to a part that `evaluate` names."""
    if part == WHOLE:
        return np.ones(len(trained.ids), bool)
    if part == UNSHARED:
        return np.array([id not in shared for id in trained.ids])
    return np.array([f"style {style}" == part for style in trained.styles])
