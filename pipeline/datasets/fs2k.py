"""FS2K, paired photos and sketches in three styles, in its publisher's layout.

    anno_train.json  anno_test.json
    photo/photo1 ... photo3     imageNNNN.jpg or .JPG
    sketch/sketch1 ... sketch3  sketchNNNN.jpg or .png

Published by Fan et al. 2022 (docs/papers.md, Data sets). The split is the publisher's; a pair's
style is its annotation's `style` + 1, whatever its folder, and of what else is annotated pose,
smile and earring are kept as traits.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from face_geometry.align import Framing
from pipeline.common.images import EXTENSIONS, read_image
from pipeline.datasets.base import (
    Adapter,
    DataSettings,
    Face,
    Item,
    Offer,
    Rejection,
    counted,
    faults,
)
from sketchface_models.errors import SketchFaceError

# Means over photo1 (1,529 photos of 250 x 250, landmarks of the project's own detector; their
# standard deviation is 3 pixels for the eyes and 3 x 5 for the mouth): its publisher's framing,
# which published scores are taken in. Medians over photo2 and photo3, measured the same way.
FRAMING = Framing(
    points=((0.383, 0.433), (0.611, 0.430), (0.500, 0.670)),
    native=frozenset({"photo1"}),
    median={
        "photo2": ((0.358, 0.449), (0.654, 0.442), (0.503, 0.658)),
        "photo3": ((0.416, 0.456), (0.571, 0.457), (0.494, 0.702)),
    },
)

SHARED = {
    "photo3_image0359": "photo3_image0044",
    "photo3_image0382": "photo3_image0060",
    "photo3_image0206": "photo3_image0120",
    "photo3_image0449": "photo3_image0119",
    "photo3_image0158": "photo3_image0116",
    "photo3_image0444": "photo3_image0199",
    "photo1_image1530": "photo1_image0291",
    "photo1_image1564": "photo1_image0534",
    "photo1_image0078": "photo1_image0657",
}
"""Test pair -> training pair of the same photo (the last one mirrored), with another sketch."""

SPLITS = ("train", "test")
STYLES = 3
TRAITS = {
    "frontal_face": ("pose frontal", "pose turned"),
    "smile": ("smile yes", "smile no"),
    "earring": ("earring yes", "earring no"),
}
"""Key of an annotation -> the traits that its 0 and its 1 stand for; turned by over 30 degrees."""
_PROMISED: dict[str, dict[str | int, int]] = {
    "split": {"train": 1058, "test": 1046},
    "train style": {1: 357, 2: 350, 3: 351},
    "test style": {1: 619, 2: 381, 3: 46},
    "source": {"photo1": 1529, "photo2": 98, "photo3": 477},
}
_NAME = re.compile(r"photo([123])/image([0-9]+)")


@dataclass(frozen=True)
class FS2KSettings(DataSettings):
    """The `data` section for FS2K."""

    drop_shared: bool = False
    """Leave out the nine test pairs whose photo also stands in train."""


class FS2K(Adapter[FS2KSettings]):
    """FS2K: photos, sketches and their styles, in the publisher's split."""

    name = "fs2k"
    Settings = FS2KSettings
    framing = FRAMING
    signs = ("anno_t*.json",)
    shared_photos = SHARED

    def find(self, settings: FS2KSettings) -> Offer:
        """Return every annotated pair, and a reason for each that cannot be used.

        Raises:
            SketchFaceError: if an annotation file is missing or unreadable.
        """
        offer = _annotated(Path(settings.root))
        if not settings.drop_shared:
            return offer
        shared = [
            (item.id, f"{item.id}: its photo also stands in train as {SHARED[item.id]}")
            for item in offer.items
            if _is_shared(item)
        ]
        items = [item for item in offer.items if not _is_shared(item)]
        splits = offer.splits | {id: "test" for id, _ in shared}
        return Offer(items, [*offer.rejected, *shared], splits)

    def read(self, item: Item, settings: FS2KSettings) -> Face:
        """Decode one pair; the sketch in grey, transparent parts over white."""
        photo, sketch = read_image(item.files["photo"]), read_image(item.files["sketch"], "L")
        return Face(photo=photo, sketch=sketch, traits=item.traits)

    def fields(self, settings: FS2KSettings) -> set[str]:
        """Return what every pair has."""
        return {"photo", "sketch", "style"}

    def validate(self, root: Path | str) -> list[str]:
        """Count the pairs beside what the publisher promises; name pictures of no annotation.

        Raises:
            SketchFaceError: if an annotation file is missing or unreadable.
        """
        root = Path(root)
        offer = _annotated(root)
        annotated = {
            _id(entry) for split in SPLITS for entry in _entries(_annotations(root, split))
        }
        spare = [
            f"{path.relative_to(root)}: no annotation"
            for kind in ("photo", "sketch")
            for (number, stem), path in sorted(_pictures(root, kind).items())
            if f"photo{number}_{stem.replace('sketch', 'image', 1)}" not in annotated
        ]
        shared = [item.id for item in offer.items if _is_shared(item)]
        return [
            *_count_lines(offer.items),
            f"{len(shared)} test pairs whose photo also stands in train"
            " (data.drop_shared leaves them out)",
            *faults(spare, "files without annotation"),
        ]


def _annotated(root: Path) -> Offer:
    files = {kind: _pictures(root, kind) for kind in ("photo", "sketch")}
    items: dict[str, Item] = {}
    rejected: list[Rejection] = []
    splits: dict[str, str] = {}
    for split in SPLITS:
        for number, entry in enumerate(_entries(_annotations(root, split))):
            item, reason = _item(entry, split, files)
            if item is None:
                id = _id(entry) or f"anno_{split}_{number}"
                rejected.append((id, reason))
                splits[id] = split
            elif item.id in items:
                rejected.append((item.id, f"anno_{split}.json: names {item.id} a second time"))
            else:
                items[item.id] = item
    return Offer(list(items.values()), rejected, splits)


def _annotations(root: Path, split: str) -> Path:
    return root / f"anno_{split}.json"


def _entries(path: Path) -> list[Any]:
    remedy = "point data.root at the folder that holds photo/, sketch/ and both anno_*.json"
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SketchFaceError(f"{path}: {error.strerror}; {remedy}") from None
    except (ValueError, RecursionError) as error:
        raise SketchFaceError(f"{path}: not valid JSON ({error}); fetch it again") from None
    if not isinstance(entries, list):
        raise SketchFaceError(f"{path}: not a list of annotations; fetch it again")
    return entries


def _pictures(root: Path, kind: str) -> dict[tuple[str, str], Path]:
    """Return (`1`..`3`, file name without ending) -> picture; endings differ, in case too."""
    return {
        (number, path.stem): path
        for number in "123"
        for path in sorted(root.glob(f"{kind}/{kind}{number}/*"), reverse=True)
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")
    }


def _item(
    entry: Any, split: str, files: dict[str, dict[tuple[str, str], Path]]
) -> tuple[Item | None, str]:
    """Return the pair that an annotation names, or None and what is wrong with it."""
    file = f"anno_{split}.json"
    id = _id(entry)
    if id is None:
        return None, f"{file}: an entry without an image_name such as photo1/image0001"
    number, digits = _NAME.fullmatch(entry["image_name"]).groups()  # type: ignore[union-attr]
    style = entry.get("style")
    if type(style) is not int or not 0 <= style < STYLES:
        return None, f"{file}: style {style!r} of {id}; allowed: 0 to {STYLES - 1}"
    names = {
        "photo": f"photo/photo{number}/image{digits}.jpg",
        "sketch": f"sketch/sketch{number}/sketch{digits}.jpg",
    }
    there = {kind: files[kind].get((number, Path(name).stem)) for kind, name in names.items()}
    pair = {kind: path for kind, path in there.items() if path is not None}
    missing = [name for kind, name in names.items() if kind not in pair]
    if missing:
        beside = f", its {next(iter(pair))} is there" if pair else ""
        return None, f"{' and '.join(missing)}: missing{beside}; fetch it again"
    return Item(id, f"photo{number}", split, style + 1, pair, traits=_traits(entry)), ""


def _traits(entry: dict[str, Any]) -> tuple[str, ...]:
    """Return the traits that an annotation states; what is neither 0 nor 1 states nothing."""
    return tuple(
        traits[value]
        for key, traits in TRAITS.items()
        if type(value := entry.get(key)) is int and value in (0, 1)
    )


def _id(entry: Any) -> str | None:
    name = entry.get("image_name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        return None
    return name.replace("/", "_")


def _is_shared(item: Item) -> bool:
    return item.split == "test" and item.id in SHARED


def _count_lines(items: list[Item]) -> Iterator[str]:
    counts: dict[str, Counter[Any]] = {
        "split": Counter(item.split for item in items),
        "train style": Counter(item.style for item in items if item.split == "train"),
        "test style": Counter(item.style for item in items if item.split == "test"),
        "source": Counter(item.source for item in items),
    }
    for group, promised in _PROMISED.items():
        for value, expected in promised.items():
            yield counted(f"{group} {value}", counts[group][value], expected, "pairs")
