"""The section of a study: numbers beside the published ones, verdicts on claims, pairs of runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipeline.evaluate.layout import MODEL
from pipeline.report.collect import WHOLE, Run
from pipeline.report.statistics import Findings, Group
from pipeline.report.studies import (
    CONTRADICTED,
    NOT_MEASURED,
    NOT_RANKED,
    NOT_RUN,
    STYLE,
    SUPPORTED,
    UNDECIDED,
    Row,
    Study,
    read_studies,
    studied,
    style_hits,
    verdict,
    word,
)
from pipeline.report.tables import (
    ARROWS,
    FIXED,
    MEASURES,
    NOTHING,
    Table,
    code,
    count,
    heading,
    listed,
    plain,
    ranged,
    table,
)
from sketchface_models.metrics.bootstrap import Interval, mean_interval

FLIPPED = {"better": "worse", "worse": "better"}
WORDS = (SUPPORTED, CONTRADICTED, UNDECIDED, NOT_MEASURED, NOT_RUN, NOT_RANKED)


@dataclass(frozen=True)
class StudySection:
    """What the report says of one study; texts are Markdown."""

    title: str
    source: str
    about: str
    elsewhere: str
    """Name of the data of the published numbers, where the runs here saw others; else empty."""
    lacking: str
    """Runs of the study that were not run; empty if all were."""
    numbers: Table
    claims: Table | None
    tally: str
    """How many verdicts of each kind."""
    unmeasured: str
    """Published measures that nothing here measures."""
    style_claims: Table | None
    pairs: Table | None
    styles: Table | None
    notes: tuple[str, ...]


def sections(
    runs: Sequence[Run], found: Mapping[str, Findings], groups: Sequence[Group], data: str
) -> list[StudySection]:
    """One for each study of which at least two runs were run.

    Args:
        runs: of the report.
        found: run -> its statistics.
        groups: with every pair of runs that may be ranked.
        data: name of the data set.
    """
    named = {run.name: run for run in runs}
    return [
        _section(study, named, found, groups, data)
        for study in read_studies()
        if studied(study, named)
    ]


def _section(
    study: Study,
    runs: Mapping[str, Run],
    found: Mapping[str, Findings],
    groups: Sequence[Group],
    data: str,
) -> StudySection:
    here = {row.run: runs[row.run] for row in study.rows if row.run in runs}
    claims, tally = _claims(study, here)
    return StudySection(
        title=study.title,
        source=study.source,
        about=study.about,
        elsewhere="" if data == study.data else study.data.upper(),
        lacking=listed(code(row.run) for row in study.rows if row.run not in runs),
        numbers=_numbers(study, here, found),
        claims=claims,
        tally=tally,
        unmeasured=" and ".join(
            label for name, (label, _, _) in study.metrics.items() if name not in MEASURES
        ),
        style_claims=_style_claims(study, here),
        pairs=_pairs(study, here, groups),
        styles=_styles(study, here, found),
        notes=study.notes,
    )


def _columns(study: Study, runs: Mapping[str, Run]) -> list[str]:
    """The published measures, then whatever else was measured."""
    measured = {metric for run in runs.values() for metric in run.measures}
    rest = [m for m in MEASURES if m in measured and m not in study.metrics]
    if any(style_hits(run) is not None for run in runs.values()):
        rest.append(STYLE)
    return [*study.metrics, *rest]


def _heading(study: Study, metric: str) -> str:
    if metric == STYLE:
        return f"style fidelity{FIXED}{ARROWS['higher']}"
    if metric in study.metrics:
        label, direction, _ = study.metrics[metric]
        return f"{label}{FIXED}{ARROWS[direction]}"
    return heading(metric)


def _cell(metric: str, run: Run, means: Mapping[str, Interval], part: str) -> str:
    if metric == STYLE:
        hits = style_hits(run, part)
        return NOTHING if hits is None else ranged(mean_interval(hits), metric)
    if metric in means:
        return ranged(means[metric], metric)
    return NOTHING if metric in MEASURES else NOT_MEASURED


def _numbers(study: Study, runs: Mapping[str, Run], found: Mapping[str, Findings]) -> Table:
    columns = _columns(study, runs)
    rows = []
    for row in study.rows:
        if row.run in runs:
            means = found[row.run].pooled[MODEL][WHOLE]
            cells = [_cell(metric, runs[row.run], means, WHOLE) for metric in columns]
            rows.append([_named(row), "measured here", *cells])
        if row.published:
            rows.append([plain(row.name), "published", *_published(study, row, columns)])
    return table(["", "origin", *(_heading(study, metric) for metric in columns)], rows)


def _published(study: Study, row: Row, columns: Sequence[str]) -> list[str]:
    return [
        f"{row.published[metric]:.{study.metrics[metric][2]}f}"
        if metric in row.published
        else NOTHING
        for metric in columns
    ]


def _named(row: Row) -> str:
    return f"{plain(row.name)} ({code(row.run)})"


def _claims(study: Study, runs: Mapping[str, Run]) -> tuple[Table | None, str]:
    """A line for each claim, a column for each measure that claims name; and the tally."""
    metrics = _claimed(study)
    rows, said = [], Counter[str]()
    for claim in study.claims:
        words = {metric: verdict(claim, metric, runs) for metric in claim.expected}
        said.update(words.values())
        beside = f"{code(claim.ours)} beside {listed(map(code, claim.theirs))}"
        rows.append(
            [plain(claim.text), beside, *(words.get(metric, NOTHING) for metric in metrics)]
        )
    if not rows:
        return None, ""
    head = ["the paper says", "runs", *(_heading(study, metric) for metric in metrics)]
    kinds = listed(f"{said[kind]} {kind}" for kind in WORDS if said[kind])
    statements = count(said.total(), "statement about one measure", "statements about one measure")
    return table(head, rows), f"Of {statements}: {kinds}."


def _claimed(study: Study) -> list[str]:
    named = [metric for claim in study.claims for metric in claim.expected]
    order = [*study.metrics, *MEASURES, STYLE]
    return sorted(dict.fromkeys(named), key=order.index)


def _style_claims(study: Study, runs: Mapping[str, Run]) -> Table | None:
    """The same for the faces of each style, where something was measured."""
    styles = sorted({s for run in runs.values() for s in run.trained[0].styles if s is not None})
    rows = []
    for claim in study.claims:
        metrics = [m for m in claim.expected if verdict(claim, m, runs) != NOT_MEASURED]
        if claim.part != WHOLE or claim.ours not in runs:
            continue
        for metric in metrics:
            words = [verdict(claim, metric, runs, f"style {style}") for style in styles]
            rows.append([plain(claim.text), _heading(study, metric), *words])
    if not rows or len(styles) < 2:
        return None
    return table(["the paper says", "by", *(f"style {style}" for style in styles)], rows)


def _pairs(study: Study, runs: Mapping[str, Run], groups: Sequence[Group]) -> Table | None:
    """Every pair of the study by every measure."""
    known = {(p.ours, p.theirs): p.verdicts for group in groups for p in group.pairs}
    columns = [metric for metric in _columns(study, runs) if metric in (*MEASURES, STYLE)]
    rows = []
    for ours, theirs in study.pairs:
        if ours in runs and theirs in runs:
            words = dict(known.get((ours, theirs), {}))
            turned = known.get((theirs, ours), {})
            words |= {metric: FLIPPED.get(said, said) for metric, said in turned.items()}
            rows.append(
                [
                    f"{code(ours)} … than {code(theirs)}",
                    *(words.get(m) or word(runs[ours], runs[theirs], m) for m in columns),
                ]
            )
    if not rows:
        return None
    return table(["", *(_heading(study, metric) for metric in columns)], rows)


def _styles(study: Study, runs: Mapping[str, Run], found: Mapping[str, Findings]) -> Table | None:
    """What was measured, style by style."""
    columns = [metric for metric in _columns(study, runs) if metric in (*MEASURES, STYLE)]
    parts = [p for name in runs for p in found[name].parts if p.startswith("style ")]
    rows = [
        [
            part,
            _named(row),
            *(_cell(m, runs[row.run], found[row.run].pooled[MODEL][part], part) for m in columns),
        ]
        for part in sorted(set(parts))
        for row in study.rows
        if row.run in runs and part in found[row.run].pooled[MODEL]
    ]
    if not rows:
        return None
    return table(["test faces", "", *(_heading(study, metric) for metric in columns)], rows)
