import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from made_runs import SHARED, TEST, write_faces, write_run
from report_files import METRICS, measured, sections, tables

from pipeline.report.systems import described
from pipeline.report.write import write_report
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.bootstrap import mean_interval
from sketchface_models.systems.registry import SYSTEMS

ROOT = Path(__file__).resolve().parents[3]
LABELS = {
    "the input itself": "input",
    "the mean training target": "mean",
    "another face's target": "other",
}
OUTPUTS = ("report.md", "index.html", "metrics.json", "scores.csv", "curves.csv")


@pytest.fixture
def text(made: Path) -> str:
    return (made / "reports" / "report.md").read_text()


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """The project, to be spoilt."""
    shutil.copytree(made, tmp_path / "project")
    return tmp_path / "project"


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("run", ["able", "hopeless"])
def test_every_number_of_the_table_is_the_mean_of_the_images(made: Path, text: str, run: str):
    images = measured(made, run, [0, 1])
    head, *rows = tables(sections(text)[f"Run `{run}`"])[0]
    assert [row[0] for row in rows] == [f"**{run}**, 2 seeds", *LABELS]
    for name, *cells in rows:
        chosen = images[images.row == LABELS.get(name, "model")]
        for title, cell in zip(head[1:], cells, strict=True):
            if title.startswith("parser"):
                continue  # of the whole set: test_studies
            if title.startswith("rank-"):
                k = int(title[5])
                assert f"(chance {100 * k / TEST:.1f} %)" in title
                assert cell == f"{100 * (chosen['rank'] <= k).mean():.1f} %"
            else:
                metric = METRICS[title.split()[0]]
                places = 2 if metric == "psnr" else 3
                assert float(cell.split()[0]) == round(chosen[metric].mean(), places)
                assert title.endswith("↓" if metric == "l1" else "↑")


def test_parts_are_pooled_over_images_and_seeds(made: Path, text: str):
    images = measured(made, "able", [0, 1]).query("row == 'model'")
    masks = {
        "all": images.id.notna(),
        "style 1": images["style"] == 1,
        "style 2": images["style"] == 2,
        "without shared photos": ~images.id.isin(SHARED),
    }
    head, *rows = tables(sections(text)["Run `able`"])[2]
    assert [row[0] for row in rows] == list(masks)
    for name, number, *cells in rows:
        chosen = images[masks[name]]
        values = np.stack([chosen[chosen.seed == seed].ssim for seed in (0, 1)])
        assert int(number) == values.shape[1]
        expected = mean_interval(values)
        cell = cells[head[2:].index("SSIM ↑")]
        assert cell == f"{expected.mean:.3f} [{expected.low:.3f}, {expected.high:.3f}]"


def test_one_seed_says_what_evaluate_measured(made: Path, tmp_path: Path):
    write_report(["able"], [1], made / "data", tmp_path)
    summary = json.loads((made / "data/evaluate/able/1/summary.json").read_text())
    head, ours, *_ = tables(sections((tmp_path / "report.md").read_text())["Run `able`"])[0]
    ends = summary["scores"]["model"]["all"]["fsim"]
    assert ours[0] == "**able**, 1 seed"
    assert ours[head.index("FSIM ↑")] == "{mean:.3f} [{low:.3f}, {high:.3f}]".format(**ends)


def test_verdict_words(made: Path, text: str, tmp_path: Path):
    for run, word in (("able", "better"), ("hopeless", "worse")):
        verdicts = tables(sections(text)[f"Run `{run}`"])[1][1:]
        assert [row[0] for row in verdicts] == [f"… than {label}" for label in LABELS]
        assert {cell for row in verdicts for cell in row[1 : 1 + len(METRICS)]} == {word}
    shutil.copytree(made / "data", tmp_path / "data")
    for seed in (0, 1):
        write_run(tmp_path / "data", "even", seed, 0.0, shared=SHARED)
    write_report(["even", "able"], [0, 1], tmp_path / "data", tmp_path / "reports")
    found = sections((tmp_path / "reports" / "report.md").read_text())
    assert "undecided" in {cell for row in tables(found["Run `even`"])[1][1:] for cell in row}
    (_, line) = tables(found["Comparison"])[0]
    assert line[0] == "`even` … than `able`"
    assert set(line[1 : 1 + len(METRICS)]) == {"worse"}


def test_what_has_not_learned_is_said_in_bold(text: str):
    found = sections(text)
    reason = "**Not learned: not better than the input itself on any metric;"
    assert reason in found["Run `hopeless`"]
    assert "finds the right target no more often than chance.**" in found["Run `hopeless`"]
    assert "Not learned" not in found["Run `able`"]
    assert "**`hopeless` has not learned: " in found["At a glance"]
    assert "`able` has not" not in found["At a glance"]


def test_one_unlearned_seed_is_named(copy: Path):
    rewrite(copy / "data/evaluate/able/1/summary.json", not_learned=["a reason"])
    write_report(["able"], [0, 1], copy / "data", copy / "reports")
    assert "**Not learned: a reason (seed 1 only).**" in (copy / "reports/report.md").read_text()
    assert json.loads((copy / "reports/metrics.json").read_text())["able"]["learned"] == 0


def test_data_and_what_was_left_out(text: str):
    data = sections(text)["Data"]
    counts, left_out = tables(data)
    assert ["used: train", "56"] in counts
    assert ["left out", "4"] in counts
    assert ["no face found; crop it", "faces", "2"] in left_out
    assert ["no face found", "landmarks", "3"] in left_out
    assert [r"an odd \| \*reason\*", "faces", "1"] in left_out
    assert "found a face in 81 of 84 photos" in data


def test_missing_drawings_are_counted_and_named(text: str):
    section = sections(text)["Run `able`"]
    assert "3 test faces could not be drawn and are missing" in section
    assert "- 2 without depth: `face-90`, `face-91`" in section
    assert "- 1 empty file (0 bytes); fetch it again: `c`" in section
    assert "24 of 27 faces; missing: `c`, `face-90`, `face-91`\n" in section
    assert "No test face is missing" not in section


def test_that_nothing_is_missing_is_said(made: Path, tmp_path: Path):
    shutil.copytree(made / "data", tmp_path / "data")
    rewrite(tmp_path / "data/evaluate/able/0/summary.json", missing=[])
    about = json.loads((made / "data/faces/dataset.json").read_text())
    rewrite(tmp_path / "data/faces/dataset.json", splits=about["splits"] | {"test": TEST})
    quarantine = tmp_path / "data/faces/quarantine.parquet"
    pd.read_parquet(quarantine).drop(columns="split").to_parquet(quarantine)
    write_report(["able"], [0], tmp_path / "data", tmp_path)
    assert "No test face is missing." in (tmp_path / "report.md").read_text()


def test_many_missing_faces_are_named_once_in_full(copy: Path):
    missing = [{"id": f"m{i}", "split": "test", "style": 1, "reason": "lost"} for i in range(5)]
    for seed in (0, 1):
        rewrite(copy / f"data/evaluate/able/{seed}/summary.json", missing=missing)
    splits = {"train": 1058, "val": 0, "test": 28}
    rewrite(copy / "data/faces/dataset.json", splits=splits)
    write_report(["able"], [0, 1], copy / "data", copy / "reports")
    text = (copy / "reports/report.md").read_text()
    assert "24 of 29 faces; missing: `m0`, `m1`, `m2` and 2 more\n" in text
    assert "- 5 lost: `m0`, `m1`, `m2`, `m3`, `m4`" in text


def test_a_lost_test_face_that_a_run_does_not_name_is_noticed(copy: Path):
    summary = json.loads((copy / "data/evaluate/able/0/summary.json").read_text())
    named = [face for face in summary["missing"] if face["id"] != "c"]
    rewrite(copy / "data/evaluate/able/0/summary.json", missing=named)
    with pytest.raises(SketchFaceError, match="accounts for 26 test faces, but there are 27"):
        write_report(["able"], [0, 1], copy / "data", copy / "reports")


def test_provenance(text: str):
    section = sections(text)["Run `able`"]
    for words in (
        "made, test split",
        "450 steps, 3,600 images seen, at 64 × 64 pixels",
        r"hardware: Abacus \<9000\>, 2 cores",
        "precision: 32-true",
        "commit: 0123456789ab\n",
        "photo → sketch",
        "2 seeds (0, 1)",
        "network: width 32, init\\_std 0.02\n",
        "schedule: steps 450, batch 8\n",
    ):
        assert words in section


def test_a_system_is_explained_once_where_its_first_run_is(text: str):
    explained = "A U-Net draws the target straight from the input."
    assert text.count(explained) == 1
    assert explained in sections(text)["Run `able`"]


@pytest.mark.parametrize("system", sorted(SYSTEMS.keys() - {"parser"}))
def test_every_system_that_draws_is_explained(system: str):
    assert "Source: " in described(system)


def test_a_system_that_nobody_explained_is_none_the_worse():
    assert described("unknown") == ""


def test_a_stale_run_or_seed_changes_nothing(made: Path, copy: Path):
    for place in ("able/7", "ghost/0"):
        for part in ("evaluate", "train"):
            folder = copy / "data" / part / place
            folder.mkdir(parents=True)
            (folder / "summary.json").write_text("not JSON")
    write_report(["able", "hopeless"], [0, 1], copy / "data", copy / "again")
    for name in OUTPUTS:
        assert (copy / "again" / name).read_bytes() == (made / "reports" / name).read_bytes()


@pytest.mark.parametrize("change", [{"size": 32}, {"target": "photo"}])
def test_runs_that_were_measured_otherwise_are_not_ranked(copy: Path, change: dict):
    for seed in (0, 1):
        write_run(copy / "data", "strange", seed, 1.0, shared=SHARED, **change)
    write_report(["able", "strange"], [0, 1], copy / "data", copy / "reports")
    comparison = sections((copy / "reports/report.md").read_text())["Comparison"]
    assert tables(comparison) == []
    assert comparison.count("has no run to be compared with") == 2


def test_runs_on_other_faces_are_not_ranked(copy: Path):
    for seed in (0, 1):
        path = copy / f"data/evaluate/hopeless/{seed}/per_image.parquet"
        images = pd.read_parquet(path)
        images["id"] = images["id"].replace("face-23", "face-99")
        images.to_parquet(path)
    write_report(["able", "hopeless"], [0, 1], copy / "data", copy / "reports")
    assert tables(sections((copy / "reports/report.md").read_text())["Comparison"]) == []


def test_metrics_json_is_flat_and_rounded(made: Path):
    found = json.loads((made / "reports/metrics.json").read_text())
    images = measured(made, "able", [0, 1]).query("row == 'model'")
    assert list(found) == ["able", "hopeless"]
    expected = {metric: round(images[metric].mean(), 4) for metric in METRICS.values()}
    expected |= {f"rank_{k}": round((images["rank"] <= k).mean(), 4) for k in (1, 5)}
    sets = {name for name in found["able"] if name.startswith("parser_")}
    assert sets == {"parser_frechet", "parser_kernel"}
    able = {name: value for name, value in found["able"].items() if name not in sets}
    assert able == expected | {"learned": 1}
    assert found["hopeless"]["learned"] == 0


def test_scores_csv_holds_every_number(made: Path):
    found = pd.read_csv(made / "reports/scores.csv", dtype={"seed": str})
    images = measured(made, "hopeless", [0, 1])
    keys = ["run", "seed", "row", "part", "metric"]
    assert not found.duplicated(keys).any()
    assert set(found.seed) == {"0", "1", "all"}
    for seed, row, metric in (("1", "model", "psnr"), ("0", "mean", "l1"), ("all", "model", "l1")):
        line = found[
            (found.run == "hopeless")
            & (found.seed == seed)
            & (found.row == row)
            & (found.part == "all")
            & (found.metric == metric)
        ].iloc[0]
        chosen = images[(images.row == row) & (images.seed.astype(str).eq(seed) | (seed == "all"))]
        assert line["mean"] == pytest.approx(chosen[metric].mean(), rel=1e-5)
        assert line["low"] < line["mean"] < line["high"]
        assert line["n"] == TEST
    assert set(found.direction[found.metric == "l1"]) == {"lower"}
    assert set(found.direction[found.metric == "rank_5"]) == {"higher"}
    assert found.protocol.str.fullmatch(r"made-64:[0-9a-f]{8}").all()


def test_published_numbers_stand_beside_fs2k_sketches_alone(made: Path, text: str, tmp_path: Path):
    assert "Published numbers" not in sections(text)
    write_faces(tmp_path / "data", "fs2k")
    write_run(tmp_path / "data", "drawn", 0, name="fs2k")
    write_run(tmp_path / "data", "photo", 0, name="fs2k", target="photo", channels=3)
    write_report(["drawn", "photo"], [0], tmp_path / "data", tmp_path / "reports")
    section = sections((tmp_path / "reports/report.md").read_text())["Published numbers"]
    head, ours, *others = tables(section)[0]
    assert ours[0] == "`drawn`"
    assert ours[1].startswith("measured here")
    assert ours[head.index("FID ↓")] == ours[head.index("LPIPS ↓")] == "not measured"
    assert {row[1] for row in others} == {"published"}
    assert others[-1] == ["HIDA", "published", "15.06", "0.263", "0.575", "0.551"]
    assert "under another protocol" in section


def test_what_is_not_measured_is_said(text: str):
    section = sections(text)["Not measured"]
    assert all(name in section for name in ("FID", "KID", "LPIPS", "not measured"))


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("evaluate/able/1/summary.json", "evaluate@able-1"),
        ("evaluate/able/1/per_image.parquet", "evaluate@able-1"),
        ("train/able/0/weights/model.json", "train@able-0"),
        ("train/able/0/logs/run.json", "train@able-0"),
        ("faces/dataset.json", "faces"),
    ],
)
def test_what_is_missing_or_damaged_names_its_stage(copy: Path, path: str, stage: str):
    (copy / "data" / path).write_text("[damaged")
    with pytest.raises(SketchFaceError, match=f"{path}: damaged; run `dvc repro {stage}`"):
        write_report(["able"], [0, 1], copy / "data", copy / "reports")
    (copy / "data" / path).unlink()
    with pytest.raises(SketchFaceError, match=f"{path}: missing; run `dvc repro {stage}`"):
        write_report(["able"], [0, 1], copy / "data", copy / "reports")


def test_a_damaged_step_log_is_named(copy: Path):
    log = copy / "data/train/able/1/logs/steps.jsonl"
    log.write_text('{"step": 0, "l1": 1.0}\n{"step": 1, "l1')
    with pytest.raises(SketchFaceError, match=r"steps\.jsonl:2: damaged"):
        write_report(["able"], [0, 1], copy / "data", copy / "reports")


def test_seeds_scored_differently_are_refused(copy: Path):
    rewrite(copy / "data/evaluate/able/1/summary.json", protocol="made-64:00000000")
    with pytest.raises(SketchFaceError, match="by another protocol than seed 0; run `dvc repro ev"):
        write_report(["able"], [0, 1], copy / "data", copy / "reports")


def test_test_faces_that_nobody_accounts_for_are_refused(copy: Path):
    rewrite(copy / "data/evaluate/able/1/summary.json", missing=[])
    words = "accounts for 24 test faces, but there are 27; run `dvc repro evaluate@able-1`"
    with pytest.raises(SketchFaceError, match=words):
        write_report(["able"], [0, 1], copy / "data", copy / "reports")


def test_landmarks_of_other_faces_are_refused(copy: Path):
    rewrite(copy / "data/faces/dataset.json", accepted=87)
    with pytest.raises(SketchFaceError, match=r"of 86 faces, not of the 87 .* repro landmarks"):
        write_report(["able"], [0, 1], copy / "data", copy / "reports")


def test_the_summary_of_another_run_is_refused(copy: Path):
    shutil.rmtree(copy / "data/evaluate/able/1")
    shutil.copytree(copy / "data/evaluate/hopeless/1", copy / "data/evaluate/able/1")
    with pytest.raises(SketchFaceError, match="of run hopeless, seed 1; run `dvc repro evaluate"):
        write_report(["able"], [0, 1], copy / "data", copy / "reports")


def test_the_stage_reads_run_and_seeds_and_fails_in_one_line(copy: Path):
    (copy / "params.yaml").write_text(yaml.safe_dump({"run": ["able"], "seeds": [0, 5]}))
    command = [sys.executable, "-m", "pipeline.report"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"}
    failed = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr == (
        "error: report: data/evaluate/able/5/summary.json: missing; "
        "run `dvc repro evaluate@able-5`\n"
    )
