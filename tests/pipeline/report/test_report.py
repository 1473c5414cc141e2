import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from made_runs import SHARED, STYLES, TEST, write_faces, write_run
from report_files import METRICS, measured, sections, tables
from scipy import stats

from pipeline.common.verdicts import Scope
from pipeline.report.collect import read_data, read_results
from pipeline.report.findings import judge, statements
from pipeline.report.sections import described
from pipeline.report.write import write_report
from sketchface_models.errors import SketchFaceError

ROOT = Path(__file__).resolve().parents[3]
LABELS = {
    "the input itself": "input",
    "the mean training target": "mean",
    "another face's target": "other",
}
SEEDS = [0, 1, 2]
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
    head, *rows = tables(sections(text)[f"Run `{run}`"])[0]
    assert [row[0] for row in rows] == [f"**{run}**, 3 seeds", *LABELS]
    for name, *cells in rows:
        method = LABELS.get(name, "system")
        for title, cell in zip(head[1:], cells, strict=True):
            if title.startswith("parser"):
                continue  # of the whole set: test_studies
            if title.startswith("rank-"):
                k = int(title[5])
                ranks = measured(made, run, SEEDS, "rank", method)
                assert f"(chance {100 * k / TEST:.1f} %)" in title
                assert cell == f"{100 * (ranks <= k).to_numpy().mean():.1f} %"
                continue
            metric = METRICS[title.split()[0]]
            places = 2 if metric == "psnr" else 3
            values = measured(made, run, SEEDS, metric, method)
            assert float(cell.split()[0]) == round(values.to_numpy().mean(), places)
            assert title.endswith("↓" if metric == "l1" else "↑")
            if method == "system":
                spread = values.mean(axis=1).std()
                assert f"± {spread:.{places}f} [" in cell
            else:
                assert "±" not in cell


def test_subsets_are_pooled_over_images_and_seeds_as_by_hand(made: Path, text: str):
    images = measured(made, "able", SEEDS, "ssim")
    odd = np.array(STYLES) == 1
    masks = {
        "all": odd | True,
        "style 1": odd,
        "style 2": ~odd,
        "without shared photos": ~images.columns.isin(SHARED),
    }
    head, *rows = tables(sections(text)["Run `able`"])[2]
    assert [row[0] for row in rows] == list(masks)
    for name, number, *cells in rows:
        values = images.to_numpy()[:, masks[name]]
        assert int(number) == values.shape[1]
        seeds, faces = values.mean(axis=1), values.mean(axis=0)
        parts = np.array([seeds.var(ddof=1) / 3, faces.var(ddof=1) / len(faces)])
        freedom = parts.sum() ** 2 / (parts**2 / [2, len(faces) - 1]).sum()
        half = stats.t.ppf(0.975, freedom) * np.sqrt(parts.sum())
        mean = values.mean()
        expected = f"{mean:.3f} ± {seeds.std(ddof=1):.3f} [{mean - half:.3f}, {mean + half:.3f}]"
        assert cells[head[2:].index("SSIM ↑")] == expected


def test_one_seed_says_nothing_of_systems(made: Path, tmp_path: Path):
    write_report(["able", "hopeless"], [1], made / "data", tmp_path)
    text = (tmp_path / "report.md").read_text()
    found = sections(text)
    head, ours, *_ = tables(found["Run `able`"])[0]
    values = measured(made, "able", [1], "fsim").to_numpy()[0]
    low, high = stats.t.interval(0.95, TEST - 1, values.mean(), stats.sem(values))
    assert ours[0] == "**able**, 1 seed"
    assert ours[head.index("FSIM ↑")] == f"{values.mean():.3f} [{low:.3f}, {high:.3f}]"
    assert "**nothing is said of the systems**" in found["How to read the numbers"]
    assert "these trained networks on these faces, and not on systems" in found["Comparison"]
    assert "the pictures of the first network of each line" in found["Comparison"]
    assert "this trained network (nothing is said of the system)" in found["Run `able`"]
    assert "first system" not in text
    assert "The system's pictures" not in text
    assert "±" not in text


def test_three_seeds_speak_of_systems(text: str):
    found = sections(text)
    assert "the pictures of the first system of each line are" in found["Comparison"]
    assert "The system's pictures are:" in found["Run `able`"]
    assert "trained network" not in text
    assert "one says *better* or *worse* by chance" not in text


def test_pictures_of_other_code_count_once_whatever_the_seeds(copy: Path):
    for seed in (0, 1, 2):
        card = copy / "data" / "train" / "hopeless" / str(seed) / "weights" / "model.json"
        rewrite(card, model=json.loads(card.read_text())["model"] | {"system": "pictures"})
    able, foreign = (
        read_results(run, [0, 1, 2], copy / "data", read_data(copy / "data"))[0]
        for run in ("able", "hopeless")
    )
    assert (able.seeds, foreign.seeds) == ([0, 1, 2], [0])
    (said,) = judge(statements(able, foreign, able.measures[:1])).to_dict("records")
    assert said["scope"] == Scope.NETWORKS
    write_report(["able", "hopeless"], [0, 1, 2], copy / "data", copy / "reports")
    parts = sections((copy / "reports" / "report.md").read_text())
    rows = [row[0] for row in tables(parts["Run `hopeless`"])[0]]
    assert rows[1] == "**hopeless**, 1 seed"
    assert "not on systems" in parts["Comparison"]


def test_verdict_words(made: Path, text: str, tmp_path: Path):
    for run, word in (("able", "better"), ("hopeless", "worse")):
        verdicts = tables(sections(text)[f"Run `{run}`"])[1][1:]
        assert [row[0] for row in verdicts] == [f"… than {label}" for label in LABELS]
        assert {cell for row in verdicts for cell in row[1 : 1 + len(METRICS)]} == {word}
    shutil.copytree(made / "data", tmp_path / "data")
    for seed in SEEDS:
        write_run(tmp_path / "data", "even", seed, 0.0, shared=SHARED)
    write_report(["even", "able"], SEEDS, tmp_path / "data", tmp_path / "reports")
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
    shutil.rmtree(copy / "data/evaluate/able/1")
    shutil.rmtree(copy / "data/train/able/1")
    write_run(copy / "data", "able", 1, -1.0, shared=SHARED)
    write_report(["able"], SEEDS[:2], copy / "data", copy / "reports")
    reason = "finds the right target no more often than chance (seed 1 only).**"
    assert reason in (copy / "reports/report.md").read_text()
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
    assert "3 test faces could not be generated and are missing" in section
    assert "- 2 without depth: `face-90`, `face-91`" in section
    assert "- 1 empty file (0 bytes); fetch it again: `c`" in section
    assert "24 of 27 faces; missing: `c`, `face-90`, `face-91`\n" in section
    assert "No test face is missing" not in section


def test_that_nothing_is_missing_is_said(made: Path, tmp_path: Path):
    shutil.copytree(made / "data", tmp_path / "data")
    rewrite(tmp_path / "data/evaluate/able/0/sketch/summary.json", missing=[])
    about = json.loads((made / "data/faces/dataset.json").read_text())
    rewrite(tmp_path / "data/faces/dataset.json", splits=about["splits"] | {"test": TEST})
    quarantine = tmp_path / "data/faces/quarantine.parquet"
    pd.read_parquet(quarantine).drop(columns="split").to_parquet(quarantine)
    write_report(["able"], [0], tmp_path / "data", tmp_path)
    assert "No test face is missing." in (tmp_path / "report.md").read_text()


def test_many_missing_faces_are_named_once_in_full(copy: Path):
    missing = [{"id": f"m{i}", "split": "test", "style": 1, "reason": "lost"} for i in range(5)]
    rewrite(copy / "data/evaluate/able/0/sketch/summary.json", missing=missing)
    splits = {"train": 1058, "val": 0, "test": 28}
    rewrite(copy / "data/faces/dataset.json", splits=splits)
    write_report(["able"], SEEDS[:1], copy / "data", copy / "reports")
    text = (copy / "reports/report.md").read_text()
    assert "24 of 29 faces; missing: `m0`, `m1`, `m2` and 2 more\n" in text
    assert "- 5 lost: `m0`, `m1`, `m2`, `m3`, `m4`" in text


def test_a_lost_test_face_that_a_run_does_not_name_is_noticed(copy: Path):
    summary = json.loads((copy / "data/evaluate/able/0/sketch/summary.json").read_text())
    named = [face for face in summary["missing"] if face["id"] != "c"]
    rewrite(copy / "data/evaluate/able/0/sketch/summary.json", missing=named)
    with pytest.raises(SketchFaceError, match="accounts for 26 test faces, but there are 27"):
        write_report(["able"], SEEDS, copy / "data", copy / "reports")


def test_provenance(text: str):
    section = sections(text)["Run `able`"]
    for words in (
        "made, test split",
        "450 steps, 3,600 images seen, at 64 × 64 pixels",
        r"hardware: Abacus \<9000\>, 2 cores",
        "precision: 32-true",
        "commit: 0123456789ab\n",
        "photo → sketch",
        "3 seeds (0, 1, 2)",
        "network: width 32, init\\_std 0.02\n",
        "schedule: steps 450, batch 8\n",
    ):
        assert words in section


def test_an_unpaired_run_says_how_many_pictures_of_each_kind_it_saw(copy: Path):
    path = copy / "data/train/able/0/weights/model.json"
    model = json.loads(path.read_text())["model"]
    rewrite(path, model=model | {"task": model["task"] | {"unpaired": True}})
    write_report(["able"], SEEDS[:1], copy / "data", copy / "reports")
    text = (copy / "reports/report.md").read_text()
    assert "450 steps, 3,600 images seen of each kind, at 64 × 64 pixels" in text


def test_a_system_is_explained_once_where_its_first_run_is(text: str):
    explained = described("pix2pix")
    assert "Source: " in explained
    assert text.count(explained) == 1
    assert explained in sections(text)["Run `able`"]


def test_a_system_that_nobody_explained_is_none_the_worse():
    assert described("unknown") == ""


def test_a_stale_run_or_seed_changes_nothing(made: Path, copy: Path):
    for name in ("able/7", "ghost/0"):
        for part in ("evaluate", "train"):
            folder = copy / "data" / part / name
            folder.mkdir(parents=True)
            (folder / "summary.json").write_text("not JSON")
    write_report(["able", "hopeless"], SEEDS, copy / "data", copy / "again")
    for name in OUTPUTS:
        assert (copy / "again" / name).read_bytes() == (made / "reports" / name).read_bytes()


def test_runs_that_were_measured_otherwise_or_on_other_faces_are_not_ranked(copy: Path):
    changes = {"size": 32, "target": "photo", "inputs": ["photo", "depth"]}
    for key, value in changes.items():
        write_run(copy / "data", f"other-{key}", 0, 1.0, shared=SHARED, **{key: value})
    for name in ("faces", "scores"):
        path = copy / f"data/evaluate/hopeless/0/sketch/{name}.parquet"
        frame = pd.read_parquet(path)
        frame["id"] = frame["id"].replace("face-23", "face-99")
        frame.to_parquet(path)
    runs = ["able", "hopeless", *(f"other-{key}" for key in changes)]
    write_report(runs, [0], copy / "data", copy / "reports")
    comparison = sections((copy / "reports/report.md").read_text())["Comparison"]
    assert tables(comparison) == []
    assert comparison.count("has no run to be compared with") == len(runs)


def test_a_run_that_sees_the_target_is_marked(copy: Path):
    rewrite(copy / "data/evaluate/able/0/sketch/summary.json", sees_target=True)
    write_report(["able", "hopeless"], [0], copy / "data", copy / "reports")
    found = sections((copy / "reports/report.md").read_text())
    overview = tables(found["At a glance"])[0]
    assert [row[1] for row in overview[1:]] == [
        "photo → sketch (*sees the target*)",
        "photo → sketch",
    ]
    assert tables(found["Run `able`"])[0][1][0] == "**able**, 1 seed (*sees the target*)"
    (_, line) = tables(found["Comparison"])[0]
    assert line[0] == "`able` (*sees the target*) … than `hopeless`"


def test_metrics_json_is_flat_rounded_and_says_what_it_was_measured_by(made: Path):
    found = json.loads((made / "reports/metrics.json").read_text())
    assert list(found) == ["able", "hopeless"]
    expected: dict[str, object] = {
        metric: round(measured(made, "able", SEEDS, metric).to_numpy().mean(), 4)
        for metric in METRICS.values()
    }
    ranks = measured(made, "able", SEEDS, "rank").to_numpy()
    expected |= {f"rank_{k}": round((ranks <= k).mean(), 4) for k in (1, 5)}
    sets = {name for name in found["able"] if name.startswith("parser_")}
    assert sets == {"parser_frechet", "parser_kernel"}
    able = {name: value for name, value in found["able"].items() if name not in sets}
    protocol = able.pop("protocol")
    assert re.fullmatch(r"made-64:[0-9a-f]{8}", protocol)
    assert able == expected | {"learned": 1, "faces": TEST, "seeds": 3}
    assert found["hopeless"]["learned"] == 0
    assert found["hopeless"]["protocol"] == protocol


def test_dvc_metrics_diff_shows_that_protocols_differ(copy: Path):
    """The same metric has one key in both; beside its difference stand both tags."""

    def command(*words: str) -> str:
        environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
        words = (sys.executable, "-m", "dvc", *words) if words[0] != "git" else words
        return subprocess.run(
            words, cwd=copy, env=environment, capture_output=True, text=True, check=True
        ).stdout

    command("git", "init", "-q")
    command("init", "-q")
    (copy / "dvc.yaml").write_text("metrics:\n  - reports/metrics.json\n")
    command("git", "add", "dvc.yaml", ".dvc", "reports/metrics.json")
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command("git", *identity, "commit", "-qm", "one")
    metrics = json.loads((copy / "reports/metrics.json").read_text())
    metrics["able"] |= {"protocol": "made-32:0123abcd", "ssim": 0.25}
    (copy / "reports/metrics.json").write_text(json.dumps(metrics))
    lines = {tuple(line.split()[1:2]): line for line in command("metrics", "diff").splitlines()[1:]}
    assert set(lines) == {("able.protocol",), ("able.ssim",)}
    assert "made-64:" in lines[("able.protocol",)]
    assert "made-32:0123abcd" in lines[("able.protocol",)]


def test_scores_csv_holds_every_number(made: Path):
    found = pd.read_csv(made / "reports/scores.csv", dtype={"seed": str})
    keys = ["run", "output", "seed", "method", "subset", "metric"]
    assert not found.duplicated(keys).any()
    assert set(found.seed) == {"0", "1", "2", "all"}
    chosen = found.query("run == 'hopeless' and subset == 'all'").set_index(
        ["seed", "method", "metric"]
    )
    for seed, method, metric in (
        ("1", "system", "psnr"),
        ("0", "mean", "l1"),
        ("all", "system", "l1"),
    ):
        line = chosen.loc[(seed, method, metric)]
        seeds = SEEDS if seed == "all" else [int(seed)]
        values = measured(made, "hopeless", seeds, metric, method)
        assert line["mean"] == pytest.approx(values.to_numpy().mean(), rel=1e-5)
        assert line["low"] < line["mean"] < line["high"]
        assert line["count"] == TEST
        if seed == "all":
            assert line["spread"] == pytest.approx(values.mean(axis=1).std(), rel=1e-5)
        else:
            assert np.isnan(line["spread"])
    assert set(found.direction[found.metric == "l1"]) == {"lower"}
    assert set(found.direction[found.metric == "rank_5"]) == {"higher"}
    assert found.protocol.str.fullmatch(r"made-64:[0-9a-f]{8}").all()


def test_published_numbers_stand_beside_fs2k_sketches_alone(made: Path, text: str, tmp_path: Path):
    assert "Published numbers" not in sections(text)
    write_faces(tmp_path / "data", "fs2k")
    write_run(tmp_path / "data", "sketches", 0, name="fs2k")
    write_run(tmp_path / "data", "photos", 0, name="fs2k", target="photo")
    write_report(["sketches", "photos"], [0], tmp_path / "data", tmp_path / "reports")
    section = sections((tmp_path / "reports/report.md").read_text())["Published numbers"]
    head, ours, *others = tables(section)[0]
    assert ours[0] == "`sketches`"
    assert ours[1].startswith("measured here")
    assert ours[head.index("FID ↓")] == ours[head.index("LPIPS ↓")] == "not measured"
    assert {row[1] for row in others} == {"published"}
    assert others[-1] == ["HIDA", "published", "15.06", "0.263", "0.575", "0.551"]
    assert "under another protocol" in section


def test_what_is_not_measured_is_said(text: str):
    section = sections(text)["Not measured"]
    assert all(name in section for name in ("FID", "KID", "LPIPS", "not measured"))
    assert "- **FID**: models/judges/fid.pth: missing; put it there" in section


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("evaluate/able/1/sketch/summary.json", "evaluate@able-1"),
        ("evaluate/able/1/sketch/scores.parquet", "evaluate@able-1"),
        ("evaluate/able/1/sketch/resampled.parquet", "evaluate@able-1"),
        ("train/able/0/weights/model.json", "train@able-0"),
        ("train/able/0/logs/run.json", "train@able-0"),
        ("faces/dataset.json", "faces"),
    ],
)
def test_what_is_missing_or_damaged_names_its_stage(copy: Path, path: str, stage: str):
    (copy / "data" / path).write_text("[damaged")
    with pytest.raises(SketchFaceError, match=f"{path}: damaged; run `dvc repro {stage}`"):
        write_report(["able"], SEEDS, copy / "data", copy / "reports")
    (copy / "data" / path).unlink()
    with pytest.raises(SketchFaceError, match=f": missing; run `dvc repro {stage}`"):
        write_report(["able"], SEEDS, copy / "data", copy / "reports")


def test_a_missing_sheet_names_its_stage(copy: Path):
    (copy / "data/evaluate/able/0/sketch/samples.png").unlink()
    with pytest.raises(
        SketchFaceError, match=r"samples\.png: missing; run `dvc repro evaluate@able-0"
    ):
        write_report(["able"], SEEDS[:1], copy / "data", copy / "reports")


def test_a_damaged_step_log_is_named(copy: Path):
    log = copy / "data/train/able/1/logs/steps.jsonl"
    log.write_text('{"step": 0, "l1": 1.0}\n{"step": 1, "l1')
    with pytest.raises(SketchFaceError, match=r"steps\.jsonl:2: damaged"):
        write_report(["able"], SEEDS, copy / "data", copy / "reports")


def test_seeds_scored_differently_are_refused(copy: Path):
    rewrite(copy / "data/evaluate/able/1/sketch/summary.json", protocol="made-64:00000000")
    with pytest.raises(SketchFaceError, match="by another protocol than seed 0; run `dvc repro ev"):
        write_report(["able"], SEEDS, copy / "data", copy / "reports")


def test_test_faces_that_nobody_accounts_for_are_refused(copy: Path):
    rewrite(copy / "data/evaluate/able/1/sketch/summary.json", missing=[])
    words = "accounts for 24 test faces, but there are 27; run `dvc repro evaluate@able-1`"
    with pytest.raises(SketchFaceError, match=words):
        write_report(["able"], SEEDS, copy / "data", copy / "reports")


def test_landmarks_of_other_faces_are_refused(copy: Path):
    rewrite(copy / "data/faces/dataset.json", accepted=87)
    with pytest.raises(SketchFaceError, match=r"of 86 faces, not of the 87 .* repro landmarks"):
        write_report(["able"], SEEDS, copy / "data", copy / "reports")


def test_the_summary_of_another_run_is_refused(copy: Path):
    shutil.rmtree(copy / "data/evaluate/able/1")
    shutil.copytree(copy / "data/evaluate/hopeless/1", copy / "data/evaluate/able/1")
    with pytest.raises(SketchFaceError, match="of run hopeless, seed 1; run `dvc repro evaluate"):
        write_report(["able"], SEEDS, copy / "data", copy / "reports")


def test_the_stage_reads_run_and_seeds_and_fails_in_one_line(copy: Path):
    (copy / "params.yaml").write_text(yaml.safe_dump({"run": ["able"], "seeds": [0, 5]}))
    command = [sys.executable, "-m", "pipeline.report"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"}
    failed = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr == (
        "error: report: data/train/able/5/weights/model.json: missing; "
        "run `dvc repro train@able-5`\n"
    )


def test_several_outputs_of_a_run_are_reported_each_by_itself(tmp_path: Path):
    data = tmp_path / "data"
    write_faces(data, "made")
    for seed in (0, 1):
        folder = write_run(data, "both", seed, 2.0)
        write_run(tmp_path / "other", "both", seed, 1.0, target="photo")
        shutil.copytree(tmp_path / f"other/evaluate/both/{seed}/photo", folder.parent / "photo")
    write_report(["both"], [0, 1], data, tmp_path / "reports")
    found = sections((tmp_path / "reports/report.md").read_text())
    assert {"Run `both: photo`", "Run `both: sketch`"} <= set(found)
    assert "\n1 run from 2 seeds each" in (tmp_path / "reports/report.md").read_text()
    assert found["Comparison"].count("has no run to be compared with") == 2
    metrics = json.loads((tmp_path / "reports/metrics.json").read_text())["both"]
    assert list(metrics) == ["photo", "sketch"]
    assert metrics["sketch"]["ssim"] > metrics["photo"]["ssim"]
    page = (tmp_path / "reports/index.html").read_text()
    assert page.count('alt="Sample sheet of both: ') == 2
    curves = pd.read_csv(tmp_path / "reports/curves.csv")
    assert not curves.duplicated(["run", "seed", "step", "term"]).any()
