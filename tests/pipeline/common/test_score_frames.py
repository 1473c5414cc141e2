"""Values are picked out of the long frame by measure, method, subset and seed."""

from __future__ import annotations

import numpy as np
from made_evaluations import IDS

from pipeline.common.evaluations import (
    Evaluation,
)
from pipeline.common.records import Method
from pipeline.common.score_frames import per_face, pooled, resampled
from pipeline.common.subsets import UNSHARED, style_subset


def test_values_of_faces_stand_by_seed_and_in_the_order_of_the_faces(
    evaluations: list[Evaluation],
) -> None:
    table = per_face(evaluations, "ssim")
    assert table.loc[0].to_dict() == {"c": 0.3, "a": 0.1, "b": 0.2}
    assert list(table.index) == [0, 1]
    assert list(table.columns) == IDS
    assert table.loc[1, "c"] == 1.3
    assert per_face(evaluations, "ssim", Method.MEAN).loc[0, "b"] == np.inf
    assert per_face(evaluations, "unknown").empty


def test_smaller_subsets_select_from_all_faces_unless_they_were_measured_themselves(
    evaluations: list[Evaluation],
) -> None:
    assert list(per_face(evaluations, "ssim", subset=style_subset(1)).columns) == ["a"]
    assert list(per_face(evaluations, "ssim", subset=UNSHARED).columns) == ["c", "b"]
    assert per_face(evaluations, "fidelity", subset=style_subset(2)).loc[0].tolist() == [1, 0, 1]


def test_measures_of_sets_have_one_value_a_seed_and_their_draws(
    evaluations: list[Evaluation],
) -> None:
    assert pooled(evaluations, "parser_kernel").to_dict() == {0: 0.5, 1: 1.5}
    assert pooled(evaluations, "parser_kernel", subset=UNSHARED).empty
    assert resampled(evaluations, "parser_kernel").loc[1].tolist() == [0.4, 0.6]
