"""Scores as one long pandas frame: how lines are made, and how values are picked out of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.common.evaluations import ByMeasure, Evaluation
from pipeline.common.records import Method, Origin, Summary
from pipeline.common.subsets import ALL, Subset

NO_VALUES = pd.Series(index=pd.Index([], "str", name="id"), name="value", dtype=float)
"""Of a measure that was not taken."""


def long_frame(
    origin: Origin | Summary,
    method: Method,
    subset: Subset,
    metric: str,
    ids: Sequence[str],
    values: Any,
) -> pd.DataFrame:
    """Return lines of `SCORES`: one measure of some faces.

    Args:
        origin: of the pictures.
        method: that made the pictures.
        subset: of the faces.
        metric: name of the measure.
        ids: of the N faces; [] for one value of the whole subset.
        values: (N,), or one number.
    """
    numbers = np.atleast_1d(np.asarray(values, float))
    names: list[str | None] = [*ids] or [None] * len(numbers)
    return pd.DataFrame(
        {
            "run": origin.run,
            "seed": origin.seed,
            "output": origin.output,
            "method": str(method),
            "subset": str(subset),
            "metric": metric,
            "id": pd.array(names, "str"),
            "value": numbers,
        }
    )


def frame_of_defined(
    origin: Origin, method: Method, metric: str, ids: Sequence[str], values: Any
) -> pd.DataFrame:
    """Return lines as `long_frame` of all faces, without those whose value is NaN.

    Args:
        origin: of the pictures.
        method: that made the pictures.
        metric: name of the measure.
        ids: of the N faces.
        values: (N,).
    """
    defined = ~np.isnan(np.asarray(values, float))
    own = [id for id, has in zip(ids, defined, strict=True) if has]
    return long_frame(origin, method, ALL, metric, own, np.asarray(values)[defined])


def as_resampled(lines: pd.DataFrame) -> pd.DataFrame:
    """Return lines of one measure, a value for each resample, as `RESAMPLED` has them."""
    return lines.drop(columns="id").assign(resample=np.arange(len(lines)))


@dataclass(frozen=True)
class Scores:
    """Lines of `SCORES` and of `RESAMPLED`, where there are any."""

    scores: pd.DataFrame | None
    resampled: pd.DataFrame | None = None


def per_face(
    evaluations: Iterable[Evaluation],
    metric: str,
    method: Method = Method.SYSTEM,
    subset: Subset = ALL,
) -> pd.DataFrame:
    """Values of one measure: a line for each seed, a column for each face of the subset.

    Args:
        evaluations: of one output of one run, one for each seed.
        metric: of level `FACE`, or `RANK`.
        method: whose pictures.
        subset: values that were measured for it, or else selected from those of all faces.

    Returns:
        (S, N) float64, index `seed`, columns in the order of `faces`; empty if not measured.
    """
    lines = {}
    for each in evaluations:
        values, chosen = _select(each.values, metric, method, subset), ALL.mask(each.faces)
        if values.empty:
            values, chosen = _select(each.values, metric, method), subset.mask(each.faces)
        places = values.index.get_indexer(each.faces["id"])[chosen]
        lines[each.summary.seed] = values.iloc[places[places >= 0]]
    return pd.DataFrame(lines).T.rename_axis(index="seed", columns="id")


def per_edit(
    evaluations: Iterable[Evaluation],
    metric: str,
    method: Method = Method.SYSTEM,
    subset: Subset = ALL,
) -> pd.DataFrame:
    """Values of one measure of edits: a line for each seed, a column for each edit.

    Args:
        evaluations: of one output of one run, one for each seed.
        metric: of level `EDIT`.
        method: whose pictures.
        subset: the edits of one group, or of all.

    Returns:
        (S, E) float64, index `seed`, columns the edits' ids, sorted; NaN where a seed has no
        value. Empty if not measured.
    """
    lines = {}
    for each in evaluations:
        groups = each.values.get((method, metric), {})
        chosen = groups.values() if subset == ALL else [groups.get(str(subset), NO_VALUES)]
        lines[each.summary.seed] = pd.concat([NO_VALUES, *chosen])
    return pd.DataFrame(lines).T.sort_index(axis="columns").rename_axis(index="seed", columns="id")


def by_base_face(edits: pd.DataFrame) -> pd.DataFrame:
    """Means of the values of each base face's edits: (S, F), faces without one in a seed left out.

    Args:
        edits: (S, E), as `per_edit` returns them.
    """
    faces = [base_face_of(id) for id in edits.columns]
    return edits.T.groupby(faces, sort=True).mean().T.dropna(axis="columns")


def base_face_of(edit: str) -> str:
    """The base face of an edit's id, FACE/GROUP/VARIANT."""
    return edit.split("/")[0]


def group_of(edit: str) -> str:
    """The group of an edit's id."""
    return edit.split("/")[1]


def pooled(
    evaluations: Iterable[Evaluation],
    metric: str,
    method: Method = Method.SYSTEM,
    subset: Subset = ALL,
) -> pd.Series:
    """Values of one measure of a whole subset: seed -> value; empty if not measured."""
    selected = [_select(each.pooled_values, metric, method, subset) for each in evaluations]
    return pd.concat([values for values in selected if len(values)] or [NO_VALUES])


def resampled(
    evaluations: Iterable[Evaluation],
    metric: str,
    method: Method = Method.SYSTEM,
    subset: Subset = ALL,
) -> pd.DataFrame:
    """A measure on faces drawn again: a line for each seed, a column for each draw (S, R)."""
    lines = {each.summary.seed: _select(each.draws, metric, method, subset) for each in evaluations}
    measured = {seed: values for seed, values in lines.items() if len(values)}
    return pd.DataFrame(measured).T.rename_axis(index="seed", columns="resample")


def _select(lines: ByMeasure, metric: str, method: Method, subset: Subset = ALL) -> pd.Series:
    """Return the values of one measure of one method's pictures, as far as there are any."""
    return lines.get((method, metric), {}).get(str(subset), NO_VALUES)
