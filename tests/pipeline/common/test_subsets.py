"""Which test faces a subset holds."""

from __future__ import annotations

from made_evaluations import faces

from pipeline.common.subsets import style_subset, subsets, trait_subset


def test_subsets_are_all_each_style_those_without_shared_photos_and_each_trait() -> None:
    """A trait of every face makes none, as `source made` here."""
    assert [str(each) for each in subsets(faces())] == [
        "all",
        "style 1",
        "style 2",
        "without shared photos",
        "pose frontal",
        "pose turned",
    ]
    assert style_subset(1).mask(faces()).tolist() == [False, True, False]
    assert trait_subset("pose turned").mask(faces()).tolist() == [True, False, False]
