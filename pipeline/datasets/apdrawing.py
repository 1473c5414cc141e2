"""APDrawing: photos and the pen drawings that one artist made of them, in its publisher's layout.

    data/train/*.png   data/test/*.png     1024 x 512: the photo, and its drawing to the right
    landmark/ALL/*.txt  mask/ALL/*.png     not read

Published by Yi et al. 2019 (docs/papers.md, Data sets): 140 pairs, half of them to train on, as six
turned or scaled copies each. Their names say nothing of which are copies of one another. All are
in one framing and keep it. One artist is one style, so that runs that read a style can be trained.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from pipeline.common.images import read_image
from pipeline.common.picture_files import safe_id
from pipeline.datasets.base import Adapter, DataSettings, Face, Item, Offer, counted
from pipeline.datasets.listing import pictures, with_unique_ids
from sketchface_models.errors import SketchFaceError

SPLITS = {"train": 420, "test": 70}
"""Split, which is the folder's name, and pairs that the publisher promises in it."""
STYLE = 1


class APDrawing(Adapter[DataSettings]):
    """APDrawing: photos and pen drawings, side by side in one picture each."""

    name = "apdrawing"
    Settings = DataSettings
    aligned = True
    framing = None
    signs = ("landmark/ALL", "mask/ALL")

    def find(self, settings: DataSettings) -> Offer:
        """Return every picture of both splits, and a reason for each file that is none.

        Raises:
            SketchFaceError: if a split's folder is missing.
        """
        items, rejected = [], []
        for split in SPLITS:
            named, others = pictures(_folder(Path(settings.root), split))
            rejected += [(f"{split}/{name}", reason) for name, reason in others]
            items += [
                Item(safe_id(name), "APDrawing", split, STYLE, {"photo": path, "sketch": path})
                for name, path in named
            ]
        return Offer(with_unique_ids(items), rejected)

    def read(self, item: Item, settings: DataSettings) -> Face:
        """Decode a picture and cut it into photo and drawing.

        Raises:
            SketchFaceError: if it cannot be decoded, or is not twice as wide as high.
        """
        path = item.files["photo"]
        both = read_image(path)
        height, width = both.shape[:2]
        if width != 2 * height:
            raise SketchFaceError(
                f"{path.name}: {width} x {height}; expected twice as wide as high, the photo and "
                "its drawing to the right; fetch it again"
            )
        photo, drawing = (np.ascontiguousarray(part) for part in np.split(both, 2, axis=1))
        return Face(photo=photo, sketch=cv2.cvtColor(drawing, cv2.COLOR_RGB2GRAY))

    def fields(self, settings: DataSettings) -> set[str]:
        """Return what every pair has."""
        return {"photo", "sketch", "style"}

    def validate(self, root: Path | str) -> list[str]:
        """Count the pairs of each split beside what the publisher promises.

        Raises:
            SketchFaceError: if a split's folder is missing.
        """
        offer = self.find(self.minimal_settings(root))
        counts = Counter(item.split for item in offer.items)
        return [
            counted(split, counts[split], promised, "pairs") for split, promised in SPLITS.items()
        ]


def _folder(root: Path, split: str) -> Path:
    """Return a split's folder, in `data/` as it is published or in `root` itself."""
    choices = [root / "data" / split, root / split]
    folder = next((path for path in choices if os.path.isdir(path)), None)  # noqa: PTH112
    if folder is None:
        raise SketchFaceError(
            f"{choices[0]}: no such folder; point data.root at APDrawingDB, which holds data/train "
            "and data/test"
        )
    return folder
