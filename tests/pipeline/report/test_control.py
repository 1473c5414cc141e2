"""What the report says of edits, feature spread, texture and moved contours."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_control import FACES, add_control, edit_ids, edit_values
from made_runs import IDS, made_summary, write_faces, write_run
from report_files import sections, tables

from pipeline.common.evaluations import CODES_FILE
from pipeline.common.images import encode_png
from pipeline.common.records import Method
from pipeline.common.score_frames import long_frame
from pipeline.common.subsets import ALL, SubsetKind, edits_subset, moved_subset
from pipeline.common.verdicts import Verdict
from pipeline.evaluate.control import landmark_fidelity
from pipeline.evaluate.diversity import OF, difference
from pipeline.report.collect import Result, read_data, read_results
from pipeline.report.findings import judge, statements
from pipeline.report.studies import Claim, Findings, Word
from pipeline.report.write import write_report

SEEDS = [0, 1, 2]
RUNS = ("near", "far")
LEAKAGES = {"near": 0.1, "far": 0.3}
UNANSWERED = {"near": ("made-edit-000000/G1/00",), "far": ("made-edit-000001/G1/01",)}
PHOTO = {"target": "photo", "inputs": ("contour",)}


def moved_lines(run: str, seed: int) -> tuple[pd.DataFrame, ...]:
    """SSIM of moved contours: `near` loses half as much as `far`."""
    summary, few = made_summary(run, seed, **PHOTO), IDS[:6]
    lines = []
    for kind, part in ((SubsetKind.SHIFT, 0), (SubsetKind.SHIFT, 1), (SubsetKind.ROTATION, 1)):
        loss = part * (0.1 if run == "near" else 0.2)
        values = 0.6 - loss + 0.001 * np.arange(6) + 0.0005 * seed
        lines.append(
            long_frame(summary, Method.SYSTEM, moved_subset(kind, part), "ssim", few, values)
        )
    return tuple(lines)


def landmark_lines(run: str, seed: int) -> tuple[pd.DataFrame, ...]:
    """`near` shows a face in every photo, `far` in half of them and farther off."""
    summary = made_summary(run, seed, **PHOTO)
    at = (summary, Method.SYSTEM, ALL)
    chosen = IDS if run == "near" else IDS[::2]
    errors = (2.0 if run == "near" else 6.0) + 0.01 * np.arange(len(chosen))
    detected = np.isin(IDS, chosen).astype(float)
    return (
        long_frame(*at, landmark_fidelity.DETECTED, IDS, detected),
        long_frame(*at, landmark_fidelity.ERROR, chosen, errors),
    )


def diversity_lines(run: str, seed: int) -> tuple[pd.DataFrame, ...]:
    """`near` varies twice as much with its code as `far`, and both alike with faces."""
    at = (made_summary(run, seed, **PHOTO), Method.SYSTEM, ALL)
    values = {"codes": 0.1 if run == "near" else 0.05, "faces": 0.2}
    return tuple(
        long_frame(*at, difference(between, "l1").name, IDS, value + 0.001 * np.arange(len(IDS)))
        for between, value in values.items()
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("control")
    write_faces(folder / "data", "made")
    for run in RUNS:
        for seed in SEEDS:
            out = write_run(folder / "data", run, seed, steps=60, **PHOTO)
            values = edit_values(LEAKAGES[run], seed, UNANSWERED[run])
            spread = 0.2 if run == "near" else 0.8
            lines = moved_lines(run, seed) + landmark_lines(run, seed)
            lines += diversity_lines(run, seed)
            measures = (*landmark_fidelity.MEASURES, *(difference(each, "l1") for each in OF))
            add_control(out, seed, values, spread, lines, measures, planes=seed == SEEDS[0])
            (out / CODES_FILE).write_bytes(encode_png(np.full((40, 60, 3), 90, np.uint8)))
            _log_gradients(folder / "data" / "train" / run / str(seed) / "logs" / "steps.jsonl")
    write_run(folder / "data", "other", 0)
    return folder


def _log_gradients(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    terms = [json.dumps(line | {"grad_L0": 0.1, "grad_L4": 0.01}) for line in lines]
    path.write_text("\n".join(terms) + "\n")


@pytest.fixture(scope="module")
def results(root: Path) -> dict[str, Result]:
    about = read_data(root / "data")
    return {run: read_results(run, SEEDS, root / "data", about)[0] for run in RUNS}


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    write_report(list(RUNS), SEEDS, root / "data", root / "reports")
    return (root / "reports" / "report.md").read_text()


def test_a_face_s_leakage_is_the_mean_of_its_answered_edits(results: dict[str, Result]):
    sample = results["near"].sample("leakage")
    assert sample.count == len(FACES)
    values = edit_values(LEAKAGES["near"], 0, UNANSWERED["near"])
    first = [each["leakage"] for id, each in values.items() if FACES[0] in id and "leakage" in each]
    assert len(first) == 7
    assert sample.faces[0, 0] == pytest.approx(np.mean(first))
    group = results["near"].sample("leakage", subset=edits_subset("G1"))
    own = values["made-edit-000000/G1/01"]["leakage"]  # the other variant has no answer
    assert group.faces[0, 0] == pytest.approx(own)


def test_an_unanswered_edit_lowers_the_rate(results: dict[str, Result]):
    rate = results["near"].sample("answered")
    assert rate.faces[0].tolist() == [7 / 8] + [1.0] * 7


def test_leakage_is_compared_where_both_answer(results: dict[str, Result]):
    near, far = results["near"], results["far"]
    (measure,) = [each for each in near.control_measures if each.name == "leakage"]
    (statement,) = statements(near, far, [measure])
    missing = {id for ids in UNANSWERED.values() for id in ids}
    for run, sample in zip(RUNS, statement.samples, strict=True):
        values = edit_values(LEAKAGES[run], 1, UNANSWERED[run])
        both = {id: each for id, each in values.items() if id not in missing}
        own = [each["leakage"] for id, each in both.items() if id.startswith(FACES[1])]
        assert sample.faces[1, 1] == pytest.approx(np.mean(own))
    assert judge([statement])["verdict"].tolist() == [Verdict.BETTER]


def test_a_training_that_answers_nothing_leaves_nothing_to_compare(tmp_path: Path):
    write_faces(tmp_path, "made")
    for run, silent in (("near", ()), ("mute", tuple(edit_ids()))):
        out = write_run(tmp_path, run, 0, steps=60, **PHOTO)
        add_control(out, 0, edit_values(0.1, 0, silent))
    about = read_data(tmp_path)
    near, mute = (read_results(run, [0], tmp_path, about)[0] for run in ("near", "mute"))
    assert mute.sample("leakage") is None
    said = judge(statements(near, mute, near.control_measures))
    assert "leakage" not in set(said["metric"])
    assert said.set_index("metric")["verdict"]["answered"] == Verdict.BETTER


def test_claims_speak_of_control_by_the_same_rule(results: dict[str, Result]):
    def word(metric: str, subset: str = "all") -> Word:
        claim = Claim("", "near", ("far",), {metric: Verdict.BETTER}, subset)
        return Findings([claim], results).word(claim, metric)

    assert word("leakage") == Word.SUPPORTED
    assert word("leakage", "edits G8") == Word.SUPPORTED
    assert word("spread_L2") == Word.SUPPORTED
    assert word("spread_L0") == Word.UNDECIDED
    assert word("ssim", "shift 1") == Word.SUPPORTED
    assert word("ssim", "shift 0") == Word.UNDECIDED
    assert word("mouth_texture") == Word.NOT_MEASURED
    assert word("answered") == Word.UNDECIDED


def test_untrained_networks_are_rows_of_spread(results: dict[str, Result], text: str):
    made = sections(text)["Control"]
    (spread,) = [each for each in tables(made) if each[0][:2] == ["run", "network"]]
    assert spread[0] == ["run", "network", "L0", "L2"]
    assert [row[:2] for row in spread[1:]] == [
        [f"`{run}`", network] for run in RUNS for network in ("trained", "untrained")
    ]
    for row, run, method in zip(
        spread[1:], np.repeat(RUNS, 2), [Method.SYSTEM, Method.UNTRAINED] * 2, strict=True
    ):
        mean = results[run].sample("spread_L2", method).seeds.mean()
        assert row[3].startswith(f"{mean:.3f} ± ")
    groups = [each for each in tables(made) if each[0][:3] == ["group", "run", "network"]]
    assert len(groups[0]) == 1 + 4 * 2 * 2


def test_tables_of_edits_hold_rates_leakage_and_the_true_photos(text: str):
    made = tables(sections(text)["Control"])
    edits = made[0]
    assert [row[0] for row in edits[1:]] == ["`near`", "`far`"]
    assert edits[1][1].startswith("0.984")  # 63 of 64
    assert edits[1][3] == "0.050"  # 0.01 outside by 0.2 inside
    assert edits[1][4] == "64, of 8 faces"
    groups = made[1]
    assert [row[0] for row in groups[1::2]] == [
        "G1 hair",
        "G5 eye shape",
        "G7 graffiti",
        "G8 mouth",
    ]
    assert groups[1][4:] == ["10.000", groups[1][5], "20.000", "1.000"]


def test_moved_contours_stand_in_a_table_and_pairs_in_another(text: str):
    made = tables(sections(text)["Control"])
    (moved,) = [each for each in made if each[0][:2] == ["run", "by"]]
    assert moved[0] == ["run", "by", "not moved", "shift 25 px", "rotation 7 °"]
    assert moved[1][2].startswith("0.603")
    assert moved[1][3].startswith("0.503")
    pairs = made[-1]
    assert pairs[1][0] == "`near` … than `far`"
    said = dict(zip(pairs[0], pairs[1], strict=True))
    assert said["leakage ↓"] == "better"
    assert said["SSIM, shift 25 px"] == "better"
    assert said["edits that both answer"] == "62 of 64 (96.9 %)"


def test_faces_in_the_photos_have_a_table(text: str):
    made = tables(sections(text)["Control"])
    heads = ["run", "faces detected ↑", "landmark error, % of outer-eye distance ↓"]
    ((_, near, far),) = [each for each in made if each[0] == heads]
    assert near[1].startswith("1.000")
    assert far[1].startswith("0.500")
    assert far[2].startswith("6.0")


def test_differences_between_codes_and_between_faces_have_a_table(root: Path, text: str):
    made = tables(sections(text)["Control"])
    heads = ["run", "difference of two codes, L1 (0..1) ↑", "difference of two faces, L1 (0..1) ↑"]
    ((_, near, far),) = [each for each in made if each[0] == heads]
    assert near[1].startswith("0.11")
    assert far[1].startswith("0.06")
    assert near[2] == far[2]
    page = (root / "reports" / "index.html").read_text()
    for run in RUNS:
        assert f"Test faces generated by {run}, seed 0, each from the same random codes" in page


def test_control_stays_out_of_the_tables_of_pictures(text: str):
    parts = sections(text)
    for title in ("At a glance", "Comparison", "Run `near`"):
        assert "leakage" not in parts[title]
        assert "spread" not in parts[title]
    rows = tables(parts["Run `near`"])[0]
    assert len(rows) == 1 + 4  # the system and three baselines, no untrained network


def test_the_page_has_planes_curves_and_gradients(root: Path, text: str):
    page = (root / "reports" / "index.html").read_text()
    alts = re.findall(r'<img[^>]* alt="([^"]+)"', page)
    for start in ("PCA of the vectors", "t-SNE of the vectors", "SSIM with the true", "Norms of"):
        assert sum(alt.startswith(start) for alt in alts) == 1
    losses = [alt for alt in alts if alt.startswith("Loss curves")]
    assert losses
    assert not any("grad_" in alt for alt in losses)
    curves = pd.read_csv(root / "reports" / "curves.csv")
    assert {"grad_L0", "grad_L4"} <= set(curves["term"])
    scores = pd.read_csv(root / "reports" / "scores.csv")
    chosen = scores.query("metric == 'spread_L2' and subset == 'edits G5' and seed == 'all'")
    assert set(chosen["method"]) == {"system", "untrained"}


def test_reports_without_control_have_no_section(made: Path):
    text = (made / "reports" / "report.md").read_text()
    assert "Control" not in sections(text)
    assert "pictures Control" not in text


def detected_in_part(run: str, lost: int, results: dict[str, Result]) -> Result:
    """A run that errs alike on every face, without a value of face `lost` and of one by seed."""
    evaluations = []
    for seed in SEEDS:
        summary = replace(made_summary(run, seed, **PHOTO), measures=landmark_fidelity.MEASURES)
        detected = [n for n in range(len(IDS)) if n not in (lost, 2 + seed)]
        errors = [2.0 + 3 * n for n in detected]
        ids = [IDS[n] for n in detected]
        at = (summary, Method.SYSTEM, ALL, landmark_fidelity.ERROR)
        lines = long_frame(*at, ids, errors)
        whole = results["near"].evaluations[seed]
        evaluations.append(replace(whole, summary=summary, scores=lines))
    return Result(run, run, tuple(evaluations), results["near"].trainings)


def test_faces_without_a_value_in_some_training_are_left_out_of_both_sides(
    results: dict[str, Result],
):
    first = detected_in_part("first", 0, results)
    second = detected_in_part("second", 1, results)
    (measure,) = [m for m in first.control_measures if m.name == landmark_fidelity.ERROR]
    assert first.sample(measure.name).count == len(IDS) - 1 - len(SEEDS)
    (statement,) = statements(first, second, [measure])
    assert [each.count for each in statement.samples] == [len(IDS) - 2 - len(SEEDS)] * 2
    (said,) = judge([statement]).to_dict("records")
    assert said["difference"] == 0
    assert said["verdict"] == Verdict.UNDECIDED
