"""What may be said of the numbers: estimates, verdicts, which runs have learned, which compare.

Everything is a long pandas frame: `estimates` has a line a seed, method, subset and measure;
`judge` a line a statement. Tables of the report are pivots of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import pandas as pd
import torch

from pipeline.common.evaluations import why_not_comparable
from pipeline.common.records import Level, Measure, Method
from pipeline.common.subsets import ALL, Subset
from pipeline.common.verdicts import (
    LEAST_FACES,
    Sample,
    Scope,
    compare,
    verdicts,
)
from pipeline.report.collect import RANK_MEASURES, Result
from pipeline.report.shares import measured
from sketchface_models.metrics.retrieval import Retrieval

ALL_SEEDS = "all"
STATEMENT = ["ours", "theirs", "subset", "metric"]
"""Columns that tell one statement from another."""


@dataclass(frozen=True)
class Statement:
    """Ours beside theirs by one measure on one subset, still without a verdict."""

    ours: str
    theirs: str
    subset: Subset
    measure: Measure
    samples: tuple[Sample, Sample]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is about, as in the columns `STATEMENT`."""
        return (self.ours, self.theirs, str(self.subset), self.measure.name)


def estimates(result: Result) -> pd.DataFrame:
    """Return every number of a result, with its interval.

    Returns:
        A line a seed, method, subset and metric; seed `all` is the mean over seeds, whose `spread`
        is their standard deviation. `few` marks what was measured on too few faces.
    """
    lines = []
    for method, subset, measure in _measured(result):
        sample = result.sample(measure.name, method, subset)
        if sample is not None:
            lines += list(_lines(result, method, subset, measure, sample))
    return pd.DataFrame(lines)


def _measured(result: Result) -> Iterable[tuple[Method, Subset, Measure]]:
    """Yield what may have been measured: of pictures, then of control."""
    for method in result.methods:
        for subset in result.subsets:
            for measure in (*result.measures, *(RANK_MEASURES if subset == ALL else ())):
                yield method, subset, measure
    for measure in result.training_measures:
        yield Method.SYSTEM, ALL, measure
    for method in (*result.methods, Method.UNTRAINED) if result.control_measures else ():
        for measure in result.control_measures:
            yield method, ALL, measure
    if result.control_measures:
        scores = result.evaluations[0].scores
        pairs = set(zip(scores["method"], scores["subset"], scores["metric"], strict=True))
        for method in (Method.SYSTEM, Method.UNTRAINED):
            for subset in result.measured_subsets:
                for measure in result.every_measure:
                    if (str(method), str(subset), measure.name) in pairs:
                        yield method, subset, measure


def _lines(
    result: Result, method: Method, subset: Subset, measure: Measure, sample: Sample
) -> Iterable[dict[str, Any]]:
    parts = {ALL_SEEDS: sample}
    for row, number in enumerate(result.seeds):
        parts[str(number)] = sample if sample.fixed else sample.of_seed(row)
    for seed, part in parts.items():
        yield {
            "run": result.run,
            "output": result.summary.output,
            "seed": seed,
            "method": str(method),
            "subset": str(subset),
            "metric": measure.name,
            **asdict(measured(part, measure)),
            "direction": str(measure.direction),
            "protocol": result.summary.protocol,
            "few": part.count < measure.least,
        }


def statements(
    ours: Result,
    theirs: Result,
    measures: Sequence[Measure],
    subset: Subset = ALL,
    method: Method = Method.SYSTEM,
) -> list[Statement]:
    """Return a statement for each measure that both sides have.

    Args:
        ours: of which something will be said.
        theirs: beside which; the same result where `method` is a baseline.
        measures: to compare by.
        subset: of the test faces.
        method: theirs.
    """
    other = theirs.name if method is Method.SYSTEM else str(method)
    lines = []
    for measure in measures:
        own, their = _samples(ours, theirs, measure, subset, method)
        if own is not None and their is not None and own.faces.shape[1] == their.faces.shape[1]:
            lines.append(Statement(ours.name, other, subset, measure, (own, their)))
    return lines


def _samples(
    ours: Result, theirs: Result, measure: Measure, subset: Subset, method: Method
) -> tuple[Sample | None, Sample | None]:
    """Return both sides' samples, of the faces or edits of which every training has a value."""
    name = measure.name
    if measure.level is Level.EDIT and method is Method.SYSTEM:
        edits = ours.sample_of_edits(name, subset, theirs)
        return edits, theirs.sample_of_edits(name, subset, ours)
    own, their = ours.sample(name, subset=subset), theirs.sample(name, method, subset)
    if measure.level is not Level.FACE or own is None or their is None:
        return own, their
    tables = ours.faces(name, subset=subset), theirs.faces(name, method, subset)
    shared = tables[0].columns.intersection(tables[1].columns)
    if shared.empty:
        return None, None
    if all(shared.equals(table.columns) for table in tables):
        return own, their
    return (
        Sample.per_face(tables[0][shared], own.fixed),
        Sample.per_face(tables[1][shared], their.fixed),
    )


def judge(claims: Iterable[Statement]) -> pd.DataFrame:
    """Return the verdicts on all statements of one table, with Holm's correction over them.

    Returns:
        A line a different statement: `STATEMENT`, difference, low, high, p, verdict, scope.
    """
    different = {each.key: each for each in claims}
    compared = [
        compare(*each.samples, each.measure.direction, max(LEAST_FACES, each.measure.least))
        for each in different.values()
    ]
    lines = [
        dict(zip(STATEMENT, key, strict=True))
        | {"difference": each.difference, "low": each.interval[0], "high": each.interval[1]}
        | {"p": each.p, "scope": each.scope, "verdict": verdict}
        for key, each, verdict in zip(different, compared, verdicts(compared), strict=True)
    ]
    columns = [*STATEMENT, "difference", "low", "high", "p", "scope", "verdict"]
    return pd.DataFrame(lines, columns=columns)


def against_baselines(result: Result) -> pd.DataFrame:
    """Return what may be said of a result beside its baselines, by every measure."""
    return judge(
        statement
        for method in result.baselines
        for statement in statements(result, result, result.measures, method=method)
    )


def not_learned(result: Result) -> dict[str, list[int]]:
    """Return the reasons to call a system "not learned", and the seeds that they hold for."""
    reasons: dict[str, list[int]] = {}
    for each in result.evaluations:
        for reason in each.summary.not_learned:
            reasons.setdefault(reason, []).append(each.summary.seed)
    return reasons


def chance(result: Result, k: int) -> float:
    """Return how often the own target is among the first k of those that guess."""
    faces = torch.zeros(result.summary.n)
    return Retrieval(faces, result.summary.known_kinds).chance(k)


def groups(results: Sequence[Result]) -> list[list[Result]]:
    """Return the results that may be ranked together: one target, protocol, inputs, faces."""
    alike: list[list[Result]] = []
    for result in results:
        for group in alike:
            if not why_not_comparable(group[0].evaluations[0], result.evaluations[0]):
                group.append(result)
                break
        else:
            alike.append([result])
    return alike


def ranking(group: Sequence[Result]) -> pd.DataFrame:
    """Return what may be said of every pair of a group, by every measure."""
    return judge(
        statement
        for ours, theirs in combinations(group, 2)
        for statement in statements(ours, theirs, ours.measures)
    )


def of_networks(comparisons: pd.DataFrame) -> bool:
    """Whether verdicts speak of these trained networks only, and not of systems."""
    return bool((comparisons["scope"] == Scope.NETWORKS).any())
