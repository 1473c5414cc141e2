"""The section of a study: numbers beside the published ones, verdicts on claims, pairs of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from pipeline.common.records import Level, Measure, Method
from pipeline.common.subsets import ALL, Subset, SubsetKind, subsets
from pipeline.report.collect import Result
from pipeline.report.findings import ALL_SEEDS, of_networks
from pipeline.report.markdown_tables import (
    NOTHING,
    code,
    count,
    grid,
    heading,
    listed,
    plain,
    ranged,
    table,
)
from pipeline.report.studies import (
    FIDELITY,
    Findings,
    Row,
    Study,
    Word,
    compared_pairs,
    read_studies,
    studied,
)
from pipeline.report.training_measures import ARITHMETIC

SEVERAL = "Of runs with several outputs this section shows the one that they were trained for."


@dataclass(frozen=True)
class StudySection:
    """What the report says of one study; texts are Markdown."""

    title: str
    source: str
    about: str
    elsewhere: str
    """Name of the paper's data, where the runs here saw others; else empty."""
    published: bool
    """Whether numbers were published."""
    lacking: str
    """Runs of the study that were not run; empty if all were."""
    numbers: pd.DataFrame
    claims: pd.DataFrame | None
    tally: str
    """How many verdicts of each kind."""
    style_claims: pd.DataFrame | None
    pairs: pd.DataFrame | None
    networks: bool
    """Whether the pairs are of trained networks and not of systems."""
    styles: pd.DataFrame | None
    traits: pd.DataFrame | None
    """Scores by what else is known of the test faces."""
    notes: tuple[str, ...]


def sections(results: Sequence[Result], numbers: pd.DataFrame, data: str) -> list[StudySection]:
    """Return one section for each study of which at least two runs were run.

    Args:
        results: of the report.
        numbers: their `findings.estimates`.
        data: name of the data set.
    """
    by_run = main_outputs(results)
    several = {result.run for result in results if result.name != result.run}
    return [
        _section(study, by_run, several, numbers, data)
        for study in read_studies()
        if studied(study, by_run)
    ]


def main_outputs(results: Sequence[Result]) -> dict[str, Result]:
    """Return the result of each run that its rows in a study show, under the run's own name.

    Of a run with several outputs it is the one of the field that the run was trained for, or the
    first if there is none.
    """
    chosen: dict[str, Result] = {}
    for result in results:
        main = result.summary.target == result.trainings[0].card["model"]["task"]["target"]
        if main or result.run not in chosen:
            chosen[result.run] = replace(result, name=result.run)
    return chosen


def _section(
    study: Study,
    results: Mapping[str, Result],
    several: Collection[str],
    numbers: pd.DataFrame,
    data: str,
) -> StudySection:
    here = {row.run: results[row.run] for row in study.runs if row.run in results}
    outputs = {(run, result.summary.output) for run, result in here.items()}
    measures = _measures(study, here)
    claims, tally = _claims(study, here, measures)
    pairs = compared_pairs(study, here)
    means = numbers[
        (numbers["seed"] == ALL_SEEDS)
        & (numbers["method"] == str(Method.SYSTEM))
        & pd.MultiIndex.from_frame(numbers[["run", "output"]]).isin(outputs)
    ]
    return StudySection(
        title=study.title,
        source=study.source,
        about=study.about,
        elsewhere="" if data == study.data else study.data.upper(),
        published=any(row.published for row in study.rows),
        lacking=listed(code(row.run) for row in study.runs if row.run not in results),
        numbers=_numbers(study, here, means, measures),
        claims=claims,
        tally=tally,
        style_claims=_style_claims(study, here, measures),
        pairs=_pairs(pairs, measures),
        networks=of_networks(pairs),
        styles=_by_subset(study, here, means, measures, _style_subsets(here)),
        traits=_by_subset(study, here, means, measures, _trait_subsets(study, here)),
        notes=(*study.notes, *([SEVERAL] if here.keys() & several else [])),
    )


def _measures(study: Study, results: Mapping[str, Result]) -> list[Measure]:
    """The published measures, by their published labels, then whatever else was measured."""
    claimed = {metric for claim in study.claims for metric in claim.expected}
    measured = {
        m.name: m
        for result in results.values()
        for m in result.every_measure
        if not m.control or m.name in claimed
    }
    published = [
        Measure(name, label, direction, measured[name].level if name in measured else Level.FACE)
        for name, (label, direction, _) in study.metrics.items()
    ]
    rest = [m for name, m in measured.items() if name not in study.metrics]
    unmeasured = FIDELITY.name in claimed and FIDELITY.name not in measured
    return [*published, *rest, *([FIDELITY] if unmeasured else [])]


def _cells(means: pd.DataFrame, run: str, subset: Subset | str) -> dict[str, str]:
    """Metric -> its value with its interval."""
    own = means[(means["run"] == run) & (means["subset"] == str(subset))]
    return {line["metric"]: ranged(line) for _, line in own.iterrows()}


def _numbers(
    study: Study,
    results: Mapping[str, Result],
    means: pd.DataFrame,
    measures: Sequence[Measure],
) -> pd.DataFrame:
    rows = []
    for row in study.rows:
        if row.run in results:
            cells = _cells(means, row.run, ALL)
            lacking = {m.name for m in measures} - {m.name for m in results[row.run].every_measure}
            cells |= {m: str(Word.NOT_MEASURED) for m in lacking & set(study.metrics)}
            rows.append(
                [_label(row), "measured here", *(cells.get(m.name, NOTHING) for m in measures)]
            )
        if row.published:
            cells = {m: f"{v:.{study.metrics[m][2]}f}" for m, v in row.published.items()}
            rows.append(
                [plain(row.name), "published", *(cells.get(m.name, NOTHING) for m in measures)]
            )
    return table(["", "origin", *map(heading, measures)], rows)


def _label(row: Row) -> str:
    return f"{plain(row.name)} ({code(row.run)})"


def _claims(
    study: Study, results: Mapping[str, Result], measures: Sequence[Measure]
) -> tuple[pd.DataFrame | None, str]:
    """A line for each claim, a column for each measure that claims name; and the tally.

    Statements about arithmetic, which settings decide and no training, are counted by themselves.
    """
    findings = Findings(study.claims, results)
    named = {metric for claim in study.claims for metric in claim.expected}
    columns = [measure for measure in measures if measure.name in named]
    rows, tally, arithmetic = [], Counter[Word](), Counter[Word]()
    for claim in study.claims:
        words = {metric: findings.word(claim, metric) for metric in claim.expected}
        tally.update(word for metric, word in words.items() if metric != ARITHMETIC)
        arithmetic.update(word for metric, word in words.items() if metric == ARITHMETIC)
        beside = f"{code(claim.ours)} beside {listed(map(code, claim.theirs))}"
        rows.append([plain(claim.text), beside, *(words.get(m.name, NOTHING) for m in columns)])
    if not rows:
        return None, ""
    total = count(tally.total(), "statement about one measure", "statements about one measure")
    text = f"Of {total}: {_kinds(tally)}."
    if arithmetic:
        text += f" About arithmetic, which settings alone decide: {_kinds(arithmetic)}."
    head = ["the paper says", "runs", *map(heading, columns)]
    return table(head, rows), text


def _kinds(tally: Counter[Word]) -> str:
    """How many statements got each word: `2 supported, 1 undecided`."""
    return listed(f"{tally[word]} {word}" for word in Word if tally[word])


def _style_claims(
    study: Study, results: Mapping[str, Result], measures: Sequence[Measure]
) -> pd.DataFrame | None:
    """The same for the faces of each style, all one family, where something can be said."""
    styles = list(_style_subsets(results))
    claims = [each for each in study.claims if each.subset == str(ALL) and each.ours in results]
    findings = Findings(claims, results, styles)
    rows = []
    for claim in claims:
        for measure in measures:
            if measure.name in claim.expected:
                words = [findings.word(claim, measure.name, style) for style in styles]
                if set(words) - {Word.NOT_MEASURED, Word.FEW_SEEDS}:
                    rows.append([plain(claim.text), heading(measure), *words])
    if not rows or len(styles) < 2:
        return None
    return table(["the paper says", "by", *styles], rows)


def _style_subsets(results: Mapping[str, Result]) -> dict[str, str]:
    """Name of each style's subset -> itself."""
    known = {each for result in results.values() for each in result.subsets}
    return {name: name for name in sorted(str(s) for s in known if s.kind is SubsetKind.STYLE)}


def _trait_subsets(study: Study, results: Mapping[str, Result]) -> dict[str, str]:
    """Name of each subset of a trait -> the same with its number of faces."""
    faces = next(iter(results.values())).evaluations[0].faces
    return {
        str(subset): f"{subset} ({int(subset.mask(faces).sum()):,})"
        for subset in (subsets(faces) if study.traits else [])
        if subset.kind is SubsetKind.TRAIT
    }


def _pairs(comparisons: pd.DataFrame, measures: Sequence[Measure]) -> pd.DataFrame | None:
    """Every pair of the study by every measure."""
    if comparisons.empty:
        return None
    pairs = comparisons["ours"].map(code) + " … than " + comparisons["theirs"].map(code)
    known = [measure for measure in measures if measure.name in set(comparisons["metric"])]
    return grid(comparisons.assign(pair=pairs), "pair", "verdict", known)


def _by_subset(
    study: Study,
    results: Mapping[str, Result],
    means: pd.DataFrame,
    measures: Sequence[Measure],
    names: Mapping[str, str],
) -> pd.DataFrame | None:
    """What was measured on several subsets, one after the other; `names` gives each its words."""
    known = [measure for measure in measures if measure.name in set(means["metric"])]
    rows = []
    for subset, name in names.items():
        for row in study.runs:
            cells = _cells(means, row.run, subset) if row.run in results else {}
            if cells:
                rows.append([name, _label(row), *(cells.get(m.name, NOTHING) for m in known)])
    return table(["test faces", "", *map(heading, known)], rows) if rows else None
