"""Which test faces belong together: all, those of one style, those without shared photos."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Subset:
    """Some of the test faces; `str` gives the name that stands in the `subset` columns."""

    kind: SubsetKind = SubsetKind.ALL
    style: int | None = None

    def __str__(self) -> str:
        return self.kind if self.style is None else f"{self.kind} {self.style}"

    def mask(self, faces: pd.DataFrame) -> np.ndarray:
        """Which rows of a `FACES` frame belong to it: (N,) bool."""
        if self.kind is SubsetKind.STYLE:
            return (faces["style"] == self.style).fillna(False).to_numpy(bool)
        if self.kind is SubsetKind.UNSHARED:
            return ~faces["shared"].to_numpy(bool)
        return np.ones(len(faces), bool)


ALL = Subset()

UNSHARED = Subset(SubsetKind.UNSHARED)


def style_subset(style: int) -> Subset:
    """The faces whose sketch is in this style."""
    return Subset(SubsetKind.STYLE, style)


def subsets(faces: pd.DataFrame) -> list[Subset]:
    """All faces, those of each style, those without shared photos where there are any.

    Args:
        faces: a `FACES` frame.
    """
    styles = [style_subset(int(style)) for style in sorted(faces["style"].dropna().unique())]
    return [ALL, *styles, *([UNSHARED] if faces["shared"].any() else [])]
