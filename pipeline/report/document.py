"""Everything the templates need: the tables and phrases of one report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.records import BASELINES, Kind, Level, Measure, Method, NotMeasured
from pipeline.common.subsets import ALL
from pipeline.common.verdicts import LEAST_SEEDS, Verdict
from pipeline.report.collect import RANK_MEASURES, RANKS, Data, Result
from pipeline.report.control_section import ControlSection, control_section
from pipeline.report.findings import (
    ALL_SEEDS,
    against_baselines,
    groups,
    not_learned,
    of_networks,
    ranking,
)
from pipeline.report.markdown_tables import (
    ARROWS,
    FIXED,
    NOTHING,
    brief,
    code,
    grid,
    heading,
    listed,
    percent,
    plain,
    ranged,
    table,
)
from pipeline.report.sections import Section, label, mapping, sections
from pipeline.report.studies import Word
from pipeline.report.study_tables import StudySection
from pipeline.report.study_tables import sections as study_sections
from pipeline.report.style_section import Styles, styles
from pipeline.report.translation_section import TranslationSection, translation_section
from sketchface_models.metrics.registry import METRICS, SET_METRICS

PUBLISHED = Path(__file__).parent / "published.json"
MOST_REASONS = 12
EXPLAINED = {
    **{name: metric.explanation for name, metric in (METRICS | SET_METRICS).items()},
    "accuracy": "part of all pixels that are given their own class",
    "mean_iou": "overlap of each class's area with the true one, divided by the area of both "
    "together; mean over the classes that the truth has, so that a necklace counts as much as skin",
}
"""Measure -> what it means, for readers who do not know it."""


@dataclass(frozen=True)
class Overview:
    """All results of one kind at a glance."""

    kind: Kind
    table: pd.DataFrame


@dataclass(frozen=True)
class Comparison:
    """A group of runs that may be ranked, with its table; None for a run that stands alone."""

    names: tuple[str, ...]
    protocol: str
    inputs: str
    target: str
    table: pd.DataFrame | None
    networks: bool
    """Whether the verdicts are on these trained networks and not on systems."""


@dataclass(frozen=True)
class Published:
    """Numbers of others beside ours."""

    source: str
    protocol: str
    table: pd.DataFrame


@dataclass(frozen=True)
class Document:
    """One report."""

    data: Mapping[str, Any]
    faces: pd.DataFrame
    fields: str
    left_out: pd.DataFrame | None
    located: int
    photos: int
    overviews: tuple[Overview, ...]
    explained: tuple[tuple[str, str], ...]
    baselines: str
    """The baselines that there are, in words; empty if there are none."""
    sets: bool
    """Whether distances between sets were measured."""
    pooled: bool
    """Whether something was measured over all pixels together."""
    retrieved: bool
    """Whether targets were ranked by likeness."""
    seeds: int
    enough_seeds: bool
    """Whether there are seeds enough to speak of systems."""
    least_seeds: int
    runs: int
    """Runs, each once, however many outputs it has."""
    sections: tuple[Section, ...]
    comparisons: tuple[Comparison, ...]
    studies: tuple[StudySection, ...]
    styles: Styles | None
    control: ControlSection | None
    translation: TranslationSection | None
    published: tuple[Published, ...]
    not_measured: tuple[NotMeasured, ...]


def document(data: Data, results: Sequence[Result], numbers: pd.DataFrame) -> Document:
    """Gather the whole report.

    Args:
        data: the data set.
        results: in the order of the report.
        numbers: their `findings.estimates`.
    """
    measures = measures_of(results)
    name = str(data.about["name"])
    means = numbers[(numbers["seed"] == ALL_SEEDS) & (numbers["subset"] == str(ALL))]
    own = means[means["method"] == str(Method.SYSTEM)]
    known = [method for method in BASELINES if any(method in each.methods for each in results)]
    seeds = len(results[0].seeds)
    return Document(
        data=data.about,
        faces=_faces(data.about),
        fields=listed(f"{name} ({n:,})" for name, n in data.about.get("fields", {}).items()),
        left_out=_left_out(data),
        located=data.located,
        photos=data.about.get("fields", {}).get("photo", 0),
        overviews=tuple(_overviews(results, own)),
        explained=tuple((m.label, EXPLAINED[m.name]) for m in measures if EXPLAINED.get(m.name)),
        baselines=listed(BASELINES[method] for method in known),
        sets=any(measure.level is Level.SET for measure in measures),
        pooled=any(measure.level is Level.POOLED for measure in measures),
        retrieved=any(result.retrieved for result in results),
        seeds=seeds,
        enough_seeds=seeds >= LEAST_SEEDS,
        least_seeds=LEAST_SEEDS,
        runs=len({result.run for result in results}),
        sections=tuple(sections(results, numbers)),
        comparisons=tuple(_comparison(group) for group in groups(results)),
        studies=tuple(study_sections(results, numbers, name)),
        styles=styles(results),
        control=control_section(results, numbers),
        translation=translation_section(results, numbers),
        published=tuple(_published(name, results, own)),
        not_measured=_not_measured(results),
    )


def measures_of(results: Sequence[Result]) -> list[Measure]:
    """Return everything that was measured of any result, in table order."""
    return list({m.name: m for result in results for m in result.measures}.values())


def _not_measured(results: Sequence[Result]) -> tuple[NotMeasured, ...]:
    lacking = {each.name: each for r in results for each in r.summary.not_measured}
    return tuple(lacking.values())


def _faces(about: Mapping[str, Any]) -> pd.DataFrame:
    rows = [("offered", about["offered"]), ("left out", about["quarantined"])]
    rows += [(f"used: {split}", faces) for split, faces in about["splits"].items()]
    rows += [(f"style {style}", faces) for style, faces in about.get("styles", {}).items()]
    rows += [(f"source {plain(name)}", n) for name, n in about.get("sources", {}).items()]
    return table(("", "faces"), [(name, f"{faces:,}") for name, faces in rows])


def _left_out(data: Data) -> pd.DataFrame | None:
    if not data.left_out:
        return None
    shown = [(plain(why), stage, f"{n:,}") for stage, why, n in data.left_out[:MOST_REASONS]]
    rest = data.left_out[MOST_REASONS:]
    if rest:
        shown.append((f"{len(rest)} other reasons", NOTHING, f"{sum(n for *_, n in rest):,}"))
    return table(("reason", "stage", "faces"), shown)


def _overviews(results: Sequence[Result], means: pd.DataFrame) -> Iterator[Overview]:
    """A table for each kind of output."""
    for kind in Kind:
        alike = [result for result in results if result.summary.kind is kind]
        if alike:
            yield Overview(kind, _overview(alike, means))


def _overview(results: Sequence[Result], means: pd.DataFrame) -> pd.DataFrame:
    measures = measures_of(results)
    ranks = RANK_MEASURES[:1] if any(result.retrieved for result in results) else ()
    head = ["run", "maps", "learned", "better than baselines"]
    rows = []
    for result in results:
        cells = _cells(result, means)
        rows.append(
            [
                code(result.name),
                mapping(result),
                _learned(result),
                _better(result),
                *(cells.get(measure.name, NOTHING) for measure in (*measures, *ranks)),
                code(result.summary.protocol),
            ]
        )
    return table([*head, *map(heading, (*measures, *ranks)), "protocol"], rows)


def _learned(result: Result) -> str:
    if not result.partners:
        return "not asked"
    return "**no**" if not_learned(result) else "yes"


def _cells(result: Result, means: pd.DataFrame) -> dict[str, str]:
    """Metric -> the system's value, without its interval."""
    own = means[(means["run"] == result.run) & (means["output"] == result.summary.output)]
    return {
        line["metric"]: percent(line["mean"]) if line["metric"] in RANKS else brief(line)
        for _, line in own.iterrows()
    }


def _better(result: Result) -> str:
    comparisons = against_baselines(result)
    comparisons = comparisons[comparisons["theirs"] != str(Method.REAL)]
    if comparisons.empty:
        return NOTHING
    return f"{(comparisons['verdict'] == Verdict.BETTER).sum()} of {len(comparisons)} times"


def _comparison(group: Sequence[Result]) -> Comparison:
    first = group[0].summary
    comparisons = ranking(group)
    pairs_table = None
    if len(comparisons):
        labels = {result.name: label(result) for result in group}
        pairs = comparisons["ours"].map(labels) + " … than " + comparisons["theirs"].map(labels)
        pairs_table = grid(comparisons.assign(pair=pairs), "pair", "verdict", group[0].measures)
    return Comparison(
        tuple(result.name for result in group),
        first.protocol,
        listed(first.inputs),
        first.target,
        pairs_table,
        of_networks(comparisons),
    )


def _published(data: str, results: Sequence[Result], means: pd.DataFrame) -> Iterator[Published]:
    """Numbers that others published for the same data and target, beside the measured ones."""
    for target, block in json.loads(PUBLISHED.read_text(encoding="utf-8")).get(data, {}).items():
        ours = [result for result in results if result.summary.target == target]
        if ours:
            rows = [*_measured_rows(ours, block, means), *_published_rows(block)]
            heads = [f"{name}{FIXED}{ARROWS[end]}" for name, end, _ in block["metrics"].values()]
            numbers = table(["system", "origin", *heads], rows)
            yield Published(block["source"], block["protocol"], numbers)


def _measured_rows(
    results: Sequence[Result], block: Mapping[str, Any], means: pd.DataFrame
) -> Iterator[list[str]]:
    for result in results:
        own = means[(means["run"] == result.run) & (means["output"] == result.summary.output)]
        cells = {line["metric"]: ranged(line) for _, line in own.iterrows()}
        origin = f"measured here, {code(result.summary.protocol)}"
        yield [
            label(result),
            origin,
            *(cells.get(metric, str(Word.NOT_MEASURED)) for metric in block["metrics"]),
        ]


def _published_rows(block: Mapping[str, Any]) -> Iterator[list[str]]:
    for method, values in block["rows"]:
        cells = [f"{values[m]:.{places}f}" for m, (_, _, places) in block["metrics"].items()]
        yield [method, "published", *cells]
