"""Distances between the set of generated pictures and the set of targets: values and records."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import torch
from made_systems import FormulaSystem
from made_tables import SIZE, TEST, pictures_of

from pipeline.baselines.baselines import write_baselines
from pipeline.baselines.scoring import extract_features, set_scores
from pipeline.common.evaluations import FEATURES_FILE, Evaluation, read_evaluation, read_frame
from pipeline.common.records import Method, Origin
from pipeline.common.score_frames import pooled, resampled
from pipeline.common.subsets import style_subset
from pipeline.common.verdicts import Sample, Verdict, compare, verdict
from pipeline.evaluate.evaluate import evaluate_system
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.evaluate.summary import baseline_verdicts
from pipeline.pack.pack import write_pack
from sketchface_models.metrics.frechet import frechet_distance, statistics_of
from sketchface_models.metrics.judge import Judge
from sketchface_models.metrics.kernel import resampled_mmd, squared_mmd
from sketchface_models.metrics.registry import SET_METRICS
from sketchface_models.metrics.sets import (
    RESAMPLES,
    SetScore,
    score_sets,
)
from sketchface_models.pretrained.parsers import read_card
from sketchface_models.systems.base import Output
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

CPU = torch.device("cpu")
PARSER_METRICS = {
    name: metric for name, metric in SET_METRICS.items() if metric.extractor.name == "judge"
}
LEAST = PARSER_METRICS["parser_frechet"].least
TASK = Task(("sketch", "photo"), "sketch", SIZE)


class Blank(FormulaSystem):
    """Generates white paper."""

    outputs: ClassVar = {"sketch": Output("sketch")}

    def generate(self, batch):
        return torch.ones_like(batch["sketch"])


def vectors(n: int, d: int = 5, seed: int = 0, shift: float = 0.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)) + shift)


def by_hand(x: np.ndarray, y: np.ndarray, resample: np.ndarray) -> float:
    """The unbiased estimate of a resample, without pairs of copies of one vector."""

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / len(a) + 1) ** 3)

    pairs = [(i, j) for i in resample for j in resample]
    within = [(i, j) for i, j in pairs if i != j]
    own, other = (np.mean([k(z[i], z[j]) for i, j in within]) for z in (x, y))
    return float(own + other - 2 * np.mean([k(x[i], y[j]) for i, j in pairs]))


@pytest.fixture(scope="module")
def blank(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """What `evaluate` writes of a system that generates white paper."""
    work = tmp_path_factory.mktemp("blanks")
    write_pack("blank", TASK, tables, work / "pack")
    pack = Pack(work / "pack")
    task = {"inputs": TASK.inputs, "target": TASK.target, "size": TASK.size}
    card = {"run": "blank", "seed": 0, "model": {"task": task}, "channels": pack.channels}
    settings = EvaluateSettings(samples=2, seed=0)
    write_baselines(tables, work / "pack", work / "baselines", settings.seed)
    evaluate_system(Blank(), card, tables, pack, work / "baselines", work / "out", settings, CPU)
    return read_evaluation(work / "out" / "sketch", "evaluate@blank-0")


def test_resampled_kernel_distances_are_those_of_the_resampled_vectors():
    x, y = vectors(9), vectors(9, seed=1, shift=0.5)
    drawn = np.random.default_rng(2).integers(9, size=(4, 9))
    expected = [by_hand(x.numpy(), y.numpy(), line) for line in drawn]
    found = resampled_mmd(x, y, torch.from_numpy(drawn))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_a_resample_that_holds_every_vector_once_is_the_whole_set():
    x, y = vectors(700), vectors(700, seed=1, shift=0.1)  # more than one block of rows
    found = resampled_mmd(
        x, y, torch.randperm(700, generator=torch.Generator().manual_seed(3))[None]
    )
    assert found.item() == pytest.approx(squared_mmd(x, y), rel=1e-9)


def test_resampled_frechet_distances_are_those_of_the_resampled_vectors():
    x, y = vectors(30), vectors(30, seed=1, shift=0.5)
    drawn = torch.from_numpy(np.random.default_rng(2).integers(30, size=(3, 30)))
    found = PARSER_METRICS["parser_frechet"].resampled({"a": x, "b": y}, y, drawn)
    for number, line in enumerate(drawn):
        expected = frechet_distance(statistics_of(x[line]), statistics_of(y[line]))
        assert found["a"][number].item() == pytest.approx(expected, rel=1e-12)
    assert found["b"].abs().max() < 1e-12


def test_scores_are_the_distances_of_the_whole_sets():
    score = score_sets(PARSER_METRICS, {"a": vectors(60, shift=0.4)}, vectors(60, seed=1))["a"]
    for name, metric in PARSER_METRICS.items():
        value = metric.distance(vectors(60, shift=0.4), vectors(60, seed=1))
        assert score[name].value == value
        assert score[name].resamples.shape == (RESAMPLES,)
    # Resampled kernel distances stay unbiased, whatever stands in them twice.
    kernel = score["parser_kernel"]
    assert abs(kernel.resamples.mean() - kernel.value) < kernel.resamples.std() / 4


def test_intervals_are_as_wide_as_other_faces_make_them():
    """Against what the same measure says of 40 other samples from the same distributions."""
    pairs = [(vectors(300, 4, seed, 0.3), vectors(300, 4, 1000 + seed)) for seed in range(40)]
    for name, metric in PARSER_METRICS.items():
        true = np.std([metric.distance(x, y) for x, y in pairs], ddof=1)
        said = [
            score_sets(PARSER_METRICS, {"a": x}, y)["a"][name].resamples.std(ddof=1)
            for x, y in pairs[:4]
        ]
        assert 0.65 < np.mean(said) / true < 1.5


def word(name: str, ours: SetScore, theirs: SetScore) -> Verdict:
    """What may be said of two networks by a distance."""
    metric = PARSER_METRICS[name]
    samples = (Sample.pooled([each.value], each.resamples, each.n) for each in (ours, theirs))
    return verdict(compare(*samples, metric.direction, metric.least))


def test_only_a_paired_difference_that_excludes_zero_is_a_verdict():
    target = vectors(LEAST, 6)
    sets = {
        "near": target + 0.2 + 0.1 * vectors(LEAST, 6, 1),
        "far": target + 0.4 + 0.1 * vectors(LEAST, 6, 2),
    }
    scores = score_sets(PARSER_METRICS, sets, target)
    for name in PARSER_METRICS:
        near, far = (scores[method][name] for method in sets)
        assert word(name, near, far) == Verdict.BETTER
        assert word(name, far, near) == Verdict.WORSE
        assert word(name, near, near) == Verdict.UNDECIDED
    # The same by fewer faces than the covariance has dimensions: only the kernel distance speaks.
    few = {method: each[: LEAST - 1] for method, each in sets.items()}
    scores = score_sets(PARSER_METRICS, few, target[: LEAST - 1])
    words = {
        name: word(name, *(scores[method][name] for method in sets)) for name in PARSER_METRICS
    }
    assert words == {"parser_frechet": Verdict.UNDECIDED, "parser_kernel": Verdict.BETTER}


def test_unpaired_sets_are_refused():
    with pytest.raises(ValueError, match=r"a: features .* expected pairs"):
        score_sets(PARSER_METRICS, {"a": vectors(4)}, vectors(5))
    assert score_sets(PARSER_METRICS, {"a": vectors(1)}, vectors(1)) == {"a": {}}


def test_equal_pictures_are_seen_once_and_have_equal_features():
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (5, 1, 64, 64), generator=generator, dtype=torch.uint8)
    order = torch.tensor([3, 0, 1, 4, 2])
    mean = pictures[:1].expand_as(pictures)
    methods = {Method.TARGET: pictures, Method.SYSTEM: pictures[order], Method.MEAN: mean}
    features = extract_features(methods, CPU)["judge"]
    expected = Judge()(pictures.float() / 127.5 - 1)
    torch.testing.assert_close(features[Method.TARGET], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(features[Method.SYSTEM], features[Method.TARGET][order])
    assert torch.equal(features[Method.MEAN], features[Method.TARGET][:1].expand(5, -1))
    assert features[Method.TARGET].dtype == torch.float32


def faces_with_styles(styles: list[int]) -> pd.DataFrame:
    ids = [f"face-{i:02d}" for i in range(len(styles))]
    frame = pd.DataFrame({"id": ids, "style": pd.array(styles, "Int8"), "shared": False})
    return frame.assign(traits=[[] for _ in ids])


def test_subsets_are_scored_by_their_own_faces(tmp_path: Path):
    features = {Method.TARGET: vectors(12), Method.SYSTEM: vectors(12, seed=1)}
    faces = faces_with_styles([1] * 7 + [2] + [3] * 4)
    lines = set_scores(Origin("made", 0, "sketch"), {"judge": features}, faces)
    scores = lines.scores.set_index(["subset", "metric"])["value"]
    distance = squared_mmd(features[Method.SYSTEM][:7], features[Method.TARGET][:7])
    assert scores["style 1", "parser_kernel"] == distance
    assert "style 2" not in scores.index.get_level_values("subset")  # one face is no set
    draws = lines.resampled.query("subset == 'style 1' and metric == 'parser_kernel'")
    assert draws["resample"].tolist() == list(range(RESAMPLES))


def test_one_face_alone_has_no_distances():
    features = {Method.TARGET: vectors(1), Method.SYSTEM: vectors(1, seed=1)}
    lines = set_scores(Origin("made", 0, "sketch"), {"judge": features}, faces_with_styles([1]))
    assert lines.scores.empty
    assert lines.resampled.empty


def test_other_faces_targets_are_not_scored_as_a_set(blank: Evaluation):
    sets = blank.scores[blank.scores["metric"] == "parser_kernel"]
    assert set(sets["method"]) == {"system", "input", "mean"}


def test_evaluate_keeps_what_the_judge_saw(blank: Evaluation):
    frame = read_frame(blank.folder / FEATURES_FILE, "evaluate")
    targets = torch.from_numpy(pictures_of(TEST, "sketch"))
    judge = Judge()
    for method, pictures in (("system", torch.full_like(targets, 255)), ("target", targets)):
        rows = frame[frame["method"] == method]
        assert rows["id"].tolist() == list(TEST)
        seen = torch.tensor(np.stack(rows["features"]))
        expected = judge(pictures.float() / 127.5 - 1)
        torch.testing.assert_close(seen, expected, rtol=1e-3, atol=1e-4)
    value = pooled([blank], "parser_kernel")[0]
    assert blank.summary.means["system"]["parser_kernel"]["mean"] == value > 0
    own = pooled([blank], "parser_frechet", Method.INPUT)[0]  # the target itself
    assert abs(own) < 1e-9
    assert resampled([blank], "parser_kernel", subset=style_subset(1)).shape == (1, RESAMPLES)


def test_the_protocol_names_the_judge(blank: Evaluation):
    details = blank.summary.protocol_details
    assert details["networks"] == {"judge": read_card("judge")["sha256"]}
    assert {"judge", *PARSER_METRICS} <= set(details["metrics"])


def test_distances_between_sets_say_nothing_of_whether_a_system_has_learned(blank: Evaluation):
    """A system may look right as a set and show somebody else each time."""
    words = baseline_verdicts(blank)
    assert set(words) == {Method.INPUT, Method.MEAN, Method.OTHER}
    assert not any(set(said) & set(PARSER_METRICS) for said in words.values())
