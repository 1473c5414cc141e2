"""FFHQ: 70,000 aligned photos of faces, as its publisher lays them out.

    images1024x1024/00000/00000.png       in sub-folders of a thousand, or without them
    thumbnails128x128/00000/00000.png
    in-the-wild-images/00000/00000.png    before alignment
    ffhq-dataset-v2.json                  `category` of each: training or validation

Karras, Laine, Aila, "A Style-Based Generator Architecture for Generative Adversarial Networks"
(CVPR 2019). Photos alone. The publisher keeps the last 10,000 as `validation`, and there is no
third part: they are the test split here, and `val` is a part of the first 60,000.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from face_geometry.align import Framing
from pipeline.datasets.base import (
    FAULT,
    Adapter,
    DataSettings,
    Item,
    Offer,
    Spare,
    counted,
)
from pipeline.datasets.listing import pictures, sub_folder
from sketchface_models.errors import SketchFaceError

IMAGES = ("images1024x1024", "thumbnails128x128", "in-the-wild-images")
METADATA = "ffhq-dataset-v2.json"
TRAINING = 60_000
COUNT = 70_000

# The publisher's alignment: the centre lies 0.1 of the way e from eyes to mouth below the eyes, and
# the side is the larger of 4 eye distances and 3.6 e (the publisher's script, as many repeat it);
# with e = 1.04 eye distances, as faces have. Not measured on FFHQ's photos.
FRAMING = Framing(
    points=((0.375, 0.474), (0.625, 0.474), (0.5, 0.734)),
    native=frozenset({"images1024x1024", "thumbnails128x128"}),
)
_SPLITS = {"training": "train", "validation": "test"}


@dataclass(frozen=True)
class FFHQSettings(DataSettings):
    """The `data` section for FFHQ."""

    images: Literal["images1024x1024", "thumbnails128x128", "in-the-wild-images"]
    """Which of the publisher's folders."""


class FFHQ(Adapter[FFHQSettings]):
    """FFHQ: photos alone; its `validation` part is the test split."""

    name = "ffhq"
    Settings = FFHQSettings
    framing = FRAMING
    signs = ("images1024x1024", "thumbnails128x128")

    def find(self, settings: FFHQSettings) -> Offer:
        """Return every photo of the chosen folder, in the publisher's split.

        Raises:
            SketchFaceError: if the folder is missing or the metadata unreadable.
        """
        root = Path(settings.root)
        splits = _splits(root)
        named, rejected = pictures(sub_folder(root, settings.images, "data.images"))
        items = []
        for name, path in named:
            number = _number(path)
            if number is None or number not in splits:
                reason = Spare(
                    f"{path.name}: not a photo of the publisher's (00000 to {COUNT - 1})"
                )
                rejected.append((name, reason))
            else:
                files = {"photo": path}
                items.append(Item(f"{number:05d}", settings.images, splits[number], files=files))
        return Offer(items, rejected)

    def variants(self, root: Path) -> list[FFHQSettings]:
        """Return settings of each kind of photos that is there."""
        present = [name for name in IMAGES if (root / name).is_dir()]
        return [self.minimal_settings(root, images=name) for name in present]

    def validate(self, root: Path | str) -> list[str]:
        """Count the photos beside what the publisher promises.

        Raises:
            SketchFaceError: if the metadata are unreadable.
        """
        root = Path(root)
        splits = _splits(root)
        present = [name for name in IMAGES if (root / name).is_dir()]
        if not present:
            return [f"{FAULT}{root}: none of {', '.join(IMAGES)} in it"]
        lines = [] if (root / METADATA).exists() else [f"no {METADATA}: split by number"]
        for name in present:
            numbers = {_number(path) for _, path in pictures(root / name)[0]}
            counts = Counter(
                splits.get(number, "unknown") for number in numbers if number is not None
            )
            for split, promised in (("train", TRAINING), ("test", COUNT - TRAINING)):
                lines.append(counted(f"{name} {split}", counts[split], promised, "photos"))
        return lines


def _number(path: Path) -> int | None:
    return int(path.stem) if re.fullmatch("[0-9]{5}", path.stem) else None


def _splits(root: Path) -> dict[int, str]:
    """Return a photo's number -> split: as the metadata say, else by the publisher's rule."""
    path = root / METADATA
    if not path.exists():
        return {number: "train" if number < TRAINING else "test" for number in range(COUNT)}
    try:
        with path.open(encoding="utf-8") as file:
            categories = json.load(file, object_hook=_category)
        return {int(number): _SPLITS[category] for number, category in categories.items()}
    except OSError as error:
        raise SketchFaceError(f"{path}: {error.strerror}; check that it is readable") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SketchFaceError(
            f"{path}: not FFHQ's metadata (number -> category training or validation); "
            "fetch it again"
        ) from None


def _category(record: dict[str, Any]) -> Any:
    """Reduce a record to its category, so that the metadata's 250 MB never fill memory."""
    if "category" in record:
        return record["category"]
    return record if next(iter(record), "").isdigit() else None
