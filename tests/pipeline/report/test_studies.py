"""What the report says of a published table's claims, and of sets of generated pictures."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from made_runs import TEST, made_faces, made_summary, write_faces, write_run
from report_files import measured, sections, tables
from scipy import stats

from pipeline.baselines import resegmentation
from pipeline.common.evaluations import Evaluation, read_evaluation, write_evaluation
from pipeline.common.records import (
    ATTRIBUTE,
    CYCLE,
    OUTLINE,
    SAMPLING,
    Level,
    Measure,
    Method,
)
from pipeline.common.score_frames import long_frame
from pipeline.common.subsets import ALL, style_subset
from pipeline.common.verdicts import Verdict
from pipeline.compose import compose
from pipeline.evaluate import drawing_noise
from pipeline.evaluate.attributes.attribute_network import ATTRIBUTES
from pipeline.report import training_measures
from pipeline.report.collect import Result, Training, read_data, read_results
from pipeline.report.findings import judge, statements
from pipeline.report.studies import (
    FIDELITY,
    STUDIES,
    Claim,
    Findings,
    Row,
    Study,
    Word,
    compared_pairs,
    read_studies,
    studied,
)
from pipeline.report.study_tables import SEVERAL, _claims
from pipeline.report.write import write_report
from sketchface_models.metrics.registry import METRICS, SET_METRICS, Direction

SEEDS = [0, 1, 2]
SKILLS = {"hida-base": 1.0, "hida-depth": 2.0, "hida-dyspade": 2.0, "hida": 3.0}
"""hida-infoacon was never run."""
INPUTS = {"hida-base": ("photo",), "hida-depth": ("photo", "depth")}
CONTROL = {
    *("answered", "leakage", "mouth_texture", "forehead_texture"),
    *(f"spread_L{level}" for level in range(5)),
    *(measure.name for measure in resegmentation.MEASURES),
    *(measure.name for measure in drawing_noise.MEASURES),
    *(measure.name for measure in training_measures.MEASURES),
    *(f"{CYCLE}{field}_{m}" for field in ("doodle", "photo") for m in ("l1", *SET_METRICS)),
    SAMPLING,
    OUTLINE,
    *(f"{ATTRIBUTE}{name}" for name in ATTRIBUTES),
}
PUBLISHED = {"fid", "lpips", "kid"}
"""Measures that need weights of others: a study that claims something by them lists them."""
TITLE = "Study: what each module of HIDA adds"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four of the five runs of HIDA's Table 2, from three seeds; two read less than the others."""
    root = tmp_path_factory.mktemp("studies")
    write_faces(root / "data", "made")
    for run, skill in SKILLS.items():
        for seed in SEEDS:
            inputs = INPUTS.get(run, ("photo", "depth", "style"))
            write_run(root / "data", run, seed, skill, steps=60, inputs=inputs)
    return root


def read(data: Path, seeds: list[int]) -> dict[str, Result]:
    about = read_data(data)
    return {name: read_results(name, seeds, data, about)[0] for name in SKILLS}


@pytest.fixture(scope="module")
def results(project: Path) -> dict[str, Result]:
    return read(project / "data", SEEDS)


@pytest.fixture(scope="module")
def text(project: Path) -> str:
    write_report(list(SKILLS), SEEDS, project / "data", project / "reports")
    return (project / "reports" / "report.md").read_text()


def claim(ours: str, theirs: list[str], subset: str = "all", **expected: str) -> Claim:
    words = {metric: Verdict(word) for metric, word in expected.items()}
    return Claim("", ours, tuple(theirs), words, subset)


def word(results: dict[str, Result], said: Claim, metric: str = "ssim") -> Word:
    return Findings([said], results).word(said, metric)


def test_a_claim_is_supported_or_contradicted_by_its_verdict(results: dict[str, Result]):
    better = claim("hida-depth", ["hida-base"], ssim="better", l1="worse", parser_kernel="better")
    assert word(results, better) == Word.SUPPORTED
    assert word(results, better, "l1") == Word.CONTRADICTED
    assert word(results, better, "parser_kernel") == Word.SUPPORTED
    same = claim("hida-dyspade", ["hida-depth"], ssim="better")
    assert word(results, same) == Word.UNDECIDED


def test_a_claim_about_several_runs_takes_all_of_them(results: dict[str, Result]):
    best = claim("hida", ["hida-base", "hida-depth"], ssim="better")
    assert word(results, best) == Word.SUPPORTED
    absent = claim("hida", ["hida-base", "hida-infoacon"], ssim="better")
    assert word(results, absent) == Word.NOT_RUN
    doubtful = claim("hida-depth", ["hida-base", "hida-dyspade"], ssim="better")
    assert word(results, doubtful) == Word.UNDECIDED
    beaten = claim("hida-depth", ["hida-infoacon", "hida-dyspade", "hida"], ssim="better")
    assert word(results, beaten) == Word.CONTRADICTED


@pytest.mark.parametrize("metric", ["fid", "lpips", "style_fidelity"])
def test_what_nothing_here_measures_is_not_measured(results: dict[str, Result], metric: str):
    assert word(results, claim("hida", ["hida-base"], **{metric: "better"}), metric) == (
        Word.NOT_MEASURED
    )


def test_few_seeds_say_nothing_of_a_claim(project: Path):
    few = read(project / "data", [0, 1])
    assert word(few, claim("hida", ["hida-base"], ssim="better")) == Word.FEW_SEEDS


def test_a_frechet_distance_of_few_faces_decides_nothing(results: dict[str, Result]):
    said = claim("hida", ["hida-base"], parser_frechet="better")
    assert results["hida"].summary.measure("parser_frechet").least > TEST
    assert word(results, said, "parser_frechet") == Word.UNDECIDED


def test_styles_are_compared_by_their_own_faces(results: dict[str, Result]):
    for subset, faces in (("all", TEST), ("style 2", TEST // 2)):
        for metric in ("fsim", "parser_kernel"):
            (stated,) = Findings([], results)._stated("hida", "hida-base", subset, metric)
            assert [sample.count for sample in stated.samples] == [faces] * 2
    said = claim("hida", ["hida-base"], "style 2", fsim="better")
    assert word(results, said, "fsim") == Word.SUPPORTED
    nowhere = claim("hida", ["hida-base"], "style 9", fsim="better")
    assert word(results, nowhere, "fsim") == Word.NOT_MEASURED


def changed(result: Result, **summary: object) -> Result:
    each = tuple(
        replace(one, summary=replace(one.summary, **summary))  # type: ignore[arg-type]
        for one in result.evaluations
    )
    return Result(result.name, result.run, each, result.trainings)


def test_claims_of_all_styles_are_one_family(results: dict[str, Result]):
    said = claim("hida", ["hida-base"], fsim="better", ssim="better")
    both = Findings([said], results, ["style 1", "style 2"])
    assert set(both.verdicts.index.get_level_values("subset")) == {"style 1", "style 2"}
    assert len(both.verdicts) == 2 * 2
    assert both.word(said, "fsim", "style 2") == Word.SUPPORTED


def test_runs_that_were_scored_otherwise_are_not_ranked(results: dict[str, Result]):
    strange = changed(results["hida"], protocol_any_inputs="other:00000000")
    said = claim("hida", ["hida-base"], ssim="better")
    assert word(results | {"hida": strange}, said) == Word.NOT_RANKED


def test_an_added_measure_of_faces_is_compared_face_by_face(results: dict[str, Result]):
    """Style fidelity has values of its own for each style that was asked for."""

    def with_fidelity(result: Result, rates: dict[int, float]) -> Result:
        each = []
        for one in result.evaluations:
            rng = np.random.default_rng([one.summary.seed, round(100 * rates[1])])
            lines = [one.scores]
            for subset, rate in ((ALL, np.mean([*rates.values()])), *_styles(rates)):
                hits = (rng.random(TEST) < rate).astype(float)
                frame = long_frame(one.summary, Method.SYSTEM, subset, FIDELITY.name, one.ids, hits)
                lines.append(frame)
            measures = (*one.summary.measures, FIDELITY)
            summary = replace(one.summary, measures=measures)
            each.append(replace(one, summary=summary, scores=pd.concat(lines)))
        return Result(result.name, result.run, tuple(each), result.trainings)

    def _styles(rates: dict[int, float]):
        return [(style_subset(style), rate) for style, rate in rates.items()]

    low, high = {1: 0.1, 2: 0.9}, {1: 0.95, 2: 0.95}
    styled = {
        "hida": with_fidelity(results["hida"], high),
        "hida-base": with_fidelity(results["hida-base"], low),
    }
    name = FIDELITY.name
    assert (
        word(styled, claim("hida", ["hida-base"], style_fidelity="better"), name) == Word.SUPPORTED
    )
    first = claim("hida-base", ["hida"], "style 1", style_fidelity="worse")
    assert word(styled, first, name) == Word.SUPPORTED
    second = claim("hida-base", ["hida"], "style 2", style_fidelity="worse")
    assert word(styled, second, name) == Word.UNDECIDED
    none = claim("hida-base", ["hida"], "style 3", style_fidelity="worse")
    assert word(styled, none, name) == Word.NOT_MEASURED


# A study of numbers that are small enough to be worked out by hand.

HAND_MEASURES = (
    Measure("ssim", "SSIM", Direction.HIGHER),
    Measure("mean_iou", "mIoU", Direction.HIGHER, Level.POOLED),
)


def by_hand(run: str, seeds: list[float], faces: np.ndarray, pooled: list[float]) -> Result:
    """A run whose faces score what its seed adds and what the face adds, and mIoU by seed."""
    evaluations = []
    for seed, (offset, value) in enumerate(zip(seeds, pooled, strict=True)):
        summary = replace(made_summary(run, seed, missing=()), measures=HAND_MEASURES)
        frame = made_faces()
        scores = pd.concat(
            [
                long_frame(summary, Method.SYSTEM, ALL, "ssim", frame["id"], offset + faces),
                long_frame(summary, Method.SYSTEM, ALL, "mean_iou", [], value),
            ]
        )
        draws = long_frame(summary, Method.SYSTEM, ALL, "mean_iou", [], value + DRAWS)
        resampled = draws.drop(columns="id").assign(resample=np.arange(len(DRAWS)))
        evaluations.append(Evaluation(Path(), summary, frame, scores, resampled))
    trainings = tuple(Training(seed, {}, {}, Path(os.devnull)) for seed in range(len(seeds)))
    return Result(run, run, tuple(evaluations), trainings)


DRAWS = np.array([-0.03, 0.01, 0.02, 0.0])
"""What resampled faces do to mIoU; the same for every run, so that it cancels between runs."""
FACES = np.tile([-0.1, 0.1], TEST // 2)
UNLIKE = np.tile([0.02, -0.02], TEST // 2)


@pytest.fixture
def hand() -> dict[str, Result]:
    return {
        "a": by_hand("a", [0.50, 0.52, 0.54], FACES, [0.60, 0.62, 0.64]),
        "b": by_hand("b", [0.40, 0.42, 0.44], FACES + UNLIKE, [0.60, 0.63, 0.66]),
        "c": by_hand("c", [0.44, 0.50, 0.56], FACES, [0.30, 0.31, 0.32]),
    }


HAND = Study(
    title="by hand",
    source="",
    data="made",
    about="",
    metrics={"ssim": ("SSIM", Direction.HIGHER, 3), "mean_iou": ("mIoU", Direction.HIGHER, 3)},
    rows=tuple(Row(run, run.upper(), {}) for run in "abc"),
    claims=(
        claim("a", ["b"], ssim="better", mean_iou="better"),
        claim("a", ["b", "c"], ssim="better", mean_iou="better"),
        claim("c", ["a"], mean_iou="better"),
    ),
    notes=(),
    against="",
)


def test_a_studys_verdicts_are_those_worked_out_by_hand(hand: dict[str, Result]):
    said = compared_pairs(HAND, hand).set_index(["ours", "theirs", "metric"])
    # a and b by SSIM: both have deviation 0.02 over 3 seeds; the paired differences of faces are
    # 0.1 -+ 0.02, 12 each way, of variance 24 * 0.0004 / 23.
    faces = 24 * 0.0004 / 23 / 24
    seeds = 0.0004 / 3
    error = np.sqrt(2 * seeds + faces)
    freedom = error**4 / (2 * seeds**2 / 2 + faces**2 / 23)
    line = said.loc[("a", "b", "ssim")]
    assert line["difference"] == pytest.approx(0.1)
    assert line["p"] == pytest.approx(2 * stats.t.sf(0.1 / error, freedom))
    assert line["low"] == pytest.approx(0.1 - stats.t.ppf(0.975, freedom) * error)
    # a and c: equal faces; deviations 0.02 and 0.06.
    error = np.sqrt((0.0004 + 0.0036) / 3)
    freedom = 2 * (0.0004 + 0.0036) ** 2 / (0.0004**2 + 0.0036**2)
    line = said.loc[("a", "c", "ssim")]
    assert line["difference"] == pytest.approx(0.02)
    assert line["p"] == pytest.approx(2 * stats.t.sf(0.02 / error, freedom))
    # mIoU of a and c: 0.62 and 0.31, deviations 0.02 and 0.01; the resamples cancel.
    error = np.sqrt((0.0004 + 0.0001) / 3)
    freedom = 2 * 0.0005**2 / (0.0004**2 + 0.0001**2)
    line = said.loc[("a", "c", "mean_iou")]
    assert line["p"] == pytest.approx(2 * stats.t.sf(0.31 / error, freedom))
    # Five different pairs and measures were asked about: c beside a says the reverse of a beside c.
    assert len(said) == 6


def test_a_studys_claims_take_holms_correction_over_the_table_by_hand(hand: dict[str, Result]):
    p = {
        ("a", "b", "ssim"): _p(0.1, [0.02, 0.02], 24 * 0.0004 / 23 / 24),
        ("a", "b", "mean_iou"): _p(-0.01, [0.02, 0.03]),
        ("a", "c", "ssim"): _p(0.02, [0.02, 0.06]),
        ("a", "c", "mean_iou"): _p(0.31, [0.02, 0.01]),
        ("c", "a", "mean_iou"): _p(-0.31, [0.01, 0.02]),
    }
    ordered = sorted(p, key=p.__getitem__)
    corrected, largest = {}, 0.0
    for factor, key in zip(range(5, 0, -1), ordered, strict=True):
        largest = max(largest, factor * p[key])
        corrected[key] = largest
    assert corrected["a", "c", "mean_iou"] < 0.05
    assert corrected["a", "b", "ssim"] < 0.05
    assert corrected["a", "c", "ssim"] > 0.05
    table, tally = _claims(HAND, hand, list(HAND_MEASURES))
    assert table is not None
    assert table.iloc[:, 2:].to_numpy().tolist() == [
        ["supported", "undecided"],
        ["undecided", "undecided"],
        ["–", "contradicted"],
    ]
    assert tally == "Of 5 statements about one measure: 1 supported, 1 contradicted, 3 undecided."


def test_statements_about_arithmetic_are_counted_by_themselves(hand: dict[str, Result]):
    cheaper = Claim("a is cheaper", "a", ("b",), {"training_gflop": Verdict.BETTER})
    study = replace(HAND, claims=(*HAND.claims, cheaper))
    _, tally = _claims(study, hand, [*HAND_MEASURES, *training_measures.MEASURES])
    of_trainings, apart = tally.split(". ")
    assert of_trainings.startswith("Of 5 statements about one measure: 1 supported")
    assert apart == "About arithmetic, which settings alone decide: 1 not measured."


def _p(difference: float, deviations: list[float], faces: float = 0.0) -> float:
    parts = np.array([*(d**2 / 3 for d in deviations), faces])
    freedom = parts.sum() ** 2 / (parts**2 / [2, 2, 23]).sum()
    return float(2 * stats.t.sf(abs(difference) / np.sqrt(parts.sum()), freedom))


def test_a_claim_that_alone_would_hold_can_fail_among_many(hand: dict[str, Result]):
    close = by_hand("d", [0.445, 0.465, 0.485], FACES, [0.6, 0.62, 0.64])
    runs = {"a": hand["a"], "d": close}
    stated = statements(runs["a"], close, HAND_MEASURES[:1])
    assert judge(stated)["p"].item() == pytest.approx(_p(0.055, [0.02, 0.02]))
    assert judge(stated)["verdict"].item() == Verdict.BETTER
    others = [
        replace(stated[0], ours=f"copy {n}", samples=(stated[0].samples[0],) * 2) for n in range(9)
    ]
    assert judge([*stated, *others])["verdict"].iloc[0] == Verdict.UNDECIDED


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
    assert {row[2] for row in own.values()} == {row[3] for row in own.values()} == {"not measured"}


def test_its_numbers_are_those_of_the_images(project: Path, text: str):
    head, *rows = tables(sections(text)[TITLE])[0]
    (own,) = [row for row in rows if row[0].startswith("full") and row[1] == "measured here"]
    for title, metric in (("SCOOT ↑", "scoot"), ("SSIM ↑", "ssim")):
        values = measured(project, "hida", SEEDS, metric)
        expected = f"{values.to_numpy().mean():.3f} ± {values.mean(axis=1).std():.3f} ["
        assert own[head.index(title)].startswith(expected)
    lines = pd.concat(
        pd.read_parquet(project / f"data/evaluate/hida/{seed}/sketch/scores.parquet")
        for seed in SEEDS
    ).query("method == 'system' and metric == 'parser_frechet' and subset == 'all'")
    mean, spread = lines["value"].mean(), lines["value"].std()
    cell = own[head.index("parser Fréchet ↓")]
    assert cell.startswith(f"{mean:.3f}† ± {spread:.3f} [")


def test_claims_have_verdicts_and_are_counted(text: str):
    section = sections(text)[TITLE]
    head, *rows = tables(section)[1]
    assert head[2:] == ["FID ↓", "LPIPS ↓", "SCOOT ↑", "FSIM ↑"]
    said = {row[0]: row[2:] for row in rows}
    assert said["DySPADE improves on the model with depth"] == ["not measured"] * 2 + ["–"] * 2
    depth = "Depth alone does not help throughout: FID, LPIPS and SCOOT get worse, FSIM better"
    assert said[depth] == ["not measured"] * 2 + ["contradicted", "supported"]
    assert said["DOG improves on the model with InfoACON"] == ["not measured"] * 2 + ["not run"] * 2
    tally = re.search(r"Of (\d+) statements about one measure: (.*?)\.", section)
    assert tally is not None
    words = [cell for row in rows for cell in row[2:] if cell != "–"]
    assert int(tally[1]) == len(words)
    counts = {name: int(number) for number, name in (s.split(" ", 1) for s in tally[2].split(", "))}
    assert counts == {name: words.count(name) for name in set(words)}


def test_a_papers_claim_compares_across_inputs_and_a_ranking_does_not(text: str):
    found = sections(text)
    compared = [row[0] for table in tables(found["Comparison"]) for row in table[1:]]
    assert compared == ["`hida-dyspade` … than `hida`"]
    pairs = next(t for t in tables(found[TITLE]) if t[1][0].startswith("`hida"))
    lines = {row[0]: dict(zip(pairs[0][1:], row[1:], strict=True)) for row in pairs[1:]}
    assert lines["`hida` … than `hida-base`"]["SSIM ↑"] == "better"
    styles = tables(found[TITLE])[-1]
    assert [row[0] for row in styles[1:]] == ["style 1"] * 4 + ["style 2"] * 4


@pytest.fixture(scope="module")
def of_one_seed(project: Path) -> str:
    write_report(list(SKILLS), [0], project / "data", project / "of_one_seed")
    return sections((project / "of_one_seed" / "report.md").read_text())[TITLE]


def test_one_seed_gives_no_verdict_on_a_claim(of_one_seed: str):
    section = of_one_seed
    words = {cell for row in tables(section)[1][1:] for cell in row[2:]}
    assert words == {"too few seeds", "not run", "not measured", "–"}
    assert "With fewer than 3 seeds of each nothing can be said." in section
    assert "of these trained networks on these faces, and not on systems" in section


def test_a_study_of_which_one_run_was_run_is_left_out(text: str, project: Path, tmp_path: Path):
    assert [title for title in sections(text) if title.startswith("Study")] == [TITLE]
    write_report(["hida"], [0], project / "data", tmp_path)
    assert "Study" not in (tmp_path / "report.md").read_text()


def test_a_study_shows_the_output_that_a_run_was_trained_for(
    project: Path, of_one_seed: str, tmp_path: Path
):
    """The other output, alphabetically the last, ranks the runs the other way round."""
    shutil.copytree(project / "data", tmp_path / "data")
    for run in SKILLS:
        folder = tmp_path / "data" / "evaluate" / run / "0"
        evaluation = read_evaluation(folder / "sketch", "evaluate")
        summary = replace(evaluation.summary, output="texture", target="photo")
        scores = evaluation.scores.assign(output="texture", value=-evaluation.scores["value"])
        resampled = evaluation.resampled.assign(output="texture")
        shutil.copytree(folder / "sketch", folder / "texture")
        other = Evaluation(folder / "texture", summary, evaluation.faces, scores, resampled)
        write_evaluation(other)
    write_report(list(SKILLS), [0], tmp_path / "data", tmp_path / "reports")
    section = sections((tmp_path / "reports" / "report.md").read_text())[TITLE]
    assert SEVERAL in section
    assert tables(section) == tables(of_one_seed)


def test_studies_name_runs_that_are_configured_and_numbers_of_hidas_tables():
    for study in read_studies(STUDIES):
        names = {row.run for row in study.runs}
        assert len(names) == len(study.runs)
        assert all(row.run or row.published for row in study.rows)
        for each in study.claims:
            assert {each.ours, *each.theirs} <= names
            assert each.ours not in each.theirs
            assert set(each.expected.values()) <= {Verdict.BETTER, Verdict.WORSE}
            measured = {*METRICS, *SET_METRICS, FIDELITY.name, *CONTROL}
            assert set(each.expected) <= measured
            unexplained = set(each.expected) - {*study.metrics, FIDELITY.name, *CONTROL}
            assert not any(name in PUBLISHED for name in unexplained)
        for row in study.rows:
            assert set(row.published) in ({*study.metrics}, set())
        assert studied(study, sorted(names)[:2])
        assert not studied(study, sorted(names)[:1])


@pytest.mark.parametrize(
    ("number", "name"),
    enumerate(
        [
            *("hida-ablation", "hida-activations", "hida-dog", "hida-paper-vs-released"),
            *("instance-norm", "augmentation", "spade"),
            *("pix2pix", "pix2pix-lambda", "pix2pix-batch"),
            *("hida-leave-one-out", "fs2k"),
            *("latent", "sampling", "gan-baselines", "doodle-cyclegan", "critic-margin"),
            "conditional-lock",
        ]
    ),
)
def test_every_study_can_be_run_by_its_own_name(tmp_path: Path, number: int, name: str):
    compose([f"model=study-{name}"], tmp_path / "params.yaml")
    composed = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert composed["run"] == [row.run for row in read_studies()[number].runs]
    assert len(composed["seeds"]) >= 3
    assert set(composed["run"]) <= set(composed["systems"])
    different = [composed["systems"][run] for run in composed["run"]]
    assert all(different.count(each) == 1 for each in different)
