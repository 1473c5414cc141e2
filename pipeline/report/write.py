"""Write the report of the chosen runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from pipeline.common.records import Method
from pipeline.common.subsets import ALL
from pipeline.report.collect import Result, read_data, read_results
from pipeline.report.curves import Curve, curves
from pipeline.report.document import document
from pipeline.report.findings import ALL_SEEDS, estimates, not_learned
from pipeline.report.page import CONTROL, PAGE_BYTES, control_pictures, figures, markdown, page
from pipeline.report.training_measures import MEASURES
from sketchface_models.atomic import atomic_file

SCORES = [
    *("run", "output", "seed", "seeds", "method", "subset", "metric"),
    *("mean", "spread", "low", "high", "count", "direction", "protocol"),
]
CURVES = ["run", "seed", "step", "term", "value"]


def write_report(runs: list[str], seeds: list[int], data: Path, reports: Path) -> None:
    """Report on `runs` from `seeds`, and on nothing else that lies in the folders.

    Args:
        runs: names, in the order of the report.
        seeds: of every run.
        data: folder with the stages' folders (`faces`, `landmarks`, `train`, `evaluate`).
        reports: folder that receives `report.md`, `index.html`, `metrics.json` (see `metrics`),
            `scores.csv` (one line a run, output, seed, method, subset and metric; seed `all` is
            the mean over seeds) and `curves.csv` (one line a run, seed, step and term, thinned by
            `curves.thin`).

    Raises:
        SketchFaceError: naming the stage to run, if something is missing, damaged or stale.
    """
    about = read_data(data)
    results = [result for run in runs for result in read_results(run, seeds, data, about)]
    bar = tqdm(results, desc="report", unit="run", disable=None)
    numbers = pd.concat([estimates(result) for result in bar], ignore_index=True)
    losses = {result.run: curves(result) for result in results}
    text = markdown(document(about, results, numbers))
    share = PAGE_BYTES // len(results)
    every = [curve for each in losses.values() for curve in each]
    pictures = {CONTROL: control_pictures(results, every, share)}
    pictures |= {each.name: figures(each, losses[each.run], share) for each in results}
    content = {
        "report.md": text,
        "index.html": page(text, pictures, str(about.about["name"])),
        "metrics.json": json.dumps(metrics(results, numbers), indent=2) + "\n",
        "scores.csv": _csv(numbers[SCORES]),
        "curves.csv": _csv(_curves_frame(every)),
    }
    for name, written in content.items():
        with atomic_file(reports / name) as path:
            path.write_text(written, encoding="utf-8", newline="\n")


def metrics(results: Sequence[Result], numbers: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Return what `dvc metrics` and `dvc exp show` tabulate.

    Run (and output, where a run has several) -> metric -> mean over faces and seeds; `learned`, 1
    or 0; `faces` and `seeds`, their numbers; and `protocol`, the tag. Keys say nothing of the
    protocol, so that one metric has one column whatever it was measured by; where two experiments
    differ in it, `dvc metrics diff` shows both tags beside the differences.
    """
    chosen = numbers[
        (numbers["seed"] == ALL_SEEDS)
        & (numbers["method"] == str(Method.SYSTEM))
        & (numbers["subset"] == str(ALL))
        & ~numbers["metric"].isin([measure.name for measure in MEASURES])  # some hold a clock
    ]
    table: dict[str, dict[str, Any]] = {}
    for result in results:
        own = chosen[(chosen["run"] == result.run) & (chosen["output"] == result.summary.output)]
        values = dict(zip(own["metric"], own["mean"].round(4).tolist(), strict=True)) | {
            **({"learned": int(not not_learned(result))} if result.partners else {}),
            "faces": result.summary.n,
            "seeds": len(result.seeds),
            "protocol": result.summary.protocol,
        }
        if result.name == result.run:
            table[result.run] = values
        else:
            table.setdefault(result.run, {})[result.summary.output] = values
    return table


def _curves_frame(losses: Sequence[Curve]) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"step": curve.steps, "value": curve.values}).assign(
            run=curve.run, seed=curve.seed, term=curve.term
        )
        for curve in losses
    ]
    return pd.concat(parts, ignore_index=True)[CURVES] if parts else pd.DataFrame(columns=CURVES)


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
