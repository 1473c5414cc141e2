"""Studies: sets of runs that stand for the rows of a published table, and what its paper claims.

`studies.json` names them. A claim says that one run is better or worse than others by some
measures. It speaks of systems, so it takes at least three seeds of each; then it is supported
where the verdict is the claimed one, contradicted where it is the opposite, else undecided. All
statements of a study's claims are one family for Holm's correction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.evaluations import why_not_comparable
from pipeline.common.records import STYLE_FIDELITY, Measure
from pipeline.common.subsets import ALL
from pipeline.common.verdicts import Verdict
from pipeline.report.collect import Result
from pipeline.report.findings import STATEMENT, Statement, judge, statements
from sketchface_models.metrics.registry import Direction

STUDIES = Path(__file__).parent / "studies.json"
LEAST_RUNS = 2
FIDELITY = Measure(STYLE_FIDELITY, "style fidelity", Direction.HIGHER)
"""How often what was generated is taken for the style that was asked for."""


class Word(StrEnum):
    """What the runs here say of a claim by one measure."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"
    FEW_SEEDS = "too few seeds"
    NOT_MEASURED = "not measured"
    NOT_RUN = "not run"
    NOT_RANKED = "not ranked"


DECISIVE = (
    Word.CONTRADICTED,
    Word.NOT_RUN,
    Word.NOT_RANKED,
    Word.NOT_MEASURED,
    Word.FEW_SEEDS,
    Word.UNDECIDED,
)
"""One counterexample is enough against a claim about several runs; for it, all must speak."""


@dataclass(frozen=True)
class Row:
    """One published row: the run that stands for it, and its numbers, if any were published.

    run: empty where nothing here stands for it.
    """

    run: str
    name: str
    published: Mapping[str, float]


@dataclass(frozen=True)
class Claim:
    """`ours` is better or worse than each of `theirs`: measure -> which of them."""

    text: str
    ours: str
    theirs: tuple[str, ...]
    expected: Mapping[str, Verdict]
    subset: str = str(ALL)
    """Name of a `Subset`."""

    def statements(self, subset: str = "") -> Iterable[tuple[str, str, str, str]]:
        """Yield what it states of single pairs and measures, as `findings.STATEMENT` says it."""
        for other in self.theirs:
            for metric in self.expected:
                yield self.ours, other, subset or self.subset, metric


@dataclass(frozen=True)
class Study:
    """One published table.

    metrics: published measure -> label, direction, decimals. against: the run that all others are
    set beside where nothing is claimed. traits: whether scores are shown trait by trait, too.
    """

    title: str
    source: str
    data: str
    about: str
    metrics: Mapping[str, tuple[str, Direction, int]]
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...]
    notes: tuple[str, ...]
    against: str
    traits: bool = False

    @property
    def runs(self) -> list[Row]:
        """The rows that a run stands for."""
        return [row for row in self.rows if row.run]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Pairs of runs that the study is about, first that of which something is said."""
        claimed = [(claim.ours, other) for claim in self.claims for other in claim.theirs]
        rows = [(row.run, self.against) for row in self.runs if self.against]
        return [pair for pair in dict.fromkeys(claimed + rows) if pair[0] != pair[1]]


class Findings:
    """What the runs here say of a study's claims.

    Args:
        claims: of one table, and so of one family for Holm's correction.
        results: run -> result, of the runs that there are.
        subsets: of the test faces, all in one table; "" is each claim's own.
    """

    def __init__(
        self,
        claims: Sequence[Claim],
        results: Mapping[str, Result],
        subsets: Sequence[str] = ("",),
    ) -> None:
        self.results = results
        keys = [key for each in subsets for claim in claims for key in claim.statements(each)]
        self.reasons = {key: self._why_not(*key) for key in dict.fromkeys(keys)}
        tested = [s for key, why in self.reasons.items() if not why for s in self._stated(*key)]
        self.verdicts = judge(tested).set_index(STATEMENT)["verdict"]

    def word(self, claim: Claim, metric: str, subset: str = "") -> Word:
        """Return what is said of one claim by one of its measures on one of the subsets."""
        if not any(_measured(result, metric) for result in self.results.values()):
            return Word.NOT_MEASURED
        keys = [key for key in claim.statements(subset) if key[3] == metric]
        words = {self.reasons[key] or self._verdict(key, claim.expected[metric]) for key in keys}
        return next((word for word in DECISIVE if word in words), Word.SUPPORTED)

    def _verdict(self, key: tuple[str, str, str, str], expected: Verdict) -> Word:
        verdict = self.verdicts[key]
        if verdict == Verdict.UNDECIDED:
            return Word.UNDECIDED
        return Word.SUPPORTED if verdict == expected else Word.CONTRADICTED

    def _why_not(self, ours: str, theirs: str, subset: str, metric: str) -> Word | None:
        """Return why nothing can be said of two runs by a measure; None if something can."""
        if ours not in self.results or theirs not in self.results:
            return Word.NOT_RUN
        own, other = self.results[ours], self.results[theirs]
        if why_not_comparable(own.evaluations[0], other.evaluations[0], across_inputs=True):
            return Word.NOT_RANKED
        stated = self._stated(ours, theirs, subset, metric)
        if not stated:
            return Word.NOT_MEASURED
        enough = all(sample.replicated for sample in stated[0].samples)
        return None if enough else Word.FEW_SEEDS

    def _stated(self, ours: str, theirs: str, subset: str, metric: str) -> list[Statement]:
        own, other = self.results[ours], self.results[theirs]
        measures = [each for each in own.every_measure if each.name == metric]
        chosen = [e for e in (*own.subsets, *own.measured_subsets) if str(e) == subset]
        return [s for each in chosen for s in statements(own, other, measures, each)]


def _measured(result: Result, metric: str) -> bool:
    return any(measure.name == metric for measure in result.every_measure)


def compared_pairs(study: Study, results: Mapping[str, Result]) -> pd.DataFrame:
    """Return what may be said of a study's pairs of runs by everything that was measured.

    Returns:
        As `findings.judge`: one family of its own. The verdicts are on trained networks where
        there are fewer than three seeds.
    """
    return judge(
        statement
        for ours, theirs in study.pairs
        if ours in results and theirs in results
        for own, other in [(results[ours], results[theirs])]
        if not why_not_comparable(own.evaluations[0], other.evaluations[0], across_inputs=True)
        for statement in statements(own, other, own.measures)
    )


def read_studies(path: Path = STUDIES) -> list[Study]:
    """Return the studies that a report knows of."""
    return [_study(each) for each in json.loads(path.read_text(encoding="utf-8"))]


def studied(study: Study, runs: Iterable[str]) -> bool:
    """Return whether enough of a study was run to say something."""
    return len({row.run for row in study.runs} & set(runs)) >= LEAST_RUNS


def _study(values: Mapping[str, Any]) -> Study:
    rows = values["rows"]
    return Study(
        title=values["title"],
        source=values["source"],
        data=values["data"],
        about=values["about"],
        metrics={
            name: (label, Direction(direction), decimals)
            for name, (label, direction, decimals) in values["metrics"].items()
        },
        rows=tuple(Row(row.get("run", ""), row["name"], row.get("published", {})) for row in rows),
        claims=tuple(_claim(each) for each in values["claims"]),
        notes=tuple(values["notes"]),
        against=values.get("against", ""),
        traits=values.get("traits", False),
    )


def _claim(values: Mapping[str, Any]) -> Claim:
    return Claim(
        text=values["text"],
        ours=values["ours"],
        theirs=tuple(values["theirs"]),
        expected={metric: Verdict(word) for metric, word in values["expected"].items()},
        subset=values.get("subset", str(ALL)),
    )
