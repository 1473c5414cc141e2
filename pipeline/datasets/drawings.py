"""Drawings of your own: a folder of pictures, to combine with photos in an unpaired run.

Each is padded with its own paper to a square. Drawings that equal another one byte for byte are
left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from pipeline.common.images import read_image
from pipeline.common.picture_files import safe_id
from pipeline.datasets.base import (
    FAULT,
    Adapter,
    DataSettings,
    Face,
    Item,
    Offer,
)
from pipeline.datasets.listing import (
    pictures,
    sub_folder,
    with_unique_ids,
    without_copies,
)
from sketchface_models.config import between


@dataclass(frozen=True)
class DrawingsSettings(DataSettings):
    """The `data` section for drawings."""

    folder: str
    """Sub-folder of `root` with the drawings; empty: `root` itself."""
    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the drawings that becomes the test split."""


class Drawings(Adapter[DrawingsSettings]):
    """A folder of drawings, each in the middle of a square of its own paper."""

    name = "drawings"
    Settings = DrawingsSettings
    aligned = True
    framing = None

    def find(self, settings: DrawingsSettings) -> Offer:
        """Return every drawing, and a reason for each file that cannot be used.

        Raises:
            SketchFaceError: if the sub-folder does not exist.
        """
        named, rejected = pictures(sub_folder(Path(settings.root), settings.folder, "data.folder"))
        items = [Item(safe_id(name), "drawings", files={"sketch": path}) for name, path in named]
        items, copies = without_copies(items, "sketch")
        return Offer(with_unique_ids(items), rejected + copies)

    def read(self, item: Item, settings: DrawingsSettings) -> Face:
        """Decode one drawing on square paper."""
        drawing = on_square(read_image(item.files["sketch"], "L"))
        return Face(sketch=drawing, doodle=drawing)

    def fields(self, settings: DrawingsSettings) -> set[str]:
        """Return drawings alone, which runs read as sketches or as doodles."""
        return {"sketch", "doodle"}

    def field_sets(self, settings: DrawingsSettings) -> list[set[str]]:
        """Return that a drawing is either, not both: a run would read its own target."""
        return [{field} for field in sorted(self.fields(settings))]

    def variants(self, root: Path) -> list[DrawingsSettings]:
        """Return settings of the folder itself."""
        return [self.minimal_settings(root, folder="", test_fraction=0.1)]

    def validate(self, root: Path | str) -> list[str]:
        """Count the drawings below a folder."""
        (settings,) = self.variants(Path(root))
        count = len(self.find(settings).items)
        lines = [f"{count} drawings"]
        return lines if count else [*lines, f"{FAULT}{root}: no picture to use"]


def on_square(sketch: np.ndarray) -> np.ndarray:
    """Return a drawing (H, W) in the middle of a square of its border's median grey."""
    height, width = sketch.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    edges = np.concatenate([sketch[0], sketch[-1], sketch[:, 0], sketch[:, -1]])
    square = np.full((side, side), np.median(edges).astype(np.uint8))
    square[top : top + height, left : left + width] = sketch
    return square
