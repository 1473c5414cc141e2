"""Which test faces belong together: all, those of a style, a trait, without shared photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd


class SubsetKind(StrEnum):
    """Which test faces a subset holds."""

    ALL = "all"
    STYLE = "style"
    """Those whose sketch is in one style."""
    UNSHARED = "without shared photos"
    """Those whose photo does not also stand in the training split."""
    TRAIT = "trait"
    """Those of which something else is known: `pose turned`, `source photo1`."""
    EDITS = "edits"
    """No test faces: the edits of one group."""
    SHIFT = "shift"
    """Test faces whose contour was shifted, by a part of the largest shift."""
    ROTATION = "rotation"
    """Test faces whose contour was rotated, by a part of the largest rotation."""


MEASURED = (SubsetKind.EDITS, SubsetKind.SHIFT, SubsetKind.ROTATION)
"""Kinds of which each has measurements of its own, selected from no others."""


@dataclass(frozen=True)
class Subset:
    """Some of the test faces; `str` gives the name that stands in the `subset` columns.

    style: of the faces' sketches. part: the trait; or which of the `MEASURED` kinds: the group, or
    the part of the largest shift or rotation.
    """

    kind: SubsetKind = SubsetKind.ALL
    style: int | None = None
    part: str = ""

    def __str__(self) -> str:
        if self.kind is SubsetKind.TRAIT:
            return self.part
        which = self.part if self.style is None else self.style
        return f"{self.kind} {which}" if which else self.kind

    def mask(self, faces: pd.DataFrame) -> np.ndarray:
        """Which rows of a `FACES` frame belong to it: (N,) bool; none of a `MEASURED` kind."""
        if self.kind in MEASURED:
            return np.zeros(len(faces), bool)
        if self.kind is SubsetKind.STYLE:
            return faces["style"].to_numpy(float, na_value=np.nan) == self.style
        if self.kind is SubsetKind.UNSHARED:
            return ~faces["shared"].to_numpy(bool)
        if self.kind is SubsetKind.TRAIT:
            return np.array([self.part in traits for traits in faces["traits"]], bool)
        return np.ones(len(faces), bool)


ALL = Subset()

UNSHARED = Subset(SubsetKind.UNSHARED)


def style_subset(style: int) -> Subset:
    """The faces whose sketch is in this style."""
    return Subset(SubsetKind.STYLE, style)


def subsets(faces: pd.DataFrame) -> list[Subset]:
    """All faces, those of each style, those without shared photos where there are any, each trait.

    What is true of every face makes no subset.

    Args:
        faces: a `FACES` frame.
    """
    styles = [style_subset(int(style)) for style in sorted(faces["style"].dropna().unique())]
    known = sorted({trait for traits in faces["traits"] for trait in traits})
    traits = [each for each in map(trait_subset, known) if not each.mask(faces).all()]
    return [ALL, *styles, *([UNSHARED] if faces["shared"].any() else []), *traits]


def trait_subset(trait: str) -> Subset:
    """The faces of which this is known."""
    return Subset(SubsetKind.TRAIT, part=trait)


def edits_subset(group: str) -> Subset:
    """The edits of one group."""
    return Subset(SubsetKind.EDITS, part=group)


def moved_subset(kind: SubsetKind, part: float) -> Subset:
    """Faces whose contour was moved.

    Args:
        kind: `SHIFT` or `ROTATION`.
        part: of the largest one.
    """
    return Subset(kind, part=f"{part:g}")


def measured_subsets(names: Iterable[str]) -> list[Subset]:
    """The subsets of `MEASURED` kinds among names of a `subset` column, in their order."""
    pairs = ((name, *name.partition(" ")[::2]) for name in dict.fromkeys(names))
    return [Subset(SubsetKind(kind), part=part) for _, kind, part in pairs if kind in MEASURED]
