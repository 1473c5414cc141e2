"""Write the report of the chosen runs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline.evaluate.layout import MODEL
from pipeline.report.collect import Run, read_data, read_run
from pipeline.report.curves import Curve, curves
from pipeline.report.document import document
from pipeline.report.page import (
    PAGE_BYTES,
    figures,
    markdown,
    page,
    parser_figures,
    parsers_markdown,
)
from pipeline.report.parsers import Parser, is_parser, read_parser, score_rows
from pipeline.report.statistics import RANKS, WHOLE, Findings, Score, findings, groups, scores
from pipeline.report.styles import fidelity
from pipeline.report.tables import MEASURES
from sketchface_models.atomic import atomic_file

SCORES = (
    *("run", "seed", "row", "part", "metric", "mean", "low", "high", "n"),
    *("direction", "protocol"),
)
CURVES = ("run", "seed", "step", "term", "value")


def write_report(runs: list[str], seeds: list[int], data: Path, reports: Path) -> None:
    """Report on `runs` from `seeds`, and on nothing else that lies in the folders.

    Args:
        runs: names, in the order of the report.
        seeds: of every run.
        data: folder with the stages' folders (`faces`, `landmarks`, `train`, `evaluate`).
        reports: folder that receives `report.md`, `index.html`, `metrics.json`, `scores.csv` (one
            line a run, seed, row, part and metric; seed `all` is the mean over seeds) and
            `curves.csv` (one line a run, seed, step and term, thinned by `curves.thin`).

    Raises:
        SketchFaceError: naming the stage to run, if something is missing, damaged or stale.
    """
    about = read_data(data)
    parsing = [name for name in runs if is_parser(name, seeds[0], data)]
    parsers = [read_parser(name, seed, data) for name in parsing for seed in seeds]
    read = [read_run(name, seeds, data, about) for name in runs if name not in parsing]
    found, listed = {}, []
    for run in tqdm(read, desc="report", unit="run", disable=None):
        found[run.name] = findings(run, about.shared)
        listed += [(score, run.summary["protocol"]) for score in scores(run, found[run.name])]
    drawn = {run.name: curves(run) for run in read}
    text = markdown(document(about, read, found, groups(read))) if read else ""
    share = PAGE_BYTES // len(runs)
    pictures = {run.name: figures(run, drawn[run.name], share) for run in read}
    if parsers:
        learned = {name: curves(_of_parsers(name, parsers)) for name in parsing}
        drawn |= learned
        text += ("\n" if text else "") + parsers_markdown(parsers, about.about, alone=not read)
        pictures |= {
            each.name: parser_figures(each, learned[each.name], share) for each in parsers[::-1]
        }
    files = {
        "report.md": text,
        "index.html": page(text, pictures, str(about.about["name"])),
        "metrics.json": json.dumps(metrics(read, found, parsers), indent=2) + "\n",
        "scores.csv": _csv(
            SCORES,
            [
                *(_score_row(*each) for each in listed),
                *(row for parser in parsers for row in score_rows(parser)),
            ],
        ),
        "curves.csv": _csv(CURVES, _curve_rows(drawn.values())),
    }
    for name, content in files.items():
        with atomic_file(reports / name) as path:
            path.write_text(content, encoding="utf-8", newline="\n")


def metrics(
    runs: Sequence[Run], found: dict[str, Findings], parsers: Sequence[Parser] = ()
) -> dict[str, dict[str, Any]]:
    """Run -> metric -> mean over faces and seeds, retrieval, style fidelity, 1 or 0 for learned.

    Of parsers: the pooled scores, averaged over seeds.
    """
    parsing: dict[str, list[dict[str, float]]] = {}
    for each in parsers:
        parsing.setdefault(each.name, []).append(each.summary["scores"])
    return {
        name: {m: round(sum(one[m] for one in seeds) / len(seeds), 4) for m in seeds[0]}
        for name, seeds in parsing.items()
    } | {
        run.name: {
            **{m: round(i.mean, 4) for m, i in found[run.name].pooled[MODEL][WHOLE].items()},
            **{f"rank_{k}": round(found[run.name].hits[MODEL][k], 4) for k in RANKS},
            **({"style_fidelity": round(styled.mean, 4)} if (styled := fidelity(run)) else {}),
            "learned": int(not found[run.name].not_learned),
        }
        for run in runs
    }


def _of_parsers(name: str, parsers: Sequence[Parser]) -> Run:
    return Run(name, tuple(each.as_trained() for each in parsers if each.name == name))


def _score_row(score: Score, protocol: str) -> Sequence[Any]:
    ends = score.interval
    numbers = (f"{end:.6g}" for end in (ends.mean, ends.low, ends.high))
    named = (score.run, score.seed, score.row, score.part, score.metric)
    measure = MEASURES.get(score.metric)
    return (*named, *numbers, ends.n, measure.direction if measure else "higher", protocol)


def _curve_rows(drawn: Iterable[Sequence[Curve]]) -> Iterable[Sequence[Any]]:
    for run in drawn:
        for curve in run:
            for step, value in zip(curve.steps, curve.values, strict=True):
                yield curve.run, curve.seed, int(step), curve.term, f"{value:.6g}"


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return buffer.getvalue()
