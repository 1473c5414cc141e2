"""What experiments scored, face by face, read from git and DVC's cache without applying them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException

from pipeline.common.evaluations import (
    FACES_FILE,
    RESAMPLED_FILE,
    SCORES_FILE,
    SUMMARY_FILE,
    Evaluation,
    read_evaluation,
    why_not_comparable,
)
from pipeline.common.records import Measure
from pipeline.common.verdicts import LEAST_FACES, Scope, Verdict, compare, estimate, verdicts
from pipeline.report.collect import RANK_MEASURES, Result
from pipeline.report.findings import Statement, statements
from sketchface_models.errors import SketchFaceError

WORKSPACE = "workspace"
"""Stands for what lies in the folder now."""
RECORDS = (SUMMARY_FILE, FACES_FILE, SCORES_FILE, RESAMPLED_FILE)


@dataclass(frozen=True)
class Line:
    """One measure of a comparison: the means of both sides, their difference and what it says."""

    measure: Measure
    means: tuple[float, float]
    difference: float
    low: float
    high: float
    verdict: Verdict
    scope: Scope


@dataclass(frozen=True)
class Comparison:
    """One output of a run in two experiments.

    names: of the experiments. ours, theirs: what they scored. reason: why they may not be compared;
    None if they may. lines: one a measure, empty where there is a reason.
    """

    names: tuple[str, str]
    ours: Result
    theirs: Result
    reason: str | None
    lines: tuple[Line, ...] = ()


def compare_experiments(names: Sequence[str]) -> list[Comparison]:
    """Compare experiments by the report's rule, every two of them.

    Runs that both experiments have are compared; where they share none, each run of one with each
    of the other. Verdicts are corrected (Holm) over all lines that are returned.

    Args:
        names: of experiments, or any git revision, or `workspace`.

    Raises:
        SketchFaceError: if a name is unknown, or its scores are not in the cache.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = {name: _read(name, Path(folder, str(i))) for i, name in enumerate(names)}
        pairs = [
            (names, ours, theirs)
            for names in combinations(results, 2)
            for ours, theirs in _pairs(*(results[name] for name in names))
        ]
        reasons = [
            why_not_comparable(ours.evaluations[0], theirs.evaluations[0])
            for _, ours, theirs in pairs
        ]
        claims = [
            [] if reason else statements(ours, theirs, [*ours.measures, *RANK_MEASURES])
            for (_, ours, theirs), reason in zip(pairs, reasons, strict=True)
        ]
    lines = iter(_judged([claim for group in claims for claim in group]))
    return [
        Comparison(*pair, reason, tuple(next(lines) for _ in group))
        for pair, reason, group in zip(pairs, reasons, claims, strict=True)
    ]


def _judged(claims: Sequence[Statement]) -> list[Line]:
    """Verdicts on all claims, with Holm's correction over them."""
    compared = [
        compare(*each.samples, each.measure.direction, max(LEAST_FACES, each.measure.least))
        for each in claims
    ]
    return [
        Line(
            claim.measure,
            (estimate(claim.samples[0]).mean, estimate(claim.samples[1]).mean),
            each.difference,
            *each.interval,
            verdict,
            each.scope,
        )
        for claim, each, verdict in zip(claims, compared, verdicts(compared), strict=True)
    ]


def _pairs(ours: Sequence[Result], theirs: Sequence[Result]) -> list[tuple[Result, Result]]:
    """What is compared of two experiments."""
    same = [(a, b) for a in ours for b in theirs if a.name == b.name]
    return same or [(a, b) for a in ours for b in theirs]


def _read(name: str, folder: Path) -> list[Result]:
    """Every output of every run of an experiment, with the scores of all its seeds.

    Args:
        name: of the experiment.
        folder: that receives its records.

    Raises:
        SketchFaceError: if there is no such experiment, or its scores are not in the cache.
    """
    try:
        files = DVCFileSystem() if name == WORKSPACE else DVCFileSystem(rev=name)
        params = yaml.safe_load(files.read_text("params.yaml"))
        runs, seeds = params["run"], params["seeds"]
    except (DvcException, FileNotFoundError, yaml.YAMLError, KeyError, TypeError):
        raise SketchFaceError(
            f"{name}: no experiment, branch or commit of this project; `dvc exp list` names them"
        ) from None
    runs, seeds = (each if isinstance(each, list) else [each] for each in (runs, seeds))
    by_output: dict[tuple[str, str], list[Evaluation]] = {}
    for run in runs:
        for seed in seeds:
            for path in _fetch(files, name, f"data/evaluate/{run}/{seed}", folder):
                own = read_evaluation(path, f"evaluate@{run}-{seed}")
                by_output.setdefault((run, own.summary.output), []).append(own)
    several = {run for run, _ in by_output if sum(run == other for other, _ in by_output) > 1}
    return [
        Result(f"{run}: {output}" if run in several else run, run, tuple(each), ())
        for (run, output), each in by_output.items()
    ]


def _fetch(files: Any, name: str, source: str, folder: Path) -> list[Path]:
    """Copy the records of one evaluation; return a folder for each of its outputs."""
    try:
        paths = [PurePosixPath(each) for each in files.find(source)]
        for path in (each for each in paths if each.name in RECORDS):
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(files.read_bytes(str(path)))
    except Exception:  # DVC's libraries have no error in common for what is not in the cache
        paths = []
    outputs = sorted({folder / each.parent for each in paths if each.name == SUMMARY_FILE})
    if not outputs:
        where = "" if name == WORKSPACE else f" where {name} is checked out or applied"
        raise SketchFaceError(
            f"{name}: {source} is not in DVC's cache; `dvc repro`{where} makes it again"
        )
    return outputs
