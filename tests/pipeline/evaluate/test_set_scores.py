"""Distances between the set of drawings and the set of targets: values, intervals, files."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from made_tables import SIZE, TEST, pictures_of

from pipeline.evaluate.evaluate import EvaluateSettings, evaluate_system
from pipeline.evaluate.judged import judge_features, judge_sets, judged_pictures, with_sets
from pipeline.evaluate.setfile import read_sets, write_sets
from pipeline.pack.pack import write_pack
from sketchface_models.metrics.frechet import frechet_distance, statistics_of
from sketchface_models.metrics.judge import FEATURES, Judge
from sketchface_models.metrics.kernel import redrawn_mmd, squared_mmd
from sketchface_models.metrics.sets import (
    RESAMPLES,
    SET_METRICS,
    SPREAD,
    SetScore,
    compare_sets,
    score_sets,
    set_interval,
)
from sketchface_models.pretrained.parsers import read_card
from sketchface_models.systems.base import Task
from sketchface_models.training.pack import Pack

CPU = torch.device("cpu")
TASK = Task(("sketch", "photo"), "sketch", SIZE)


class Blank:
    """Leaves the paper white."""

    def generate(self, batch):
        return torch.ones_like(batch["sketch"])


def vectors(n: int, d: int = 5, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)) + shift)


def by_hand(x: np.ndarray, y: np.ndarray, drawn: np.ndarray) -> float:
    """The unbiased estimate of a draw, copies of one vector never meeting each other."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    pairs = [(i, j) for i in drawn for j in drawn]
    within = [(i, j) for i, j in pairs if i != j]
    own, other = (np.mean([k(z[i], z[j]) for i, j in within]) for z in (x, y))
    return float(own + other - 2 * np.mean([k(x[i], y[j]) for i, j in pairs]))


@pytest.fixture(scope="module")
def out(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `evaluate` writes of a system that draws nothing."""
    work = tmp_path_factory.mktemp("blanks")
    write_pack("blank", TASK, tables, work / "pack")
    pack = Pack(work / "pack")
    task = {"inputs": TASK.inputs, "target": TASK.target, "size": TASK.size}
    card = {"run": "blank", "seed": 0, "model": {"task": task}, "channels": pack.channels}
    settings = EvaluateSettings(samples=2, seed=0)
    evaluate_system(Blank(), card, tables, pack, work / "out", settings, CPU)
    return work / "out"


def test_redrawn_kernel_distances_are_those_of_the_drawn_vectors():
    x, y = vectors(9), vectors(9, seed=1, shift=0.5)
    drawn = np.random.default_rng(2).integers(9, size=(4, 9))
    expected = [by_hand(x.numpy(), y.numpy(), line) for line in drawn]
    found = redrawn_mmd(x, y, torch.from_numpy(drawn))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_every_vector_drawn_once_is_the_whole_set():
    x, y = vectors(700), vectors(700, seed=1, shift=0.1)  # more than one block of rows
    found = redrawn_mmd(x, y, torch.randperm(700, generator=torch.Generator().manual_seed(3))[None])
    assert found.item() == pytest.approx(squared_mmd(x, y), rel=1e-9)


def test_redrawn_frechet_distances_are_those_of_the_drawn_vectors():
    x, y = vectors(30), vectors(30, seed=1, shift=0.5)
    drawn = torch.from_numpy(np.random.default_rng(2).integers(30, size=(3, 30)))
    found = SET_METRICS["parser_frechet"].redrawn({"a": x, "b": y}, y, drawn)
    for place, line in enumerate(drawn):
        expected = frechet_distance(statistics_of(x[line]), statistics_of(y[line]))
        assert found["a"][place].item() == pytest.approx(expected, rel=1e-12)
    assert found["b"].abs().max() < 1e-12


def test_intervals_are_centred_on_what_was_measured():
    score = score_sets({"a": vectors(60, shift=0.4)}, vectors(60, seed=1))["a"]
    for name, metric in SET_METRICS.items():
        found = set_interval([score[name]])
        assert found.mean == metric.distance(vectors(60, shift=0.4), vectors(60, seed=1))
        deviation = score[name].resamples.std(ddof=1)
        assert found.high - found.mean == pytest.approx(1.959964 * deviation, rel=1e-6)
        assert found.mean - found.low == pytest.approx(found.high - found.mean)
        assert score[name].resamples.shape == (RESAMPLES,)
    # Redrawn kernel distances stay unbiased, whatever is drawn twice.
    kernel = score["parser_kernel"]
    assert abs(kernel.resamples.mean() - kernel.value) < kernel.resamples.std() / 4


def test_intervals_are_as_wide_as_other_faces_make_them():
    """Against what the same measure says of 40 other samples from the same distributions."""
    pairs = [(vectors(300, 4, seed, 0.3), vectors(300, 4, 1000 + seed)) for seed in range(40)]
    for name, metric in SET_METRICS.items():
        true = np.std([metric.distance(x, y) for x, y in pairs], ddof=1)
        said = [score_sets({"a": x}, y)["a"][name].resamples.std(ddof=1) for x, y in pairs[:4]]
        assert 0.65 < np.mean(said) / true < 1.5


def test_only_a_paired_difference_that_excludes_zero_is_a_verdict():
    target = vectors(SPREAD, 6)
    near = target + 0.2 + 0.1 * vectors(SPREAD, 6, 1)
    far = target + 0.4 + 0.1 * vectors(SPREAD, 6, 2)
    twin = target + 0.2 + 0.1 * vectors(SPREAD, 6, 3)
    found = score_sets({"near": near, "far": far, "twin": twin}, target)
    for name in SET_METRICS:
        near_, far_, twin_ = ([found[row][name]] for row in ("near", "far", "twin"))
        assert compare_sets(name, near_, far_).verdict == "better"
        assert compare_sets(name, far_, near_).verdict == "worse"
        assert compare_sets(name, near_, near_).verdict == "undecided"
        assert compare_sets(name, twin_, near_).difference.n == SPREAD
    # The same by fewer faces than the covariance has dimensions: only the kernel distance speaks.
    some = {row: each[: SPREAD - 1] for row, each in {"near": near, "far": far}.items()}
    found = score_sets(some, target[: SPREAD - 1])
    words = {
        name: compare_sets(name, [found["near"][name]], [found["far"][name]]).verdict
        for name in SET_METRICS
    }
    assert words == {"parser_frechet": "undecided", "parser_kernel": "better"}


def test_seeds_that_disagree_leave_it_undecided():
    flat = np.full(RESAMPLES, 1.0)
    ours = [SetScore(value, flat * value, 300) for value in (1.0, 3.0)]
    theirs = [SetScore(value, flat * value, 300) for value in (2.0, 2.1)]
    assert compare_sets("parser_kernel", ours, theirs).verdict == "undecided"
    both = [SetScore(value, flat * value, 300) for value in (1.0, 1.1)]
    assert compare_sets("parser_kernel", both, theirs).verdict == "better"
    assert set_interval(ours).mean == 2.0


def test_unpaired_sets_are_refused():
    with pytest.raises(ValueError, match=r"a: features .* expected pairs"):
        score_sets({"a": vectors(4)}, vectors(5))
    score = score_sets({"a": vectors(8)}, vectors(8))["a"]["parser_kernel"]
    with pytest.raises(ValueError, match="other faces or seeds"):
        compare_sets("parser_kernel", [score], [score, score])
    assert score_sets({"a": vectors(1)}, vectors(1)) == {"a": {}}


def test_the_judge_looks_once_at_equal_pictures_and_sees_what_it_always_sees():
    draw = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (5, 1, 64, 64), generator=draw, dtype=torch.uint8)
    order = torch.tensor([3, 0, 1, 4, 2])
    mean = pictures[:1].expand_as(pictures)
    found = judge_features({"target": pictures, "model": pictures[order], "mean": mean}, CPU)
    expected = Judge()(pictures.float() / 127.5 - 1)
    torch.testing.assert_close(found["target"], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(found["model"], found["target"][order])
    assert torch.equal(found["mean"], found["target"][:1].expand(5, -1))
    assert found["target"].dtype == torch.float32
    assert SPREAD == FEATURES + 1


def test_parts_are_scored_by_their_own_faces():
    features = {"target": vectors(12), "model": vectors(12, seed=1)}
    chosen = np.arange(12) < 7
    parts = {"all": np.ones(12, bool), "style 1": chosen, "style 2": np.arange(12) == 3}
    found = judge_sets(features, parts)
    distance = squared_mmd(features["model"][:7], features["target"][:7])
    assert found["model"]["style 1"]["parser_kernel"].value == distance
    assert found["model"]["style 1"]["parser_kernel"].n == 7
    assert found["model"]["style 2"] == {}


def test_other_faces_targets_are_not_judged_as_a_set():
    pictures = torch.zeros(2, 1, 8, 8, dtype=torch.uint8)
    rows = dict.fromkeys(("model", "input", "mean", "other"), pictures)
    assert list(judged_pictures(rows, pictures)) == ["target", "model", "input", "mean"]


def test_evaluate_says_and_keeps_what_the_judge_saw(out: Path):
    rows = pq.read_table(out / "features.parquet").to_pylist()
    assert [row["id"] for row in rows] == [*TEST, *TEST]
    assert [row["row"] for row in rows] == ["model"] * len(TEST) + ["target"] * len(TEST)
    targets = torch.from_numpy(pictures_of(TEST, "sketch"))
    judge = Judge()
    for row, pictures in (("model", torch.full_like(targets, 255)), ("target", targets)):
        seen = torch.tensor([each["features"] for each in rows if each["row"] == row])
        expected = judge(pictures.float() / 127.5 - 1)
        torch.testing.assert_close(seen, expected, rtol=1e-3, atol=1e-4)
    summary = json.loads((out / "summary.json").read_text())
    sets = read_sets(out / "sets.parquet")
    assert list(sets) == ["model", "input", "mean"]
    score = sets["model"]["all"]["parser_kernel"]
    ends = summary["scores"]["model"]["all"]["parser_kernel"]
    assert ends["mean"] == score.value > 0
    assert ends == vars(set_interval([score]))
    assert abs(sets["input"]["all"]["parser_frechet"].value) < 1e-9  # the target itself
    assert "parser_kernel" not in summary["scores"]["other"]["all"]
    assert set(summary["verdicts"]["mean"]) >= set(SET_METRICS)
    assert not set(summary["verdicts"]["other"]) & set(SET_METRICS)
    assert "without shared photos" in sets["model"]


def test_the_protocol_names_the_judge(out: Path):
    details = json.loads((out / "summary.json").read_text())["protocol_details"]
    assert details["networks"] == {"judge": read_card("judge")["sha256"]}
    assert {"judge", *SET_METRICS} <= set(details["metrics"])


def test_sets_say_nothing_of_whether_a_system_has_learned():
    """A system may look right as a set and draw somebody else each time."""
    target = vectors(20)
    sets = judge_sets(
        {"target": target, "model": target, "mean": 0 * target + 3}, {"all": np.ones(20, bool)}
    )
    summary = {
        "parts": {"all": 20},
        "scores": {row: {"all": {}} for row in ("model", "mean", "other")},
        "verdicts": {"mean": {"l1": "worse"}, "other": {"l1": "worse"}},
        "not_learned": ["a reason"],
    }
    found = with_sets(summary, sets)
    assert found["not_learned"] == ["a reason"]
    assert found["verdicts"]["mean"]["parser_kernel"] == "better"
    assert found["verdicts"]["other"] == {"l1": "worse"}


def test_sets_come_back_from_their_file(tmp_path: Path):
    found = judge_sets(
        {"target": vectors(9), "model": vectors(9, seed=1)}, {"all": np.ones(9, bool)}
    )
    write_sets(tmp_path / "sets.parquet", found)
    again = read_sets(tmp_path / "sets.parquet")["model"]["all"]
    for name, score in found["model"]["all"].items():
        assert (again[name].value, again[name].n) == (score.value, score.n)
        np.testing.assert_array_equal(again[name].resamples, score.resamples)
