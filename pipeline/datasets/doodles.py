"""The built-in doodles as a data set: drawings alone, as players of "Quick, Draw!" make them.

They show hair, glasses, ears and mouths as often as players draw them, and belong to no built-in
face; a doodle of each of those is a field of `synthetic`. Alone they are what an autoencoder of
doodles learns from; beside photos of another set (`unpaired`), one side of a translation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np

from pipeline.common.images import resize
from pipeline.datasets.base import Adapter, DataSettings, Face, Item, Offer, faults
from pipeline.datasets.synthetic import check_root
from sketchface_models.config import between
from synthetic_faces.doodles import Doodle, doodle

CHECKED = 40
"""Doodles that `validate` draws."""


@dataclass(frozen=True)
class DoodlesSettings(DataSettings):
    """The `data` section for the built-in doodles; `seed` decides what they look like, too."""

    count: Annotated[int, between(1, 1_000_000)]
    """Doodles for training and validation together."""
    test_count: Annotated[int, between(0, 1_000_000)]
    """Doodles for the test; they stay the same whatever `count` is."""
    duplicate_distance: Annotated[int, between(-1, 100)] = field(default=-1, kw_only=True)
    """Without photos there is nothing to compare."""


class Doodles(Adapter[DoodlesSettings]):
    """Built-in doodles of faces: drawings alone, of nobody."""

    name = "doodles"
    Settings = DoodlesSettings
    aligned = True
    framing = None

    def find(self, settings: DoodlesSettings) -> Offer:
        """Return `count` doodles to train on and `test_count` others to test on.

        Raises:
            SketchFaceError: if `root` is not the generator's folder, on which the stage depends.
        """
        check_root(settings.root)
        return Offer([*_items("", settings.count), *_items("test", settings.test_count)], [])

    def read(self, item: Item, settings: DoodlesSettings) -> Face:
        """Draw one doodle; its 28 x 28 bitmap is scaled as QuickDraw's are."""
        bitmap = doodle(settings.seed, item.id).bitmap
        drawing = resize(255 - bitmap, (settings.size, settings.size))
        return Face(sketch=drawing, doodle=drawing)

    def fields(self, settings: DoodlesSettings) -> set[str]:
        """Return drawings alone, which runs read as doodles or as sketches."""
        return {"sketch", "doodle"}

    def field_sets(self, settings: DoodlesSettings) -> list[set[str]]:
        """Return that a drawing is either, not both: a run would read its own target."""
        return [{field} for field in sorted(self.fields(settings))]

    def variants(self, root: Path) -> list[DoodlesSettings]:
        """Return none: doodles are drawn, and `validate` draws some."""
        return []

    def validate(self, root: Path | str) -> list[str]:
        """Describe the data set, and draw some doodles to check that they are whole.

        Raises:
            SketchFaceError: if `root` is not the generator's folder.
        """
        check_root(root)
        drawings = [doodle(0, item.id) for item in _items("", CHECKED)]
        lines = [
            "doodles: drawings of nobody, made on demand; no files are read",
            "each has a face's outline and features, and hair, glasses and ears as often as "
            "players of the game draw them",
            f"{CHECKED} of them drawn twice: {len({each.bitmap.tobytes() for each in drawings})} "
            "different ones",
        ]
        return [*lines, *faults(list(_problems(drawings)), "problems")]


def _items(split: str, count: int) -> list[Item]:
    start = f"doodle-{split}-" if split else "doodle-"
    return [
        Item(id=f"{start}{number:06d}", source="doodles", split=split or "train")
        for number in range(count)
    ]


def _problems(drawings: list[Doodle]) -> Iterator[str]:
    """Yield what is wrong with doodles, one line each."""
    for drawing in drawings:
        again = doodle(drawing.seed, drawing.id).bitmap
        if not np.array_equal(again, drawing.bitmap):
            yield f"{drawing.id}: drawn twice, it differs"
        if not drawing.bitmap.any() or drawing.bitmap.all():
            yield f"{drawing.id}: no lines on paper"
