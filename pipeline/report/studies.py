"""Studies: sets of runs that stand for the rows of a published table, and what its paper claims.

`studies.json` names them. A claim says that one run is better or worse than others by some
measures; what the runs here say of it follows from the rule of evidence alone: supported where the
difference has the claimed sign and its 95 % interval excludes zero, contradicted where it has the
other sign and excludes zero, else undecided.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.evaluate.layout import MODEL
from pipeline.report.collect import WHOLE, Run
from pipeline.report.statistics import set_verdicts
from sketchface_models.metrics.bootstrap import compare
from sketchface_models.metrics.registry import METRICS

STUDIES = Path(__file__).parent / "studies.json"
STYLE = "style"
"""The measure of whether drawings are in the style that was asked for."""
SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "undecided"
NOT_MEASURED, NOT_RUN, NOT_RANKED = "not measured", "not run", "not ranked"
LEAST_RUNS = 2


@dataclass(frozen=True)
class Row:
    """One published row: the run that stands for it, and its numbers, if any were published."""

    run: str
    name: str
    published: Mapping[str, float]


@dataclass(frozen=True)
class Claim:
    """`ours` is better or worse than each of `theirs`: measure -> better or worse."""

    text: str
    ours: str
    theirs: tuple[str, ...]
    expected: Mapping[str, str]
    part: str
    """Of the test faces, or all."""


@dataclass(frozen=True)
class Study:
    """One published table.

    metrics: published measure -> label, direction, decimals. against: the run that all others are
    set beside where nothing is claimed.
    """

    title: str
    source: str
    data: str
    about: str
    metrics: Mapping[str, tuple[str, str, int]]
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...]
    notes: tuple[str, ...]
    against: str

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Pairs of runs that the study is about, first that of which something is said."""
        claimed = [(claim.ours, other) for claim in self.claims for other in claim.theirs]
        rows = [(row.run, self.against) for row in self.rows if self.against]
        return [pair for pair in dict.fromkeys(claimed + rows) if pair[0] != pair[1]]


def read_studies(path: Path = STUDIES) -> list[Study]:
    """The studies that a report knows of."""
    return [_study(each) for each in json.loads(path.read_text(encoding="utf-8"))]


def studied(study: Study, runs: Iterable[str]) -> bool:
    """Whether enough of a study was run to say something."""
    return len({row.run for row in study.rows} & set(runs)) >= LEAST_RUNS


def verdict(claim: Claim, metric: str, runs: Mapping[str, Run], part: str = "") -> str:
    """What the runs say of one claim by one measure.

    Args:
        claim: of a study.
        metric: one that it names.
        runs: name -> run, of those that were run.
        part: of the test faces; the claim's own if empty.
    """
    if not _measurable(metric, runs.values()):
        return NOT_MEASURED
    wanted = claim.expected[metric]
    words = []
    for other in claim.theirs:
        if claim.ours not in runs or other not in runs:
            words.append(NOT_RUN)
            continue
        found = word(runs[claim.ours], runs[other], metric, part or claim.part)
        if found in ("better", "worse"):
            words.append(SUPPORTED if found == wanted else CONTRADICTED)
        else:
            words.append(found)
    # One counterexample is enough against a claim about several runs; for it, all must speak.
    for decisive in (CONTRADICTED, NOT_RUN, NOT_RANKED, NOT_MEASURED, UNDECIDED):
        if decisive in words:
            return decisive
    return SUPPORTED


def word(ours: Run, theirs: Run, metric: str, part: str = WHOLE) -> str:
    """better, worse, undecided; or why two runs cannot be compared by a measure.

    Args:
        ours: of which it is said.
        theirs: beside which.
        metric: of faces, of sets, or `STYLE`.
        part: `all`, or a style such as `style 1`.
    """
    if not alike(ours, theirs):
        return NOT_RANKED
    if metric == STYLE:
        return _style_word(ours, theirs, part)
    if metric in ours.set_metrics:
        return set_verdicts(ours, MODEL, theirs, MODEL, part).get(metric, NOT_MEASURED)
    chosen = faces_of(ours, part)
    if metric not in ours.metrics or metric not in theirs.metrics or not chosen.any():
        return NOT_MEASURED
    own, others = (run.values(MODEL, metric)[:, chosen] for run in (ours, theirs))
    return compare(own, others, METRICS[metric].direction).verdict


def alike(ours: Run, theirs: Run) -> bool:
    """Whether two runs may be ranked: one protocol, one target, the same faces."""
    return (ours.summary["protocol"], ours.summary["target"], ours.trained[0].ids) == (
        theirs.summary["protocol"],
        theirs.summary["target"],
        theirs.trained[0].ids,
    )


def faces_of(run: Run, part: str) -> np.ndarray:
    """(N,) bool: the test faces of a style, or all."""
    styles = run.trained[0].styles
    return np.array([part in (WHOLE, f"style {style}") for style in styles])


def style_hits(run: Run, part: str = WHOLE) -> np.ndarray | None:
    """(S, N): how often each face came out in the style that was asked for; None if not measured.

    Args:
        run: any.
        part: all styles that were asked for, or one of them.
    """
    tables = []
    for each in run.trained:
        asked = (each.summary.get(STYLE) or {}).get("hits_by_style", {})
        chosen = [hits for style, hits in asked.items() if part in (WHOLE, f"style {style}")]
        if not chosen:
            return None
        tables.append(np.mean(chosen, axis=0))
    return np.stack(tables)


def _style_word(ours: Run, theirs: Run, part: str) -> str:
    own, others = style_hits(ours, part), style_hits(theirs, part)
    if own is None or others is None:
        return NOT_MEASURED
    if _styled(ours) != _styled(theirs):
        return NOT_RANKED
    return compare(own, others, "higher").verdict


def _styled(run: Run) -> list[tuple[list[str], list[str]]]:
    """Which faces were drawn in which styles, seed by seed."""
    told = [each.summary[STYLE] for each in run.trained]
    return [(list(found["hits"]), list(found["hits_by_style"])) for found in told]


def _measurable(metric: str, runs: Iterable[Run]) -> bool:
    return any(
        style_hits(run) is not None if metric == STYLE else metric in run.measures for run in runs
    )


def _study(found: Mapping[str, Any]) -> Study:
    return Study(
        title=found["title"],
        source=found["source"],
        data=found["data"],
        about=found["about"],
        metrics={name: tuple(each) for name, each in found["metrics"].items()},
        rows=tuple(Row(row["run"], row["name"], row.get("published", {})) for row in found["rows"]),
        claims=tuple(_claims(found["claims"])),
        notes=tuple(found["notes"]),
        against=found.get("against", ""),
    )


def _claims(found: Sequence[Mapping[str, Any]]) -> Iterable[Claim]:
    for each in found:
        yield Claim(
            text=each["text"],
            ours=each["ours"],
            theirs=tuple(each["theirs"]),
            expected=each["expected"],
            part=each.get("part", WHOLE),
        )
