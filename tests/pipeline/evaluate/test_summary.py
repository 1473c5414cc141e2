"""Whether a system has learned: every reason provoked."""

import numpy as np
import pytest

from pipeline.common.records import BASELINES, Method
from pipeline.common.verdicts import Verdict
from pipeline.evaluate.summary import why_not_learned

N = 24
BEATEN = (Method.INPUT, Method.MEAN, Method.OTHER)
WORDS = {method: {"l1": Verdict.UNDECIDED, "ssim": Verdict.BETTER} for method in BEATEN}


def test_a_system_that_beats_every_baseline_and_finds_the_face_has_learned():
    assert why_not_learned(WORDS, np.ones(N, int)) == []


@pytest.mark.parametrize("method", BEATEN)
@pytest.mark.parametrize("said", [Verdict.UNDECIDED, Verdict.WORSE])
def test_one_baseline_that_is_not_beaten_is_reason_enough(method: Method, said: Verdict):
    words = WORDS | {method: {"l1": said, "ssim": Verdict.UNDECIDED}}
    assert why_not_learned(words, np.ones(N, int)) == [
        f"not better than {BASELINES[method]} on any metric"
    ]


def test_a_system_that_finds_faces_by_chance_alone_has_not_learned():
    reason = ["finds the right target no more often than chance"]
    assert why_not_learned(WORDS, np.arange(1, N + 1)) == reason
    # Guessing puts 8 of 24 among the first five with 10.8 %, 9 with 4.6 % (binomial).
    for hits, expected in ((8, reason), (9, [])):
        ranks = np.where(np.arange(N) < hits, 1, N)
        assert why_not_learned(WORDS, ranks) == expected
    # Among five or fewer every guess is among the first five.
    assert why_not_learned(WORDS, np.ones(5, int)) == reason


def test_a_system_that_draws_one_picture_for_each_style_has_not_learned():
    # The same picture for each of three styles is nearest to three of so many targets.
    n, styles = 300, 3
    ranks = np.tile(np.arange(1, n // styles + 1), styles)
    assert (ranks <= 5).mean() == pytest.approx(5 * styles / n)
    assert why_not_learned(WORDS, ranks, known_kinds=styles) != []
    assert why_not_learned(WORDS, np.where(ranks <= 20, 1, ranks), known_kinds=styles) == []
