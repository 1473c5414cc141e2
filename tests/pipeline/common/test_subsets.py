"""Which test faces a subset holds."""

from __future__ import annotations

from made_evaluations import faces

from pipeline.common.subsets import style_subset, subsets


def test_subsets_are_all_each_style_and_those_without_shared_photos() -> None:
    assert [str(each) for each in subsets(faces())] == [
        "all",
        "style 1",
        "style 2",
        "without shared photos",
    ]
    assert style_subset(1).mask(faces()).tolist() == [False, True, False]
