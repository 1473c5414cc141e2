"""What the report says of runs that translate there and back, and of faces without partners."""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_runs import write_faces, write_run
from report_files import sections, tables

from pipeline.common.evaluations import Evaluation, read_evaluation, write_evaluation
from pipeline.common.images import encode_png
from pipeline.common.records import Level, Measure, Method
from pipeline.common.score_frames import as_resampled, long_frame
from pipeline.common.subsets import ALL
from pipeline.report.write import write_report
from sketchface_models.metrics.registry import Direction

LOWER, HIGHER = Direction.LOWER, Direction.HIGHER
MEASURES = (
    Measure("cycle_photo_l1", "reconstructed photo, L1", LOWER, control=True),
    Measure("cycle_photo_parser_kernel", "kernel", LOWER, Level.SET, 6, control=True),
    Measure("sampling_ratio", "sampling ratio", LOWER, Level.SET, 6, control=True),
    Measure("outline_overlap", "overlap of outlines", HIGHER, control=True),
    Measure("attribute_glasses", "glasses of the doodle", HIGHER, control=True),
)
VALUES = {
    ("cycle_photo_l1", "system"): 0.125,
    ("cycle_photo_parser_kernel", "system"): 0.0321,
    ("sampling_ratio", "system"): 2.5,
    ("outline_overlap", "system"): 0.75,
    ("outline_overlap", "other"): 0.5,
    ("outline_overlap", "real"): 0.875,
    ("attribute_glasses", "system"): 0.625,
    ("attribute_glasses", "other"): 0.375,
}


def rewritten(folder: Path, **changes: object) -> None:
    """Give an evaluation the measures and other changes of its summary."""
    evaluation = read_evaluation(folder, "evaluate")
    summary = dataclasses.replace(
        evaluation.summary, measures=(*evaluation.summary.measures, *MEASURES), **changes
    )
    lines, draws = [evaluation.scores], [evaluation.resampled]
    level = {measure.name: measure.level for measure in MEASURES}
    for (metric, method), value in VALUES.items():
        at = (summary, Method(method), ALL, metric)
        if level[metric] is Level.SET:
            lines.append(long_frame(*at, [], value))
            draws.append(as_resampled(long_frame(*at, [], value + np.linspace(-1, 1, 200) / 100)))
        else:
            lines.append(long_frame(*at, evaluation.ids, np.full(len(evaluation.ids), value)))
    scores, resampled = (pd.concat(each, ignore_index=True) for each in (lines, draws))
    write_evaluation(Evaluation(folder, summary, evaluation.faces, scores, resampled))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    write_faces(root / "data", "made")
    write_run(root / "data", "able", 0, 1.0)
    out = root / "data" / "evaluate" / "able" / "0" / "sketch"
    for sheet in ("cycles.png", "samplings.png"):
        (out / sheet).write_bytes(encode_png(np.full((40, 60, 3), 90, np.uint8)))
    rewritten(out)
    write_report(["able"], [0], root / "data", root / "reports")
    return root


def test_what_was_measured_stands_in_the_tables(report: Path):
    section = sections((report / "reports" / "report.md").read_text())["There and back"]
    cycles, sampled, alike = tables(section)
    assert cycles[1][0] == "`able`"
    assert [cell.split()[0] for cell in cycles[1][1:]] == ["0.125", "0.032"]
    assert sampled[1][1].split()[0] == "2.500"
    rows = {row[1]: [cell.split()[0] for cell in row[2:]] for row in alike[1:]}
    assert rows == {
        "the doodle itself": ["0.750", "0.625"],
        "another person's doodle": ["0.500", "0.375"],
        "the true photo": ["0.875", "–"],
        "–": ["–", "0.500"],
    }
    assert "16 samples" in section
    assert re.search(r"of [\d,]+ others it is right in: hair \d+", section.replace("\u00a0", " "))


def test_sheets_of_cycles_and_samples_stand_on_the_page(report: Path):
    page = (report / "reports" / "index.html").read_text()
    assert "each translated to the other kind and back" in page
    assert "sixteen times each from random codes" in page


def test_pairs_of_such_runs_are_not_counted_as_edits(report: Path):
    metrics = json.loads((report / "reports" / "metrics.json").read_text())["able"]
    assert metrics["sampling_ratio"] == 2.5
    assert metrics["cycle_photo_parser_kernel"] == 0.0321


def test_faces_without_partners_are_called_so(report: Path, tmp_path: Path):
    shutil.copytree(report / "data", tmp_path / "data")
    out = tmp_path / "data" / "evaluate" / "able" / "0" / "sketch"
    evaluation = read_evaluation(out, "evaluate")
    ids, count = list(evaluation.ids), len(evaluation.ids) - 4
    lines = evaluation.scores
    scores = lines[lines["metric"].str.startswith("parser") & (lines["subset"] == "all")]
    faces = evaluation.faces[:count].assign(style=pd.NA, shared=False, traits=[[]] * count)
    sets = tuple(m for m in evaluation.summary.measures if m.name.startswith("parser"))
    summary = dataclasses.replace(
        evaluation.summary, n=count, references=4, measures=sets, not_learned=(), inputs=("photo",)
    )
    faces["style"] = faces["style"].astype("Int8")
    write_evaluation(Evaluation(out, summary, faces, scores, evaluation.resampled))
    write_report(["able"], [0], tmp_path / "data", tmp_path / "reports")
    text = (tmp_path / "reports" / "report.md").read_text()
    section = sections(text)["Run `able`"]
    assert "The test faces have no partner: no sketch says how right" in section
    assert f"{count} generated pictures are compared, as a set, with 4 real ones" in section
    assert f"{count} faces beside 4 of the other kind" in section
    assert "rank-1" not in section
    assert "| not asked |" in text
    assert "learned" not in json.loads((tmp_path / "reports" / "metrics.json").read_text())["able"]
    assert len(ids) == count + 4
