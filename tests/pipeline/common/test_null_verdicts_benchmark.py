"""benchmarks/null_verdicts.py counts verdicts: known extremes come out as they must."""

import sys
from collections.abc import Iterator
from math import comb
from types import ModuleType

import numpy as np
import pytest
from benchmark_modules import benchmark_modules


@pytest.fixture(scope="module")
def benchmark() -> Iterator[ModuleType]:
    with benchmark_modules("null_verdicts") as [module]:
        yield module


@pytest.mark.parametrize(
    ("command", "columns"),
    [
        ("simulate", ["rule", "rule, unlike", "old rule", "below 0.5 %, unlike"]),
        ("power", ["seen"]),
    ],
)
def test_every_rate_is_a_share_of_the_trials_and_is_printed(
    benchmark: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    columns: list[str],
) -> None:
    trials = 4
    rates = getattr(benchmark, command)(trials)[columns].to_numpy()
    assert set(rates.ravel()) <= {count / trials for count in range(trials + 1)}
    monkeypatch.setattr(sys, "argv", ["null_verdicts.py", command, "--trials", str(trials)])
    benchmark.main()
    head, *lines = capsys.readouterr().out.splitlines()
    assert all(column in head for column in columns)
    printed = [[float(number) for number in line.split()[-len(columns) :]] for line in lines]
    np.testing.assert_allclose(printed, rates)


def test_seeds_far_apart_fool_one_training_a_side_but_not_three(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "SPREADS", (1000.0,))
    table = benchmark.simulate(60).set_index("seeds a side")
    assert table.loc[1, "rule"] > 0.95
    assert (table.loc[[3, 4], ["rule", "rule, unlike"]] <= 0.1).all(axis=None)
    # The old rule told a system from itself, and too often.
    assert (table.loc[[3, 4], "old rule"] > 0.15).all()


def test_a_giant_effect_is_always_seen_and_no_effect_hardly_ever(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "EFFECTS", (0.0, 100.0))
    seen = benchmark.power(40).set_index(["effect", "statements"])["seen"].sort_index()
    assert (seen[100.0] == 1).all()
    assert (seen[0.0, 1] <= 0.15).all()
    assert (seen[0.0, 12] <= 0.03).all()


def test_all_ways_to_split_seeds_into_two_sides_are_looked_at_once(benchmark: ModuleType) -> None:
    ways = list(benchmark.splits(6, 3))
    assert len(ways) == comb(6, 3) // 2
    assert all(not set(ours) & set(theirs) for ours, theirs in ways)
    sides = {frozenset((frozenset(ours), frozenset(theirs))) for ours, theirs in ways}
    assert len(sides) == len(ways)
