"""The rule of evidence, against hand calculation, textbook tests and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.common.verdicts import (
    Sample,
    Scope,
    Verdict,
    combine,
    compare,
    estimate,
    holm,
    verdict,
    verdicts,
)
from sketchface_models.metrics.registry import Direction

HIGHER, LOWER = Direction.HIGHER, Direction.LOWER

FACES = 60


def trainings(
    seeds: int, spread: float, seed: int, shift: float = 0.0, faces: int = FACES
) -> np.ndarray:
    """(seeds, faces): what seeds add, what faces add, and what is left, of deviation 1."""
    rng = np.random.default_rng(seed)
    difficulty = np.random.default_rng(7).normal(0, 3, faces)
    return shift + difficulty + rng.normal(0, spread, (seeds, 1)) + rng.normal(0, 1, (seeds, faces))


def test_the_standard_error_is_that_of_seeds_and_faces_by_hand():
    ours = np.array([[1.0, 2, 3, 4, 5, 6], [3, 4, 5, 6, 7, 14], [2, 3, 4, 5, 6, 10]])
    theirs = np.array([[0.0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0], [3, 3, 3, 3, 3, 6], [2] * 6])
    found = compare(Sample.per_face(ours), Sample.per_face(theirs), HIGHER)
    # Means of seeds: 3.5, 6.5 and 5, variance 2.25; 0.5, 0.5, 3.5 and 2, variance 2.0625.
    ours_part, theirs_part = 2.25 / 3, 2.0625 / 4
    paired = np.array([2.0, 3, 4, 5, 6, 10]) - np.array([6.0, 6, 6, 6, 6, 9]) / 4
    faces_part = paired.var(ddof=1) / 6
    total = ours_part + theirs_part + faces_part
    assert found.difference == pytest.approx(5 - 6.5 / 4)
    assert found.error == pytest.approx(math.sqrt(total))
    freedom = total**2 / (ours_part**2 / 2 + theirs_part**2 / 3 + faces_part**2 / 5)
    assert found.freedom == pytest.approx(freedom)
    assert found.p == pytest.approx(2 * stats.t.sf(found.difference / found.error, freedom))
    half = stats.t.ppf(0.975, freedom) * math.sqrt(total)
    assert found.interval == pytest.approx((3.375 - half, 3.375 + half))
    assert found.scope == Scope.SYSTEMS


def test_without_differences_between_faces_it_is_welchs_test():
    ours, theirs = np.array([1.0, 2.0, 4.0]), np.array([5.0, 7.0, 6.0, 9.0])
    found = compare(
        Sample.per_face(np.repeat(ours[:, None], 8, axis=1)),
        Sample.per_face(np.repeat(theirs[:, None], 8, axis=1)),
        LOWER,
    )
    welch = stats.ttest_ind(ours, theirs, equal_var=False)
    assert found.p == pytest.approx(welch.pvalue)
    assert found.freedom == pytest.approx(welch.df)
    assert verdict(found) == Verdict.BETTER


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_speak_of_trained_networks_by_the_paired_test_over_faces(seeds: int):
    ours, theirs = trainings(seeds, 0, 1, 0.5), trainings(3, 0, 2)
    found = compare(Sample.per_face(ours), Sample.per_face(theirs), HIGHER)
    assert found.scope == Scope.NETWORKS
    assert found.p == pytest.approx(stats.ttest_rel(ours.mean(axis=0), theirs.mean(axis=0)).pvalue)


def test_a_baseline_needs_no_seeds_and_one_training_is_not_a_system():
    baseline = Sample.per_face(np.repeat(trainings(1, 0, 3), 3, axis=0), fixed=True)
    several = compare(Sample.per_face(trainings(3, 1, 4)), baseline, HIGHER)
    assert several.scope == Scope.SYSTEMS
    assert several.freedom < 3  # of three seeds, nearly all
    one = compare(Sample.per_face(trainings(1, 1, 4)), baseline, HIGHER)
    assert one.scope == Scope.NETWORKS
    assert compare(baseline, baseline, HIGHER).scope == Scope.SYSTEMS


def test_words_follow_the_direction_and_the_side():
    high, low = Sample.per_face(trainings(1, 0, 1, 3.0)), Sample.per_face(trainings(1, 0, 2))
    assert verdict(compare(high, low, HIGHER)) == Verdict.BETTER
    assert verdict(compare(high, low, LOWER)) == Verdict.WORSE
    assert verdict(compare(low, high, HIGHER)) == Verdict.BETTER.turned == Verdict.WORSE
    assert verdict(compare(high, high, HIGHER)) == Verdict.UNDECIDED == Verdict.UNDECIDED.turned


def test_seeds_that_disagree_leave_it_undecided():
    base = trainings(3, 0, 1)
    ours = base + np.array([[0.5], [-0.4], [0.2]]) + 0.01 * trainings(3, 0, 2)
    alone = compare(Sample.per_face(ours[0]), Sample.per_face(base[0]), HIGHER)
    assert verdict(alone) == Verdict.BETTER
    both = compare(Sample.per_face(ours), Sample.per_face(base), HIGHER)
    assert verdict(both) == Verdict.UNDECIDED


def test_few_faces_decide_nothing():
    apart = [np.arange(1.0, n + 1) + 100 for n in (5, 6)]
    five, six = (compare(Sample.per_face(a), Sample.per_face(0 * a), HIGHER) for a in apart)
    assert five.p == 1
    assert verdict(five) == Verdict.UNDECIDED
    assert verdict(six) == Verdict.BETTER


def test_identical_pictures_count_as_100_db():
    perfect, good = Sample.per_face([math.inf] * 8), Sample.per_face([30.0] * 8)
    assert verdict(compare(perfect, good, HIGHER)) == Verdict.BETTER
    assert verdict(compare(perfect, perfect, HIGHER)) == Verdict.UNDECIDED
    assert estimate(perfect).mean == estimate(perfect).low == 100


@pytest.mark.parametrize("values", [[], [math.nan, 1.0], [-math.inf], np.zeros((2, 2, 2))])
def test_values_without_a_mean_are_refused(values):
    with pytest.raises(ValueError, match=r"verdicts|finite"):
        Sample.per_face(values)


def test_other_faces_are_refused():
    pooled = Sample.pooled([0.1], np.zeros((1, FACES)), FACES)
    for other in (Sample.per_face(np.zeros(9)), pooled):
        with pytest.raises(ValueError, match="other faces"):
            compare(Sample.per_face(np.zeros(FACES)), other, HIGHER)
    with pytest.raises(ValueError, match="expected"):
        Sample.pooled([0.1, 0.2], np.zeros((1, 5)), FACES)


def test_a_pooled_measure_takes_its_variance_from_the_resamples():
    rng = np.random.default_rng(0)
    faces = rng.normal(size=(3, FACES))
    draws = rng.integers(FACES, size=(4000, FACES))
    resampled = faces[:, draws].mean(axis=2)
    sample = Sample.pooled(faces.mean(axis=1), resampled, FACES)
    own, direct = estimate(sample), estimate(Sample.per_face(faces))
    assert own.mean == pytest.approx(direct.mean)
    assert own.spread == pytest.approx(direct.spread)
    assert own.high - own.low == pytest.approx(direct.high - direct.low, rel=0.05)
    others = Sample.pooled(faces.mean(axis=1) - 1, resampled - 1, FACES)
    assert compare(sample, others, HIGHER).error == pytest.approx(
        math.sqrt(2 * faces.mean(axis=1).var(ddof=1) / 3)
    )  # paired: the resamples differ by a constant, so only seeds are left


def test_a_resample_without_a_value_counts_for_no_method():
    draws = np.array([[0.1, 0.2, np.nan, 0.4]])
    others = np.array([[0.0, 0.3, 0.1, np.nan]])
    found = compare(Sample.pooled([0.3], draws, 9), Sample.pooled([0.2], others, 9), HIGHER)
    assert found.error == pytest.approx(np.std([0.1, -0.1], ddof=1))
    assert estimate(Sample.pooled([0.3], draws, 1)).low == 0.3  # one face has no interval


def test_an_estimate_of_one_seed_is_students_interval_over_faces():
    values = trainings(1, 0, 5)[0]
    found = estimate(Sample.per_face(values))
    low, high = stats.t.interval(0.95, FACES - 1, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.spread, found.seeds, found.count) == (None, 1, FACES)
    single = estimate(Sample.per_face([0.5]))
    assert single.low == single.high == 0.5


def test_an_estimate_of_several_seeds_covers_the_mean_of_all_in_about_95_percent():
    # A little less for three seeds: Satterthwaite's freedom is itself estimated.
    covered = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        values = rng.normal(0, 0.5, (3, 1)) + rng.normal(0, 1, (1, 40)) + rng.normal(0, 1, (3, 40))
        found = estimate(Sample.per_face(values))
        covered.append(found.low <= 0 <= found.high)
    assert 0.90 <= np.mean(covered) <= 0.99


def test_satterthwaites_freedom_lies_between_the_least_and_the_sum():
    assert combine([(2.0, 2), (2.0, 2)]) == pytest.approx((2.0, 4.0))
    assert combine([(4.0, 3), (0.0, 1)]) == pytest.approx((2.0, 3.0))
    assert combine([(0.0, 2)]) == (0.0, math.inf)


def test_holm_by_hand():
    corrected = holm([0.01, 0.04, 0.03, 0.005])
    assert corrected == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]).shape == (0,)
    assert holm([0.9, 0.8]).tolist() == [1, 1]


def test_a_tables_verdicts_take_holms_correction():
    clear = compare(
        Sample.per_face(trainings(1, 0, 1, 5)), Sample.per_face(trainings(1, 0, 2)), HIGHER
    )
    doubtful = compare(
        Sample.per_face(trainings(1, 0, 1, 0.5)), Sample.per_face(trainings(1, 0, 2)), HIGHER
    )
    assert 0.001 < doubtful.p < 0.05
    assert verdict(doubtful) == Verdict.BETTER
    table = [clear, *[doubtful] * 60]
    assert verdicts(table) == [Verdict.BETTER] + [Verdict.UNDECIDED] * 60


@pytest.mark.parametrize("seeds", [3, 4])
@pytest.mark.parametrize("spread", [0.5, 2, 10])
def test_equals_are_told_apart_in_at_most_8_percent(seeds: int, spread: float):
    """Spreads are in standard errors over faces of the difference of two trainings."""
    deviation = spread * math.sqrt(2 / FACES)
    wrong = [
        verdict(
            compare(
                Sample.per_face(trainings(seeds, deviation, 2 * trial)),
                Sample.per_face(trainings(seeds, deviation, 2 * trial + 1)),
                HIGHER,
            )
        )
        != Verdict.UNDECIDED
        for trial in range(1000)
    ]
    assert np.mean(wrong) <= 0.08
