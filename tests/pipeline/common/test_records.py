"""What `evaluate` writes comes back as it was, and picks out the faces that it names."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.common.records import (
    ALL,
    SCHEMAS,
    SCORES_FILE,
    SUMMARY_FILE,
    UNSHARED,
    Evaluation,
    Kind,
    Level,
    Measure,
    Method,
    MissingFace,
    NotMeasured,
    Summary,
    long_frame,
    per_face,
    pooled,
    read_evaluations,
    resampled,
    style_subset,
    subsets,
    why_not_comparable,
    write_evaluation,
)
from sketchface_models.errors import SketchFaceError
from sketchface_models.metrics.registry import Direction

IDS = ["c", "a", "b"]


def summary(seed: int = 0, **changes: object) -> Summary:
    made = Summary(
        run="hida",
        seed=seed,
        data="made",
        split="test",
        output="sketch",
        target="sketch",
        kind=Kind.IMAGE,
        inputs=("photo", "depth"),
        size=64,
        n=3,
        protocol="made-64:0123abcd",
        protocol_any_inputs="made-64:4567cdef",
        protocol_details={"networks": {}},
        measures=(
            Measure("ssim", "SSIM", Direction.HIGHER),
            Measure("parser_kernel", "parser kernel", Direction.LOWER, Level.SET, 6),
        ),
        not_measured=(NotMeasured("fid", "FID", "models/judges/x.pth: missing"),),
        missing=(MissingFace("d", "test", None, "without depth"),),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def faces() -> pd.DataFrame:
    styles = pd.array([2, 1, None], dtype="Int8")
    return pd.DataFrame({"id": IDS, "style": styles, "shared": [False, True, False]})


def written(folder: Path, seed: int) -> None:
    about = summary(seed)
    scores = pd.concat(
        [
            long_frame(about, Method.SYSTEM, ALL, "ssim", IDS, [0.3 + seed, 0.1, 0.2]),
            long_frame(about, Method.MEAN, ALL, "ssim", IDS, [0.0, 0.0, np.inf]),
            long_frame(about, Method.SYSTEM, style_subset(2), "fidelity", IDS, [1, 0, 1]),
            long_frame(about, Method.SYSTEM, ALL, "parser_kernel", [], 0.5 + seed),
        ]
    )
    draws = long_frame(about, Method.SYSTEM, ALL, "parser_kernel", [], [0.4, 0.6])
    draws = draws.drop(columns="id").assign(resample=[0, 1])
    out = folder / "evaluate" / "hida" / str(seed) / "sketch"
    out.mkdir(parents=True)
    write_evaluation(Evaluation(out, about, faces(), scores, draws))


@pytest.fixture
def evaluations(tmp_path: Path) -> list[Evaluation]:
    for seed in (0, 1):
        written(tmp_path, seed)
    return [*read_evaluations(tmp_path, "hida", 0), *read_evaluations(tmp_path, "hida", 1)]


def test_an_evaluation_comes_back_as_it_was_written(evaluations: list[Evaluation]) -> None:
    assert evaluations[1].summary == summary(1)
    assert evaluations[0].ids == ("c", "a", "b")
    assert evaluations[0].methods == [Method.SYSTEM, Method.MEAN]


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


def test_subsets_are_all_each_style_and_those_without_shared_photos() -> None:
    assert [str(each) for each in subsets(faces())] == [
        "all",
        "style 1",
        "style 2",
        "without shared photos",
    ]
    assert style_subset(1).mask(faces()).tolist() == [False, True, False]


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
    written(tmp_path, 0)
    path = tmp_path / "evaluate" / "hida" / "0" / "sketch" / file
    path.unlink()
    if damage == "damaged":
        path.write_text("{")
    with pytest.raises(SketchFaceError, match="dvc repro evaluate@hida-0"):
        read_evaluations(tmp_path, "hida", 0)


def test_every_column_is_described() -> None:
    fields = [field for schema in SCHEMAS.values() for field in schema]
    assert all(field.metadata and field.metadata[b"description"] for field in fields)
