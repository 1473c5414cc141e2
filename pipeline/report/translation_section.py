"""What the report says of runs that translate there and back: cycles, sampling, likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.common.records import (
    ATTRIBUTE,
    CYCLE,
    OUTLINE,
    SAMPLES,
    SAMPLING,
    Measure,
    Method,
)
from pipeline.common.subsets import ALL
from pipeline.evaluate.attributes.attribute_network import ATTRIBUTES, RIGHT, asked, read_card
from pipeline.report.collect import Result
from pipeline.report.findings import ALL_SEEDS
from pipeline.report.markdown_tables import (
    NOTHING,
    code,
    heading,
    listed,
    number,
    percent,
    ranged,
    table,
)

BESIDE = {Method.OTHER: "another person's doodle", Method.REAL: "the true photo"}
"""What stands beside the photos of a run, in words."""


@dataclass(frozen=True)
class TranslationSection:
    """The section; tables are None where nothing was measured."""

    cycles: pd.DataFrame | None
    """A line a run, a column a measure of reconstructions."""
    sampling: pd.DataFrame | None
    samples: int
    """Of each input."""
    likeness: pd.DataFrame | None
    """A line a run and what stands beside it, a column a measure; chance at the end."""
    classifier: str
    """How well the classifier knows real photos, in words."""


def translation_section(
    results: Sequence[Result], numbers: pd.DataFrame
) -> TranslationSection | None:
    """Return the section, if one of the runs was asked.

    Args:
        results: of the report.
        numbers: their `findings.estimates`.
    """
    means = numbers[(numbers["seed"] == ALL_SEEDS) & (numbers["subset"] == str(ALL))]
    cycles, sampled, alike = (
        _measures(results, starts) for starts in ((CYCLE,), (SAMPLING,), (OUTLINE, ATTRIBUTE))
    )
    if not (cycles or sampled or alike):
        return None
    return TranslationSection(
        _a_line_each(results, means, cycles),
        _a_line_each(results, means, sampled),
        SAMPLES,
        _likeness(results, means, alike) if alike else None,
        classifier_words(read_card()) if any(each.name != OUTLINE for each in alike) else "",
    )


def _measures(results: Sequence[Result], starts: tuple[str, ...]) -> list[Measure]:
    """Return the results' different measures whose names begin so."""
    every = {each.name: each for result in results for each in result.control_measures}
    return [each for name, each in every.items() if name.startswith(starts)]


def _a_line_each(
    results: Sequence[Result], means: pd.DataFrame, measures: Sequence[Measure]
) -> pd.DataFrame | None:
    """Return a line for each result that has one of the measures; None if there are none."""
    if not measures:
        return None
    rows = []
    for result in results:
        cells = [_cell(means, result, measure.name) for measure in measures]
        if set(cells) != {NOTHING}:
            rows.append([code(result.name), *cells])
    return table(["run", *map(heading, measures)], rows)


def _likeness(
    results: Sequence[Result], means: pd.DataFrame, measures: Sequence[Measure]
) -> pd.DataFrame:
    rows = []
    for result in results:
        for method, words in ({Method.SYSTEM: "the doodle itself"} | BESIDE).items():
            cells = [_cell(means, result, measure.name, method) for measure in measures]
            if set(cells) != {NOTHING}:
                rows.append([code(result.name), words, *cells])
    chances = [
        number(1 / len(ATTRIBUTES[each.name.removeprefix(ATTRIBUTE)]), each.name)
        if each.name.startswith(ATTRIBUTE)
        else NOTHING
        for each in measures
    ]
    if set(chances) != {NOTHING}:
        rows.append(["chance", NOTHING, *chances])
    return table(["run", "its photos beside", *map(heading, measures)], rows)


def classifier_words(card: Mapping[str, Any]) -> str:
    """Return how often the classifier is right, and which attributes are left out for that.

    Args:
        card: of its weights.
    """
    names = asked(card)
    rates = {
        name: f"{name} {percent(card['accuracy'][name])} "
        f"({percent(card['balanced_accuracy'][name])} balanced)"
        for name in ATTRIBUTES
    }
    left_out = [rates[name] for name in ATTRIBUTES if name not in names]
    text = (
        f"The classifier learned from {card['learned_from']:,} built-in photos of people that no "
        f"data set has; of {card['held_out']:,} others it is right in: "
        f"{listed(rates[name] for name in names)}. *Balanced* is the mean over an attribute's "
        f"values."
    )
    if left_out:
        text += f" What it names rightly in fewer than {percent(RIGHT)} is not asked: "
        text += f"{listed(left_out)}."
    return text


def _cell(means: pd.DataFrame, result: Result, metric: str, method: Method = Method.SYSTEM) -> str:
    own = means[
        (means["run"] == result.run)
        & (means["output"] == result.summary.output)
        & (means["method"] == str(method))
        & (means["metric"] == metric)
    ]
    return ranged(own.iloc[0]) if len(own) else NOTHING
