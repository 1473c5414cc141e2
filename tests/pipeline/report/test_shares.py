"""Intervals of rates and overlaps end at 0 and 1, those of other measures where they end."""

import pytest

from pipeline.baselines import resegmentation
from pipeline.baselines.label_scores import FACE_MEASURES, POOLED_MEASURES, label_measures
from pipeline.common.records import ATTRIBUTE, OUTLINE, STYLE_FIDELITY, Level, Measure
from pipeline.common.verdicts import Sample, estimate
from pipeline.evaluate.control import landmark_fidelity, locality, texture
from pipeline.report.collect import RANK_MEASURES
from pipeline.report.shares import is_share, measured
from sketchface_models.metrics.registry import METRICS, Direction

MOSTLY = Sample.per_face([1.0] * 9 + [0.9])
SELDOM = Sample.per_face([0.0] * 9 + [0.1])
L1 = Measure("l1", METRICS["l1"].label, Direction.LOWER)


def test_an_interval_of_a_share_is_cut_at_both_ends():
    for sample in (MOSTLY, SELDOM):
        uncut, cut = estimate(sample), measured(sample, RANK_MEASURES[0])
        assert (cut.low, cut.high) == (max(uncut.low, 0), min(uncut.high, 1))
        assert (cut.mean, cut.count) == (uncut.mean, uncut.count)
        assert measured(sample, L1) == uncut
    assert estimate(MOSTLY).high > 1 == measured(MOSTLY, RANK_MEASURES[0]).high
    assert estimate(SELDOM).low < 0 == measured(SELDOM, RANK_MEASURES[0]).low


SHARES = (
    *RANK_MEASURES,
    *resegmentation.MEASURES,
    *resegmentation.CLASS_MEASURES.values(),
    *label_measures(FACE_MEASURES, Level.FACE),
    *label_measures(POOLED_MEASURES, Level.POOLED),
    *(each for each in locality.MEASURES if each.name == "answered"),
    *(each for each in landmark_fidelity.MEASURES if each.name == landmark_fidelity.DETECTED),
    *(Measure(name, "", Direction.HIGHER) for name in (OUTLINE, f"{ATTRIBUTE}glasses")),
    Measure(STYLE_FIDELITY, "style fidelity", Direction.HIGHER),
)
OTHERS = (
    *(Measure(name, each.label, each.direction) for name, each in METRICS.items()),
    *(each for each in locality.MEASURES if each.name == "leakage"),
    *(each for each in landmark_fidelity.MEASURES if each.name == landmark_fidelity.ERROR),
    *texture.MEASURES,
)


@pytest.mark.parametrize(
    ("measures", "expected"), [(SHARES, True), (OTHERS, False)], ids=["shares", "others"]
)
def test_which_measures_are_shares(measures: tuple[Measure, ...], expected: bool):
    assert {each.name: is_share(each) for each in measures} == dict.fromkeys(
        (each.name for each in measures), expected
    )
