"""The spread of vectors at the eye corner, by cases computed by hand."""

import numpy as np
import pytest
import torch

from pipeline.common.records import Method, Origin
from pipeline.evaluate.control.feature_spread import (
    plane_maps,
    position,
    spread_scores,
    spreads,
    vectors,
)

GROUPS = ("G1", "G5", "G7")


def test_positions_are_those_of_the_paper():
    sides = (512, 256, 128, 64, 32)
    at = [position((170, 250), 512, side) for side in sides]
    assert at == [(170, 250), (85, 125), (43, 63), (22, 32), (11, 16)]


def test_a_position_stays_on_the_map():
    assert position((127, 127), 128, 8) == (7, 7)


def test_vectors_are_read_at_column_and_row():
    maps = torch.arange(2 * 3 * 8 * 8).reshape(2, 3, 8, 8).float()
    read = vectors(maps, (6, 3), 16)
    assert read.tolist() == maps[:, :, 2, 3].tolist()


def hand() -> np.ndarray:
    """Two faces, two groups, two drawings, one channel.

    Variances within: face 0 has 0 and 1, face 1 has 4 and 1. All values: 2, 2, 1, 3, 0, 4, 5, 7 of
    mean 3 and variance (1 + 1 + 4 + 0 + 9 + 1 + 4 + 16) / 8 = 4.5.
    """
    values = [[[2, 2], [1, 3]], [[0, 4], [5, 7]]]
    return np.array(values, float)[..., None]


def test_spread_is_variance_within_a_group_by_that_of_all():
    assert spreads(hand()).tolist() == pytest.approx([2 / 4.5, 1 / 4.5])


def test_channels_add_up():
    cells = np.concatenate([hand(), 2 * hand()], axis=-1)
    assert spreads(cells).tolist() == pytest.approx([2 / 4.5, 1 / 4.5])


def test_resampled_faces_bring_their_own_total_variance():
    faces = np.array([[0, 1], [0, 0], [1, 1]])
    # Face 0 alone: 2, 2, 1, 3 of variance 0.5; face 1 alone: 0, 4, 5, 7 of mean 4, variance 6.5.
    expected = [[2 / 4.5, 1 / 4.5], [0 / 0.5, 1 / 0.5], [4 / 6.5, 1 / 6.5]]
    np.testing.assert_allclose(spreads(hand(), faces), expected)


def test_equal_vectors_have_no_spread_to_speak_of():
    assert np.isnan(spreads(np.full((2, 2, 3, 4), 0.1))).all()
    cells = {"L0": np.full((2, 3, 3, 4), 0.1)}
    assert spread_scores(Origin("run", 0, "photo"), Method.SYSTEM, cells, GROUPS) == []


def test_all_is_the_mean_of_groups_that_leave_the_eye_alone():
    cells = np.random.default_rng(0).normal(size=(6, 3, 3, 4))
    groups = ("G1", "G5", "G8")
    scores = spread_scores(Origin("run", 1, "photo"), Method.UNTRAINED, {"L2": cells}, groups)
    values = {
        line["subset"]: line["value"] for each in scores for _, line in each.scores.iterrows()
    }
    own = spreads(cells)
    assert values["edits G5"] == pytest.approx(own[1])
    assert values["all"] == pytest.approx((own[0] + own[2]) / 2)
    draws = {each.resampled["subset"].iloc[0]: each.resampled["value"] for each in scores}
    halves = (draws["edits G1"].to_numpy() + draws["edits G8"].to_numpy()) / 2
    np.testing.assert_allclose(draws["all"], halves)
    assert {m for each in scores for m in each.scores["method"]} == {"untrained"}
    assert {m for each in scores for m in each.scores["metric"]} == {"spread_L2"}


def test_maps_put_near_vectors_near_and_far_ones_far():
    cells = np.random.default_rng(0).normal(size=(3, 2, 4, 6)) * 0.01
    cells[:, 1] += 10
    frame = plane_maps({"L0": cells}, ["a", "b", "c"], ["G1", "G5"])
    assert len(frame) == 2 * 3 * 2 * 4
    for name in ("PCA", "t-SNE"):
        points = frame[frame["map"] == name]
        centres = points.groupby("group")[["x", "y"]].mean()
        spread = points.groupby("group")[["x", "y"]].std().to_numpy().max()
        assert np.hypot(*(centres.loc["G1"] - centres.loc["G5"])) > 3 * spread
    assert frame.equals(plane_maps({"L0": cells}, ["a", "b", "c"], ["G1", "G5"]))


def test_vectors_that_do_not_differ_lie_on_one_point():
    frame = plane_maps({"L0": np.ones((2, 2, 2, 3))}, ["a", "b"], ["G1", "G5"])
    assert not frame[["x", "y"]].to_numpy().any()
