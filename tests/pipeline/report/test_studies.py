"""What the report says of a published table's claims, and of sets of drawings."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_runs import IDS, STYLES, TEST, write_faces, write_run
from report_files import measured, sections, tables

from pipeline.compose import compose
from pipeline.evaluate.setfile import read_sets
from pipeline.report.collect import Run, Trained, read_data, read_run
from pipeline.report.studies import (
    NOT_MEASURED,
    NOT_RANKED,
    NOT_RUN,
    STUDIES,
    Claim,
    read_studies,
    studied,
    verdict,
    word,
)
from pipeline.report.write import write_report
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.bootstrap import compare
from sketchface_models.metrics.sets import SET_METRICS, set_interval

SKILLS = {"hida-base": 1.0, "hida-depth": 2.0, "hida-dyspade": 2.0, "hida": 3.0}
"""hida-infoacon was never run."""
TITLE = "Study: what each module of HIDA adds"
HITS = {"hida-base": 0.2, "hida-depth": 0.5, "hida-dyspade": 0.5, "hida": 0.95}


def with_styles(summary: Path, rate: float, seed: int) -> None:
    """Add what `evaluate` says of styles: both are drawn at this rate, a face as another."""
    draw = np.random.default_rng([seed, round(100 * rate)])
    by_style = {style: (draw.random(TEST) < rate).astype(int).tolist() for style in ("1", "2")}
    means = np.mean(list(by_style.values()), axis=0)
    real = {"n": TEST, "accuracy": 0.9, "balanced_accuracy": 0.9, "rates": {"1": 0.9, "2": 0.9}}
    styled = {
        "faces": TEST,
        "source": "photo_1",
        "chance": 0.5,
        "rates": {style: float(np.mean(hits)) for style, hits in by_style.items()},
        "real": real,
        "classifier": {"as they are": real, "softened": real},
        "hits": dict(zip(IDS, means.tolist(), strict=True)),
        "hits_by_style": by_style,
    }
    found = json.loads(summary.read_text())
    summary.write_text(json.dumps(found | {"style": styled}))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four of the five runs of HIDA's Table 2, from two seeds."""
    root = tmp_path_factory.mktemp("studies")
    write_faces(root / "data", "made")
    for run, skill in SKILLS.items():
        for seed in (0, 1):
            write_run(root / "data", run, seed, skill, steps=60)
    return root


@pytest.fixture(scope="module")
def runs(project: Path) -> dict[str, Run]:
    about = read_data(project / "data")
    return {name: read_run(name, [0, 1], project / "data", about) for name in SKILLS}


@pytest.fixture(scope="module")
def text(project: Path) -> str:
    write_report(list(SKILLS), [0, 1], project / "data", project / "reports")
    return (project / "reports" / "report.md").read_text()


def claim(ours: str, theirs: list[str], part: str = "all", **expected: str) -> Claim:
    return Claim("", ours, tuple(theirs), expected, part)


def test_a_claim_is_supported_or_contradicted_by_a_significant_difference(runs: dict[str, Run]):
    better = claim("hida-depth", ["hida-base"], ssim="better", l1="worse", parser_kernel="better")
    assert verdict(better, "ssim", runs) == "supported"
    assert verdict(better, "l1", runs) == "contradicted"
    assert verdict(better, "parser_kernel", runs) == "supported"
    same = claim("hida-dyspade", ["hida-depth"], ssim="better")
    own, other = (runs[name].values("model", "ssim") for name in ("hida-dyspade", "hida-depth"))
    assert compare(own, other, "higher").verdict == "undecided"
    assert verdict(same, "ssim", runs) == "undecided"


def test_a_claim_about_several_runs_takes_all_of_them(runs: dict[str, Run]):
    best = claim("hida", ["hida-base", "hida-depth"], ssim="better")
    assert verdict(best, "ssim", runs) == "supported"
    absent = claim("hida", ["hida-base", "hida-infoacon"], ssim="better")
    assert verdict(absent, "ssim", runs) == NOT_RUN
    doubtful = claim("hida-depth", ["hida-base", "hida-dyspade"], ssim="better")
    assert verdict(doubtful, "ssim", runs) == "undecided"
    beaten = claim("hida-depth", ["hida-infoacon", "hida-dyspade", "hida"], ssim="better")
    assert verdict(beaten, "ssim", runs) == "contradicted"


def test_what_no_network_here_measures_is_not_measured(runs: dict[str, Run]):
    for metric in ("fid", "lpips", "style"):
        said = claim("hida", ["hida-base"], **{metric: "better"})
        assert verdict(said, metric, runs) == NOT_MEASURED


def test_a_frechet_distance_of_few_faces_decides_nothing(runs: dict[str, Run]):
    assert SET_METRICS["parser_frechet"].least > TEST
    assert word(runs["hida"], runs["hida-base"], "parser_frechet") == "undecided"


def test_styles_are_compared_by_their_own_faces(runs: dict[str, Run]):
    ours, theirs = runs["hida"], runs["hida-base"]
    chosen = np.array(STYLES) == 2
    values = [run.values("model", "fsim")[:, chosen] for run in (ours, theirs)]
    assert word(ours, theirs, "fsim", "style 2") == compare(*values, "higher").verdict
    assert word(ours, theirs, "fsim", "style 9") == NOT_MEASURED
    apart = ours.set_scores("model", "parser_kernel", "style 2")
    assert [score.n for score in apart] == [TEST // 2] * 2
    assert word(ours, theirs, "parser_kernel", "style 2") == "better"


def test_runs_that_were_scored_otherwise_are_not_ranked(runs: dict[str, Run]):
    def other(trained: Trained) -> Trained:
        return replace(trained, summary=trained.summary | {"protocol": "other:00000000"})

    strange = Run("hida", tuple(other(each) for each in runs["hida"].trained))
    assert word(strange, runs["hida-base"], "ssim") == NOT_RANKED


def test_style_fidelity_is_compared_face_by_face(project: Path, tmp_path: Path):
    data = tmp_path / "data"
    shutil.copytree(project / "data", data)
    for run, rate in HITS.items():
        for seed in (0, 1):
            with_styles(data / "evaluate" / run / str(seed) / "summary.json", rate, seed)
    about = read_data(data)
    runs = {name: read_run(name, [0, 1], data, about) for name in SKILLS}
    assert verdict(claim("hida", ["hida-base"], style="better"), "style", runs) == "supported"
    low = claim("hida-base", ["hida"], "style 1", style="worse")
    assert verdict(low, "style", runs) == "supported"
    none = claim("hida-base", ["hida"], "style 3", style="worse")
    assert verdict(none, "style", runs) == NOT_MEASURED


def test_the_section_stands_with_what_there_is(text: str):
    section = sections(text)[TITLE]
    assert "Not run, and so not in the tables: `hida-infoacon`." in section
    assert "published numbers are from FS2K, and the runs here saw other faces (made)" in section
    head, *rows = tables(section)[0]
    assert head[:6] == ["", "origin", "FID ↓", "LPIPS ↓", "SCOOT ↑", "FSIM ↑"]
    published = {row[0]: row[2:6] for row in rows if row[1] == "published"}
    assert published["B: A + depth"] == ["20.10", "0.307", "0.489", "0.543"]
    assert len(published) == 5
    own = {row[0]: row for row in rows if row[1] == "measured here"}
    assert list(own) == [
        "A: base (`hida-base`)",
        "B: A + depth (`hida-depth`)",
        "C: B + DySPADE (`hida-dyspade`)",
        "full: D + DOG (`hida`)",
    ]
    assert {row[2] for row in own.values()} == {row[3] for row in own.values()} == {NOT_MEASURED}


def test_its_numbers_are_those_of_the_images(project: Path, text: str):
    head, *rows = tables(sections(text)[TITLE])[0]
    images = measured(project, "hida", [0, 1]).query("row == 'model'")
    (own,) = [row for row in rows if row[0].startswith("full") and row[1] == "measured here"]
    for label, metric in (("SCOOT ↑", "scoot"), ("SSIM ↑", "ssim")):
        assert float(own[head.index(label)].split()[0]) == round(images[metric].mean(), 3)
    folders = [project / "data/evaluate/hida" / str(seed) for seed in (0, 1)]
    scores = [read_sets(each / "sets.parquet")["model"]["all"] for each in folders]
    expected = set_interval([each["parser_kernel"] for each in scores])
    cell = f"{expected.mean:.4f} [{expected.low:.4f}, {expected.high:.4f}]"
    assert own[head.index("parser kernel ↓")] == cell
    mean = np.mean([each["parser_frechet"].value for each in scores])
    assert own[head.index("parser Fréchet ↓")].startswith(f"{mean:.3f}† [")


def test_claims_have_verdicts_and_are_counted(text: str):
    section = sections(text)[TITLE]
    head, *rows = tables(section)[1]
    assert head[2:] == ["FID ↓", "LPIPS ↓", "SCOOT ↑", "FSIM ↑"]
    said = {row[0]: row[2:] for row in rows}
    assert said["DySPADE improves on the model with depth"] == [NOT_MEASURED] * 2 + ["–"] * 2
    depth = "Depth alone does not help throughout: FID, LPIPS and SCOOT get worse, FSIM better"
    assert said[depth] == [NOT_MEASURED] * 2 + ["contradicted", "supported"]
    assert said["DOG improves on the model with InfoACON"] == [NOT_MEASURED] * 2 + [NOT_RUN] * 2
    tally = re.search(r"Of (\d+) statements about one measure: (.*?)\.", section)
    assert tally is not None
    words = [cell for row in rows for cell in row[2:] if cell != "–"]
    assert int(tally[1]) == len(words)
    found = {name: int(number) for number, name in (s.split(" ", 1) for s in tally[2].split(", "))}
    assert found == {name: words.count(name) for name in set(words)}


def test_pairs_and_styles_are_those_of_the_comparison(text: str):
    found = sections(text)
    (_, *compared) = tables(found["Comparison"])[0]
    general = {row[0]: row[1:] for row in compared}
    pairs = next(t for t in tables(found[TITLE]) if t[1][0].startswith("`hida"))
    flip = {"better": "worse", "worse": "better"}
    lines = {row[0]: dict(zip(pairs[0][1:], row[1:], strict=True)) for row in pairs[1:]}
    turned = general["`hida-base` … than `hida`"]
    labels = tables(found["Comparison"])[0][0][1:]
    for label, said in zip(labels, turned, strict=True):
        assert lines["`hida` … than `hida-base`"][label] == flip.get(said, said)
    styles = tables(found[TITLE])[-1]
    assert [row[0] for row in styles[1:]] == ["style 1"] * 4 + ["style 2"] * 4


def test_a_study_of_which_one_run_was_run_is_left_out(text: str, project: Path, tmp_path: Path):
    assert [title for title in sections(text) if title.startswith("Study")] == [TITLE]
    write_report(["hida"], [0], project / "data", tmp_path)
    assert "Study" not in (tmp_path / "report.md").read_text()


def test_a_damaged_or_missing_file_of_sets_names_its_stage(project: Path, tmp_path: Path):
    shutil.copytree(project / "data", tmp_path / "data")
    path = tmp_path / "data/evaluate/hida/0/sets.parquet"
    path.write_bytes(b"no table")
    with pytest.raises(SketchFaceError, match=r"sets\.parquet: damaged; run `dvc repro evaluate@h"):
        write_report(["hida"], [0], tmp_path / "data", tmp_path / "reports")
    path.unlink()
    with pytest.raises(SketchFaceError, match=r"sets\.parquet: missing; run `dvc repro evaluate@h"):
        write_report(["hida"], [0], tmp_path / "data", tmp_path / "reports")


def test_studies_name_runs_that_are_configured_and_numbers_of_hidas_tables():
    for study in read_studies(STUDIES):
        names = {row.run for row in study.rows}
        assert len(names) == len(study.rows)
        for each in study.claims:
            assert {each.ours, *each.theirs} <= names
            assert each.ours not in each.theirs
            assert set(each.expected.values()) <= {"better", "worse"}
            assert set(each.expected) <= {*study.metrics, "style"}
        for row in study.rows:
            assert set(row.published) in ({*study.metrics}, set())
        assert studied(study, sorted(names)[:2])
        assert not studied(study, sorted(names)[:1])


@pytest.mark.parametrize(
    ("number", "name"), enumerate(["ablation", "activations", "dog", "paper-vs-released"])
)
def test_every_study_can_be_run_by_its_own_name(tmp_path: Path, number: int, name: str):
    compose([f"model=study-hida-{name}"], tmp_path / "params.yaml")
    composed = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert composed["run"] == [row.run for row in read_studies()[number].rows]
    assert composed["seeds"] == [0, 1, 2]
    assert set(composed["run"]) <= set(composed["systems"])
    different = [composed["systems"][run] for run in composed["run"]]
    assert all(different.count(each) == 1 for each in different)
