"""What the logs of trainings come to, and that claims can be about it."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.common.verdicts import Scope, Verdict, compare, estimate
from pipeline.report.collect import Result, read_data, read_results
from pipeline.report.findings import estimates
from pipeline.report.studies import Claim, Findings, Word
from pipeline.report.training_measures import (
    END_MARGIN,
    L1_GROWTH,
    LOSS,
    MARGIN_GROWTH,
    SECONDS,
    training_sample,
    training_values,
)
from sketchface_models.metrics.registry import Direction


def test_a_loss_is_the_mean_over_the_last_tenth_of_the_steps():
    steps = [(step, {"generator": float(step), "l1": 0.1}) for step in range(100)]
    assert training_values(steps, {}) == {LOSS: np.mean(range(90, 100))}
    some = [(step, terms if step % 2 else {}) for step, terms in steps]  # locked in between
    assert training_values(some, {}) == {LOSS: np.mean(range(91, 100, 2))}


def test_growth_is_from_the_second_tenth_to_the_last_one():
    steps = [
        (step, {"margin": 1.0 + (step >= 90), "reconstruction": 0.25 if step >= 20 else 0.5})
        for step in range(100)
    ]
    steps = [(step, terms if step % 2 else {}) for step, terms in steps]  # not logged at each
    assert training_values(steps, {}) == {END_MARGIN: 2.0, MARGIN_GROWTH: 2.0, L1_GROWTH: 0.5}
    few = [(step, {"margin": 3.0} if step == 9 else {}) for step in range(10)]
    assert training_values(few, {}) == {END_MARGIN: 3.0}


def test_cost_comes_from_the_notes_of_the_run():
    values = training_values([], {"images_per_second": 50.0, "flops_per_sample": 3_000_000_000})
    assert values == {SECONDS: 20.0, "training_gflop": 3.0}
    assert training_values([(0, {"l1": 0.5})], {}) == {}


def test_a_difference_is_judged_by_the_spread_over_seeds_alone():
    ours, theirs = (
        training_sample([{LOSS: value} for value in values], LOSS, 24)
        for values in ((1.0, 1.1, 0.9, 1.0), (2.0, 2.1, 1.9, 2.0))
    )
    verdict = compare(ours, theirs, Direction.LOWER)
    spread = np.var((1.0, 1.1, 0.9, 1.0), ddof=1)
    assert verdict.scope == Scope.SYSTEMS
    assert verdict.difference == pytest.approx(-1.0)
    assert verdict.error == pytest.approx(np.sqrt(2 * spread / 4))
    assert estimate(ours).spread == pytest.approx(np.sqrt(spread))


def test_one_training_decides_nothing():
    ours, theirs = (training_sample([{LOSS: value}], LOSS, 24) for value in (1.0, 2.0))
    assert compare(ours, theirs, Direction.LOWER).p == 1
    assert estimate(ours).count == 1


@pytest.fixture
def results(made: Path) -> dict[str, Result]:
    data = read_data(made / "data")
    runs = ("able", "hopeless")
    return {run: read_results(run, [0, 1, 2], made / "data", data)[0] for run in runs}


def test_claims_can_be_about_trainings(results: dict[str, Result]):
    able = results["able"]
    assert [measure.name for measure in able.training_measures] == [LOSS, SECONDS]
    assert able.control_measures == ()
    lines = [json.loads(line) for line in able.trainings[0].steps.read_text().splitlines()]
    expected = np.mean([line["generator"] for line in lines[-len(lines) // 10 :]])
    numbers = estimates(able)
    own = numbers[(numbers["metric"] == LOSS) & (numbers["seed"] == "0")]
    assert own["mean"].item() == pytest.approx(expected)
    assert set(numbers[numbers["metric"] == LOSS]["method"]) == {"system"}
    claim = Claim("it is cheaper", "able", ("hopeless",), {SECONDS: Verdict.BETTER})
    # The made trainings of one seed ran equally fast.
    assert Findings([claim], results).word(claim, SECONDS) is Word.UNDECIDED
