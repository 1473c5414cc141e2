"""The tables of sketches: SSIM above the input's, variety, noise before and after."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_runs import IDS, TEST, write_faces, write_run

from pipeline.common.evaluations import read_evaluation, write_evaluation
from pipeline.common.records import Measure, Method
from pipeline.common.score_frames import long_frame
from pipeline.common.subsets import ALL
from pipeline.report.collect import Result, read_data, read_results
from pipeline.report.drawing_tables import drawing_tables
from pipeline.report.write import write_report
from sketchface_models.metrics.registry import Direction

VALUES = {
    "edge_ink": 0.5,
    "before_edge_ink": 2.5,
    "paper_noise": 1.25,
    "before_paper_noise": 1.5,
    "colour": 0.0,
    "before_colour": 30.0,
    "mapped_colour": 3.0,
    "variety": 0.75,
    "true_variety": 0.875,
}


def with_drawings(data: Path, run: str, ssim_gain: float) -> None:
    """Add what `evaluate` says of sketches; the SSIM lies so far above that of the input."""
    folder = data / "evaluate" / run / "0" / "sketch"
    evaluation = read_evaluation(folder, "evaluate")
    scores = evaluation.scores
    input_ssim = (scores["metric"] == "ssim") & (scores["method"] == str(Method.INPUT))
    own_ssim = (scores["metric"] == "ssim") & (scores["method"] == str(Method.SYSTEM))
    noise = np.random.default_rng(0).normal(0, 0.01, TEST)
    scores.loc[own_ssim, "value"] = scores.loc[input_ssim, "value"].to_numpy() + ssim_gain + noise
    more = [
        long_frame(evaluation.summary, Method.SYSTEM, ALL, name, IDS, np.full(TEST, value))
        for name, value in VALUES.items()
    ]
    measures = [
        Measure(name, name, Direction.LOWER, control=True)
        for name in ("edge_ink", "paper_noise", "colour", "variety")
    ]

    summary = dataclasses.replace(
        evaluation.summary, measures=(*evaluation.summary.measures, *measures)
    )
    write_evaluation(
        dataclasses.replace(
            evaluation, summary=summary, scores=pd.concat([scores, *more], ignore_index=True)
        )
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("drawings")
    write_faces(root / "data", "made")
    for run, gain in (("clear", 0.2), ("scant", 0.05), ("border", 0.1)):
        write_run(root / "data", run, 0)
        with_drawings(root / "data", run, gain)
    write_run(root / "data", "silent", 0)
    return root


def results_of(project: Path) -> list[Result]:
    data = read_data(project / "data")
    runs = ("clear", "scant", "border", "silent")
    return [read_results(run, [0], project / "data", data)[0] for run in runs]


def test_a_sketch_must_be_more_than_its_lines(project: Path):
    tables = drawing_tables(results_of(project))
    lines = tables.inputs.set_index("run")
    assert lines.index.tolist() == ["`clear`", "`scant`", "`border`"]
    assert lines["at least 0.1"].tolist() == ["yes", "no", "undecided"]
    assert lines.loc["`clear`", "difference"].startswith("0.199 [")
    gain = float(lines.loc["`clear`", "SSIM"]) - float(lines.loc["`clear`", "the input's"])
    assert gain == pytest.approx(0.2, abs=0.01)


def test_before_stands_beside_after(project: Path):
    tables = drawing_tables(results_of(project))
    assert tables.noise.iloc[0].tolist() == [
        *("`clear`", "2.500", "0.500", "1.500", "1.250", "30.000", "3.000", "0.000"),
    ]
    assert tables.variety.iloc[0].tolist() == ["`clear`", "0.750 [0.750, 0.750]", "0.875"]


def test_runs_without_sketches_have_no_tables(project: Path):
    assert drawing_tables(results_of(project)[3:]) is None


def test_the_report_shows_them(project: Path):
    runs = ["clear", "scant", "border", "silent"]
    write_report(runs, [0], project / "data", project / "reports")
    text = (project / "reports" / "report.md").read_text()
    section = text[text.index("### Drawings") : text.index("### Pairs of runs")]
    assert "| `scant` | photo |" in section
    assert "| `clear` | 2.500 | 0.500 |" in section
    assert "silent" not in section
