"""The section on styles: numbers of the summaries, and nothing where no run takes a style."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_runs import write_faces, write_run
from report_files import sections, tables

from pipeline.common.images import encode_png
from pipeline.report.write import write_report
from sketchface_models.metrics.bootstrap import mean_interval

HITS = {0: [1, 1, 0.5, 0.5], 1: [1, 0.5, 0, 0.5]}
RATES = {0: {"1": 1.0, "2": 0.5}, 1: {"1": 0.75, "2": 0.25}}
TOLD = {"n": 40, "accuracy": 0.95, "balanced_accuracy": 0.925, "rates": {"1": 0.97, "2": 0.88}}
SOFT = {"n": 40, "accuracy": 0.9, "balanced_accuracy": 0.875, "rates": {"1": 0.9, "2": 0.85}}


def style_of(seed: int) -> dict:
    return {
        "faces": 4,
        "source": "photo_1",
        "chance": 0.5,
        "rates": RATES[seed],
        "hits": {f"face-{i}": hit for i, hit in enumerate(HITS[seed])},
        "hits_by_style": {"1": [1, 1, 1, 1], "2": [1, 1, 0, 0]},
        "fidelity": {"mean": float(np.mean(HITS[seed])), "low": 0.1, "high": 0.9, "n": 4},
        "real": {"n": 40, "accuracy": 0.9, "balanced_accuracy": 0.8, "rates": {}},
        "classifier": {"as they are": TOLD, "softened": SOFT},
    }


def told(data: Path, run: str, seed: int, style: dict, sheet: bool = True) -> None:
    folder = data / "evaluate" / run / str(seed)
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"style": style}))
    (folder / "style.json").write_text(json.dumps(style))
    if sheet:
        picture = np.full((40, 60, 3), 90, np.uint8)
        (folder / "styles.png").write_bytes(encode_png(picture))


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs from two seeds, of which one takes a style, and a third that could not be asked."""
    root = tmp_path_factory.mktemp("styled")
    data = root / "data"
    write_faces(data, "made")
    for run in ("styled", "plain", "mute"):
        for seed in (0, 1):
            write_run(data, run, seed, steps=100)
            if run == "styled":
                told(data, run, seed, style_of(seed))
            if run == "mute":
                told(data, run, seed, {"note": "no test face has landmarks"}, sheet=False)
    write_report(["styled", "plain", "mute"], [0, 1], data, root / "reports")
    write_report(["plain"], [0, 1], data, root / "without")
    return root


def test_the_table_holds_the_mean_over_faces_and_seeds(reports: Path):
    text = sections((reports / "reports/report.md").read_text())["Style fidelity"]
    ((head, *rows),) = tables(text)
    assert head[0] == "run"
    assert [row[0] for row in rows] == ["`styled`"]
    found = mean_interval(np.array([HITS[0], HITS[1]]))
    assert found.mean == 0.625
    assert rows[0][1:] == [
        f"62.5 % [{100 * found.low:.1f}, {100 * found.high:.1f}]",
        "87.5 %",
        "37.5 %",
        "80.0 %",
        "50.0 %",
        "4 of photo\\_1",
    ]
    assert "Of 40 real test sketches it takes 95.0\u00a0% for their own style" in text
    assert "style 1 97.0\u00a0%, style 2 88.0\u00a0%; the styles' mean is 92.5\u00a0%" in text
    assert "90.0\u00a0% once they are as soft" in text
    assert "`mute`: no test face has landmarks." in text


def test_metrics_hold_the_fidelity_of_that_run_alone(reports: Path):
    metrics = json.loads((reports / "reports/metrics.json").read_text())
    assert metrics["styled"]["style_fidelity"] == 0.625
    assert "style_fidelity" not in metrics["plain"]
    assert "style_fidelity" not in metrics["mute"]


def test_the_page_shows_the_sheet_of_that_run_alone(reports: Path):
    page = (reports / "reports/index.html").read_text()
    assert page.count("in every style and in even mixtures") == 1
    assert 'alt="Test faces drawn by styled, seed 0' in page


def test_without_such_runs_there_is_no_such_section(reports: Path):
    text = (reports / "without/report.md").read_text()
    assert "tyle fidelity" not in text
    assert "even mixtures" not in (reports / "without/index.html").read_text()
