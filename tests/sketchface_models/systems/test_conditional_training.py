"""Both rules of conditional training, epoch by epoch (docs/papers.md, Portrait sketches)."""

import json
import math

import pytest
import torch

from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.conditional_training import RULES, Conditional, EpochMean

BOTH, ALONE = frozenset({"generator", "discriminator"}), frozenset({"generator"})

Losses = list[tuple[list[float], list[float]]]
"""Of each epoch: the generator's losses, and the discriminator's, where it learns."""


def learners(losses: Losses, **settings: object) -> list[frozenset[str]]:
    """Who learns in each epoch, if these are the losses of those who do."""
    conditional = load(Conditional, {"timer": 1, "threshold": 0.02} | settings)
    rule = RULES[conditional.rule](conditional)
    chosen = []
    for epoch, (generator, discriminator) in enumerate(losses):
        chosen.append(rule.learners(epoch))
        for name, values in (("generator", generator), ("discriminator", discriminator)):
            for value in values if name in chosen[-1] else []:
                assert rule.learners(epoch) == chosen[-1]  # the same throughout an epoch
                rule.add(name, torch.tensor(value))
    return chosen


WEAK, STRONG = [0.5, 0.7], [0.01, 0.02]
"""Losses of a discriminator, of which the latter's mean lies below 0.02."""


def test_a_strong_discriminator_waits_while_the_generators_loss_rises():
    falling = [([3.0], STRONG), ([2.0], STRONG), ([1.0], STRONG), ([1.0], STRONG)]
    assert learners(falling) == [BOTH] * 4
    rising = [([1.0], STRONG), ([2.0], STRONG), ([3.0], STRONG), ([2.5], STRONG), ([2.0], STRONG)]
    # After the first epoch nothing has risen; from the fourth mean on it falls, and the lock opens.
    assert learners(rising) == [BOTH, BOTH, ALONE, ALONE, BOTH]
    weak = [([1.0], WEAK), ([2.0], WEAK), ([3.0], WEAK), ([4.0], WEAK)]
    assert learners(weak) == [BOTH] * 4


def test_means_are_of_whole_epochs_and_the_threshold_is_exclusive():
    # 0.0625 and 0.0 have the mean 0.03125 exactly.
    edge = [([1.0], [0.0625, 0.0]), ([2.0, 2.0], [0.0625, 0.0]), ([0.0, 6.0], [1.0])]
    assert learners(edge, threshold=0.03125)[2] == BOTH
    assert learners(edge, threshold=0.032)[2] == ALONE


def test_the_timer_counts_epochs_and_a_lock_falls_on_its_epochs():
    calm: Losses = [([1.0], WEAK)] * 6
    assert learners(calm, timer=3) == [BOTH, ALONE, ALONE] * 2
    # Over the first epoch nothing has risen: there is none before it.
    rising: Losses = [([float(epoch)], STRONG) for epoch in range(7)]
    assert learners(rising, timer=2) == [BOTH, ALONE, BOTH, ALONE, ALONE, ALONE, ALONE]


def test_a_rise_is_measured_over_the_timers_epochs_and_not_over_those_between():
    # The generator's loss rises in the discriminator's epochs and falls in those between.
    saw: Losses = [([mean], STRONG) for mean in (1.0, 0.9, 1.5, 1.2, 1.6, 1.3, 1.4, 1.0)]
    assert learners(saw, timer=2) == [BOTH, ALONE, BOTH, ALONE, ALONE, ALONE, ALONE, ALONE]
    # It falls in them and rises between: no lock.
    other: Losses = [([mean], STRONG) for mean in (1.0, 1.2, 0.9, 1.5, 1.2, 1.6, 1.3)]
    assert learners(other, timer=2) == [BOTH, ALONE] * 3 + [BOTH]
    # A locked epoch over which it does not rise opens the lock.
    opens: Losses = [([mean], STRONG) for mean in (1.0, 0.9, 1.5, 1.2, 1.1, 1.0, 0.9, 0.9)]
    assert learners(opens, timer=2) == [BOTH, ALONE, BOTH, ALONE, ALONE, ALONE, BOTH, ALONE]


def test_the_mirror_condition_locks_the_generator():
    # The discriminator's loss rises while the generator's is small.
    mirror: Losses = [([0.01], [1.0]), ([0.01], [1.1]), ([0.01], [1.2]), ([0.01], [0.9])]
    mirror.append(([0.01], [0.8]))
    only = frozenset({"discriminator"})
    chosen = learners(mirror, threshold=0.0, generator_threshold=0.02)
    assert chosen == [BOTH, BOTH, only, only, BOTH]
    assert learners(mirror, threshold=0.0, generator_threshold=0.0) == [BOTH] * 5


def test_somebody_always_learns():
    mirror: Losses = [([0.01], [1.0]), ([0.01], [1.1]), ([0.01], []), ([0.01], [1.2])]
    both = {"threshold": 0.0, "generator_threshold": 0.02}
    assert learners(mirror, timer=1, **both)[2] == {"discriminator"}
    # In an epoch that is not the discriminator's, a generator has nobody to wait for.
    other: Losses = [([0.01], [1.0]), ([0.01], []), ([0.01], [1.1]), ([0.01], [])]
    assert learners(other, timer=2, **both) == [BOTH, ALONE, BOTH, ALONE]


def test_the_released_rule_asks_for_no_rise_and_never_locks_the_generator():
    falling: Losses = [([3.0], STRONG), ([2.0], []), ([1.0], [])]
    assert learners(falling, rule="released", threshold=0.02) == [BOTH, ALONE, ALONE]
    mirror: Losses = [([0.01], [1.0]), ([0.01], [1.1]), ([0.01], [1.2])]
    assert learners(mirror, rule="released", generator_threshold=0.02) == [BOTH] * 3


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        # The epoch's mean of 0.015 locks; then the stale last loss is taken for the mean.
        (0.03, [BOTH, ALONE, BOTH, ALONE]),
        (0.0, [BOTH, ALONE, ALONE, ALONE]),
    ],
)
def test_the_released_rules_stale_average(last: float, expected: list[frozenset[str]]):
    epoch = ([1.0], [0.03 - last, last])
    assert learners([epoch] * 4, rule="released", threshold=0.02) == expected


def test_the_stale_average_is_taken_on_the_timers_epochs_alone():
    epoch = ([1.0], [0.0, 0.03])
    chosen = learners([epoch] * 7, rule="released", threshold=0.02, timer=2)
    # Epoch 2 is locked by the mean, and its stale value opens epoch 4.
    assert chosen == [BOTH, ALONE, ALONE, ALONE, BOTH, ALONE, ALONE]


def test_the_released_rule_starts_from_one():
    assert learners([([1.0], WEAK)], rule="released", threshold=1.0) == [ALONE]
    assert learners([([1.0], WEAK)], rule="released", threshold=0.99) == [BOTH]
    assert learners([([1.0], WEAK)], rule="paper", threshold=9.0) == [BOTH]


def test_what_is_not_finite_does_not_enter_a_mean():
    mean = EpochMean()
    assert mean.value is None
    for value in (math.nan, 0.5, math.inf, 0.25):
        mean.add(torch.tensor(value))
    assert mean.value == 0.375
    assert EpochMean(*mean.state()).value == 0.375
    steps: Losses = [([1.0], [0.01, math.nan]), ([1.0], [])]
    assert learners(steps, rule="released") == [BOTH, ALONE]


@pytest.mark.parametrize(("name", "timer"), [("paper", 1), ("paper", 2), ("released", 1)])
def test_a_rule_goes_on_where_it_was(name: str, timer: int):
    settings = Conditional(timer, threshold=0.02, generator_threshold=0.0, rule=name)
    whole, stopped = RULES[name](settings), RULES[name](settings)

    def step(rule: object, number: int) -> frozenset[str]:
        chosen = rule.learners(number // 3)
        for network in chosen:
            rising = number * number % 17  # of the generator, now and then
            rule.add(network, torch.tensor(rising if network == "generator" else 0.01))
        return chosen

    decisions = [step(whole, number) for number in range(30)]
    assert len(set(decisions)) == 2
    for number in range(14):
        step(stopped, number)
    resumed = RULES[name](settings)
    resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
    assert [step(resumed, number) for number in range(14, 30)] == decisions[14:]


def test_unknown_rules_are_refused():
    with pytest.raises(SketchFaceError, match=r"^rule: 'mine'; .* one of paper, released$"):
        load(Conditional, {"timer": 1, "threshold": 0.0, "rule": "mine"})
