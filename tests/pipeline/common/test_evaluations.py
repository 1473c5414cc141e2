"""What `evaluate` writes comes back as it was, and only like is ranked with like."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from made_evaluations import faces, summary, write_three_faces

from pipeline.common.evaluations import (
    SCHEMAS,
    SCORES_FILE,
    SUMMARY_FILE,
    Evaluation,
    read_evaluations,
    why_not_comparable,
)
from pipeline.common.records import Method
from sketchface_models.errors import SketchFaceError


def test_an_evaluation_comes_back_as_it_was_written(evaluations: list[Evaluation]) -> None:
    assert evaluations[1].summary == summary(1)
    assert evaluations[0].ids == ("c", "a", "b")
    assert evaluations[0].methods == [Method.SYSTEM, Method.MEAN]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"run": "pix2pix"}, None),
        ({"target": "photo"}, "other targets"),
        ({"protocol_any_inputs": "made-64:99999999"}, "other protocols"),
        ({"inputs": ("photo",), "protocol": "made-64:1"}, "other inputs"),
    ],
)
def test_runs_are_ranked_only_by_one_protocol_on_one_target_from_one_kind_of_inputs(
    evaluations: list[Evaluation], changes: dict[str, object], reason: str | None
) -> None:
    other = dataclasses.replace(evaluations[0], summary=summary(0, **changes))
    assert why_not_comparable(evaluations[0], other) == reason


def test_a_claim_may_compare_runs_that_read_different_inputs(evaluations: list[Evaluation]) -> None:
    read_less = summary(0, inputs=("photo",), protocol="made-64:1")
    other = dataclasses.replace(evaluations[0], summary=read_less)
    assert why_not_comparable(evaluations[0], other, across_inputs=True) is None


def test_runs_scored_on_different_faces_are_not_ranked(evaluations: list[Evaluation]) -> None:
    other = dataclasses.replace(evaluations[0], faces=faces()[:2])
    assert why_not_comparable(evaluations[0], other) == "other faces"


@pytest.mark.parametrize("file", [SUMMARY_FILE, SCORES_FILE])
@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_missing_or_damaged_file_is_named_with_the_stage_to_run(
    tmp_path: Path, file: str, damage: str
) -> None:
    write_three_faces(tmp_path, 0)
    path = tmp_path / "evaluate" / "hida" / "0" / "sketch" / file
    path.unlink()
    if damage == "damaged":
        path.write_text("{")
    with pytest.raises(SketchFaceError, match="dvc repro evaluate@hida-0"):
        read_evaluations(tmp_path, "hida", 0)


def test_every_column_is_described() -> None:
    fields = [field for schema in SCHEMAS.values() for field in schema]
    assert all(field.metadata and field.metadata[b"description"] for field in fields)
