"""Statements out of values: every number recomputed, every reason provoked."""

import numpy as np
import pytest

from pipeline.evaluate.layout import MODEL, TRIVIAL
from pipeline.evaluate.summary import summarise, why_not_learned

N = 24
IDS = [f"face-{i:02d}" for i in range(N)]
STYLES = [1 + i % 2 if i else None for i in range(N)]
SHARED = [IDS[2], IDS[9], "no test face"]
VERDICTS = {row: {"l1": "undecided", "ssim": "better"} for row in TRIVIAL}


def made_scores(n: int = N) -> dict[str, dict[str, np.ndarray]]:
    draw = np.random.default_rng(0)
    levels = {MODEL: (0.10, 0.8), "input": (0.3, 0.4), "mean": (0.02, 0.9), "other": (0.10, 0.8)}
    return {
        row: {
            "l1": l1 + draw.normal(0, 0.005, n),
            "ssim": ssim + draw.normal(0, 0.005, n),
            "rank": np.arange(n) % n + 1 if row != MODEL else np.arange(n) % 4 + 1,
        }
        for row, (l1, ssim) in levels.items()
    }


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, np.ndarray]]:
    return made_scores()


@pytest.fixture(scope="module")
def found(scores: dict[str, dict[str, np.ndarray]]) -> dict:
    return summarise(scores, STYLES, IDS, SHARED, seed=0)


def test_means_and_intervals_of_every_part(scores: dict, found: dict):
    masks = {
        "all": [True] * N,
        "style 1": [style == 1 for style in STYLES],
        "style 2": [style == 2 for style in STYLES],
        "without shared photos": [id not in SHARED for id in IDS],
    }
    assert found["parts"] == {part: sum(mask) for part, mask in masks.items()}
    draw = np.random.default_rng(99)
    for row, metrics in scores.items():
        assert set(found["scores"][row]) == set(masks)
        for part, mask in masks.items():
            for metric in ("l1", "ssim"):
                values = metrics[metric][mask]
                ends = found["scores"][row][part][metric]
                assert ends["n"] == len(values)
                assert ends["mean"] == pytest.approx(values.mean())
                means = draw.choice(values, (4000, len(values))).mean(axis=1)
                tolerance = 0.2 * values.std() / np.sqrt(len(values))
                assert ends["low"] == pytest.approx(np.quantile(means, 0.025), abs=tolerance)
                assert ends["high"] == pytest.approx(np.quantile(means, 0.975), abs=tolerance)


def test_retrieval_and_its_chance(found: dict):
    assert found["retrieval"][MODEL] == {"rank_1": 0.25, "rank_5": 1.0}
    assert found["retrieval"]["mean"] == {"rank_1": 1 / N, "rank_5": 5 / N}
    assert found["chance"] == {"rank_1": 1 / N, "rank_5": 5 / N}


def test_chance_is_never_above_one():
    few = summarise(made_scores(3), [None] * 3, IDS[:3], [], seed=0)
    assert few["chance"] == {"rank_1": 1 / 3, "rank_5": 1.0}
    assert few["parts"] == {"all": 3}


def test_verdicts_know_the_good_end_of_each_metric(found: dict):
    assert found["verdicts"] == {
        "input": {"l1": "better", "ssim": "better"},
        "mean": {"l1": "worse", "ssim": "worse"},
        "other": {"l1": "undecided", "ssim": "undecided"},
    }
    assert found["not_learned"] == [
        f"not better than {TRIVIAL['mean']} on any metric",
        f"not better than {TRIVIAL['other']} on any metric",
    ]


def test_who_beats_every_row_and_finds_the_face_has_learned():
    assert why_not_learned(VERDICTS, np.ones(N, int)) == []


@pytest.mark.parametrize("row", TRIVIAL)
@pytest.mark.parametrize("words", [("undecided", "undecided"), ("worse", "undecided")])
def test_one_row_that_is_not_beaten_is_reason_enough(row: str, words: tuple[str, str]):
    verdicts = VERDICTS | {row: dict(zip(("l1", "ssim"), words, strict=True))}
    assert why_not_learned(verdicts, np.ones(N, int)) == [
        f"not better than {TRIVIAL[row]} on any metric"
    ]


def test_who_finds_faces_by_chance_alone_has_not_learned():
    reason = ["finds the right target no more often than chance"]
    assert why_not_learned(VERDICTS, np.arange(1, N + 1)) == reason
    # Guessing puts 8 of 24 among the first five with 10.8 %, 9 with 4.6 % (binomial).
    for hits, expected in ((8, reason), (9, [])):
        ranks = np.where(np.arange(N) < hits, 1, N)
        assert why_not_learned(VERDICTS, ranks) == expected
    # Among five or fewer every guess is among the first five.
    assert why_not_learned(VERDICTS, np.ones(5, int)) == reason


def test_who_draws_one_picture_for_each_style_has_not_learned():
    # The same picture for each of three styles is nearest to three of so many targets.
    n, styles = 300, 3
    ranks = np.tile(np.arange(1, n // styles + 1), styles)
    assert (ranks <= 5).mean() == pytest.approx(5 * styles / n)
    assert why_not_learned(VERDICTS, ranks, told=styles) != []
    assert why_not_learned(VERDICTS, np.where(ranks <= 20, 1, ranks), told=styles) == []
    scores = made_scores(N)
    found = summarise(scores, STYLES, IDS, SHARED, seed=0, told=styles)
    assert found["chance"]["rank_1"] == pytest.approx(styles / N)
