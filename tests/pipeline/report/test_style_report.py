"""The section on styles: numbers of the records, and nothing where no run takes a style."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_runs import IDS, write_faces, write_run
from report_files import sections, tables

from pipeline.common.evaluations import STYLES_FILE, read_evaluation, write_evaluation
from pipeline.common.images import encode_png
from pipeline.common.records import STYLE_FIDELITY, Measure, Method
from pipeline.common.score_frames import long_frame
from pipeline.common.subsets import ALL, Subset, style_subset
from pipeline.common.verdicts import Sample, estimate
from pipeline.report.write import write_report
from sketchface_models.metrics.registry import Direction

FACES = 4
HITS = {0: [1, 1, 0.5, 0.5], 1: [1, 0.5, 0, 0.5], 2: [1, 0.5, 0.5, 0.5]}
RATES = {0: {"1": 1.0, "2": 0.5}, 1: {"1": 0.75, "2": 0.25}, 2: {"1": 0.5, "2": 0.75}}
PLAINLY = {"n": 40, "accuracy": 0.95, "balanced_accuracy": 0.925, "rates": {"1": 0.97, "2": 0.88}}
SOFT = {"n": 40, "accuracy": 0.9, "balanced_accuracy": 0.875, "rates": {"1": 0.9, "2": 0.85}}


def style_of(seed: int) -> dict:
    return {
        "faces": FACES,
        "source": "photo_1",
        "chance": 0.5,
        "rates": RATES[seed],
        "real": {"n": 40, "accuracy": 0.9, "balanced_accuracy": 0.8, "rates": {}},
        "classifier": {"as they are": PLAINLY, "softened": SOFT},
    }


def with_style(folder: Path, style: dict, hits: dict[Subset, list[float]]) -> None:
    """Add what `evaluate` says of styles to the records of an output."""
    evaluation = read_evaluation(folder, "evaluate")
    fidelity = Measure(STYLE_FIDELITY, "style fidelity", Direction.HIGHER)
    measures = (*evaluation.summary.measures, *([fidelity] if hits else []))
    lines = [
        long_frame(evaluation.summary, Method.SYSTEM, subset, STYLE_FIDELITY, IDS[:FACES], values)
        for subset, values in hits.items()
    ]
    write_evaluation(
        replace(
            evaluation,
            summary=replace(evaluation.summary, style=style, measures=measures),
            scores=pd.concat([evaluation.scores, *lines]),
        )
    )
    if hits:
        (folder / STYLES_FILE).write_bytes(encode_png(np.full((40, 60, 3), 90, np.uint8)))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs from three seeds, of which one takes a style, and one that could not be asked."""
    root = tmp_path_factory.mktemp("styled")
    data = root / "data"
    write_faces(data, "made")
    for run in ("styled", "plain", "mute"):
        for seed in HITS:
            folder = write_run(data, run, seed, steps=100)
            if run == "styled":
                hits = {
                    ALL: HITS[seed],
                    style_subset(1): [1, 1, 1, 1],
                    style_subset(2): [1, 1, 0, 0],
                }
                with_style(folder, style_of(seed), hits)
            if run == "mute":
                with_style(folder, {"note": "no test face has landmarks"}, {})
    write_report(["styled", "plain", "mute"], list(HITS), data, root / "reports")
    write_report(["plain"], [0], data, root / "without")
    return root


def test_the_table_holds_the_mean_over_faces_and_seeds(reports: Path):
    text = sections((reports / "reports/report.md").read_text())["Style fidelity"]
    ((head, *rows),) = tables(text)
    assert head[0] == "run"
    assert [row[0] for row in rows] == ["`styled`"]
    own = asdict(estimate(Sample.per_face([*HITS.values()])))
    mean, low, high, spread = (100 * own[key] for key in ("mean", "low", "high", "spread"))
    assert mean == pytest.approx(100 * np.mean([*HITS.values()]))
    assert high > 100  # no rate is
    assert rows[0][1:] == [
        f"{mean:.1f} % ± {spread:.1f} [{low:.1f}, 100.0]",
        "75.0 %",
        "50.0 %",
        "80.0 %",
        "50.0 %",
        "4 of photo\\_1",
    ]
    assert "Of 40 real test sketches it takes 95.0\u00a0% for their own style" in text
    assert "style 1 97.0\u00a0%, style 2 88.0\u00a0%; the styles' mean is 92.5\u00a0%" in text
    assert "90.0\u00a0% once they are as soft" in text
    assert "`mute`: no test face has landmarks." in text


def test_a_style_has_the_fidelity_of_what_was_asked_for_in_it(reports: Path):
    text = sections((reports / "reports/report.md").read_text())["Run `styled`"]
    head, *rows = tables(text)[2]
    column = head.index("style fidelity ↑")
    assert {row[0]: row[column].split(" ")[0] for row in rows} == {
        "all": "0.625",
        "style 1": "1.000",
        "style 2": "0.500",
    }


def test_metrics_hold_the_fidelity_of_that_run_alone(reports: Path):
    metrics = json.loads((reports / "reports/metrics.json").read_text())
    assert metrics["styled"][STYLE_FIDELITY] == 0.625
    assert STYLE_FIDELITY not in metrics["plain"]
    assert STYLE_FIDELITY not in metrics["mute"]


def test_the_page_shows_the_sheet_of_that_run_alone(reports: Path):
    page = (reports / "reports/index.html").read_text()
    assert page.count("in every style and in even mixtures") == 1
    assert 'alt="Test faces generated by styled, seed 0' in page


def test_without_such_runs_there_is_no_such_section(reports: Path):
    text = (reports / "without/report.md").read_text()
    assert "tyle fidelity" not in text
    assert "even mixtures" not in (reports / "without/index.html").read_text()
