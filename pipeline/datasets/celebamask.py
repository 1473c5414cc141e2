"""CelebAMask-HQ (Lee et al. 2020): photos with 19-class masks, in two layouts.

The publisher's, with its split by the number of the photo in CelebA:

    CelebA-HQ-img/123.jpg, CelebAMask-HQ-mask-anno/0/00123_hair.png, one file a part and 2,000
    photos a folder, CelebA-HQ-to-CelebA-mapping.txt

and the merged one, which knows no such number: a seeded split.

    images/ID.jpg, masks/ID.png, whose values are the classes

Some pairs were mirrored without renaming left and right: `lr_swapped.txt`, where there is one,
lists their ids, and their labels are exchanged. Every face is in the framing of
CelebA-HQ and keeps it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from PIL import Image

from face_geometry.palette import CLASSES, FLIP
from pipeline.common.images import EXTENSIONS, read_image, resize
from pipeline.common.picture_files import matching_name, safe_id
from pipeline.datasets.base import (
    FAULT,
    Adapter,
    DataSettings,
    Face,
    Item,
    Offer,
    Rejection,
    faults,
    same_aspect,
)
from pipeline.datasets.listing import Named
from sketchface_models.config import between
from sketchface_models.errors import SketchFaceError

PHOTOS, PARTS, NUMBERS = (
    *("CelebA-HQ-img", "CelebAMask-HQ-mask-anno"),
    "CelebA-HQ-to-CelebA-mapping.txt",
)
SWAPPED = "lr_swapped.txt"
FIRST_VAL, FIRST_TEST = 162771, 182638
"""Numbers in CelebA at which the validation and the test photos begin (docs/papers.md, Face
parsing)."""

_PART = re.compile(rf"(\d+)_({'|'.join(CLASSES[1:])})")
_SAVE = "save the class numbers themselves as an 8-bit PNG"


@dataclass(frozen=True)
class CelebAMaskSettings(DataSettings):
    """The `data` section for CelebAMask-HQ."""

    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the faces that becomes the test split, where there is no publisher's."""


class CelebAMask(Adapter[CelebAMaskSettings]):
    """CelebAMask-HQ: photos and 19-class labels, in the framing of CelebA-HQ."""

    name = "celebamask"
    Settings = CelebAMaskSettings
    aligned = True
    framing = None

    def recognises(self, root: Path) -> bool:
        """Return whether a folder has either layout."""
        merged = (root / "images").is_dir() and (root / "masks").is_dir()
        return merged or (root / PHOTOS).exists()

    def find(self, settings: CelebAMaskSettings) -> Offer:
        """Return every photo with a mask, and a reason for each that has none.

        Raises:
            SketchFaceError: if the folder is in neither layout, or its mapping is damaged.
        """
        root = Path(settings.root)
        if (root / PHOTOS).is_dir():
            items, rejected = _published(root)
        elif (root / "images").is_dir() and (root / "masks").is_dir():
            items, rejected = _merged(root)
        else:
            raise SketchFaceError(
                f"data.root: {root} holds neither {PHOTOS}/ nor images/ and masks/; "
                "point it at CelebAMask-HQ"
            )
        swapped = _swapped(root)
        for item in items:
            if not swapped.isdisjoint(_names(item)):
                item.files["swapped"] = root / SWAPPED
        return Offer(items, rejected)

    def read(self, item: Item, settings: CelebAMaskSettings) -> Face:
        """Decode one photo with its labels, exchanged where left and right are swapped.

        The photo (1024 pixels, as published) is reduced to its mask (512); the mask is enlarged
        where `size` asks for more.

        Raises:
            SketchFaceError: if a file cannot be decoded, the two differ in shape, or a mask holds
                something that is no class.
        """
        photo, labels = read_image(item.files["photo"]), _labels(item)
        if "swapped" in item.files:
            labels = FLIP[labels]
        (height, width), (h, w) = photo.shape[:2], labels.shape
        if not same_aspect(photo, labels):
            raise SketchFaceError(
                f"{item.id}: mask {w} x {h}, photo {width} x {height}; fetch both again"
            )
        if (h, w) != (height, width):
            if min(h, w) >= min(settings.size, height, width):
                photo = resize(photo, (w, h))
            else:
                labels = resize(labels, (width, height), labels=True)
        return Face(photo=photo, labels=labels)

    def fields(self, settings: CelebAMaskSettings) -> set[str]:
        """Return what every face has."""
        return {"photo", "labels"}

    def variants(self, root: Path) -> list[CelebAMaskSettings]:
        """Return settings of the one kind."""
        return [self.minimal_settings(root, size=512, val_fraction=0.08, test_fraction=0.1)]

    def validate(self, root: Path | str) -> list[str]:
        """Count the faces; an id of `lr_swapped.txt` that no face has is a fault.

        Raises:
            SketchFaceError: as `find`.
        """
        root = Path(root)
        (settings,) = self.variants(root)
        offer = self.find(settings)
        splits = Counter(item.split for item in offer.items if item.split)
        swapped = sum("swapped" in item.files for item in offer.items)
        count = len(offer.items)
        known = set().union(*map(_names, offer.items), (id for id, _ in offer.rejected))
        strange = [
            f"{SWAPPED}: {id!r} is the id of no face" for id in sorted(_swapped(root) - known)
        ]
        lines = [
            f"{count} photos with masks, {swapped} of them with left and right exchanged",
            *(f"split {split}: {count} faces" for split, count in sorted(splits.items())),
            *faults(strange, "unknown ids"),
        ]
        return lines if offer.items else [*lines, f"{FAULT}{root}: no face to use"]


def _merged(root: Path) -> tuple[list[Item], list[Rejection]]:
    (photos, second), (masks, more) = (_by_name(_pictures(root / n)) for n in ("images", "masks"))
    items = [
        Item(safe_id(name), "celebamask", files={"photo": photos[name], "labels": masks[name]})
        for name in sorted(photos.keys() & masks.keys())
    ]
    rejected = [
        (name, f"{(photos | masks)[name].name}: no {wanted} of this id; add {wanted}s/{name}.png")
        for name in sorted(photos.keys() ^ masks.keys())
        for wanted in ["mask" if name in photos else "image"]
    ]
    return items, rejected + second + more


def _published(root: Path) -> tuple[list[Item], list[Rejection]]:
    numbers = _numbers(root / NUMBERS)
    parts: dict[int, dict[str, Path]] = defaultdict(dict)
    for folder in sorted(path for path in (root / PARTS).glob("*") if path.is_dir()):
        for name, path in _pictures(folder):
            if match := _PART.fullmatch(name):
                parts[int(match[1])][f"part_{match[2]}"] = path
    items, rejected = [], []
    for name, path in sorted(_pictures(root / PHOTOS)):
        number = int(name) if name.isdecimal() else -1
        id = f"{number:05d}" if number >= 0 else name
        if number not in numbers:
            rejected.append((id, f"{path.name}: not in {NUMBERS}; fetch that again"))
        elif number not in parts:
            rejected.append((id, f"{path.name}: no mask of any part in {PARTS}; fetch them"))
        else:
            files = {"photo": path, **parts[number]}
            items.append(Item(id, "celebamask", _split(numbers[number]), files=files))
    return items, rejected


def _split(number: int) -> str:
    if number < FIRST_VAL:
        return "train"
    return "val" if number < FIRST_TEST else "test"


def _numbers(path: Path) -> dict[int, int]:
    """Return the number of each photo in CelebA-HQ -> its number in CelebA."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        rows = [line.split() for line in lines if line.strip()]
        return {int(row[0]): int(row[1]) for row in rows}
    except OSError as error:
        raise SketchFaceError(
            f"{path}: {error.strerror}; it gives the split, fetch it with the photos"
        ) from None
    except (ValueError, IndexError):
        raise SketchFaceError(f"{path}: damaged; fetch it again") from None


def _swapped(root: Path) -> set[str]:
    path = root / SWAPPED
    try:
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        return set(matching_name(text).split())
    except (OSError, ValueError):
        raise SketchFaceError(f"{path}: not a readable list of ids; fetch it again") from None


def _names(item: Item) -> set[str]:
    """Return the names that `lr_swapped.txt` may use for a face: its id and its photo's name."""
    return {item.id, matching_name(item.files["photo"].stem)}


def _pictures(folder: Path) -> list[Named]:
    """List (name without ending, picture); what begins with a dot is skipped."""
    return [
        (matching_name(path.stem), path)
        for path in sorted(folder.iterdir() if folder.is_dir() else [])
        if path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")
    ]


def _by_name(named: Sequence[Named]) -> tuple[dict[str, Path], list[Rejection]]:
    """Return the first picture of each name, and a reason for each other one."""
    first: dict[str, Path] = {}
    second = []
    for name, path in named:
        if first.setdefault(name, path) != path:
            other = f"{path.parent.name}/{first[name].name}"
            second.append((path.name, f"{path.name}: {other} has the same id; keep one"))
    return first, second


def _labels(item: Item) -> np.ndarray:
    """Return (H, W) uint8 classes as published."""
    if "labels" in item.files:
        return _class_map(item.files["labels"])
    parts = [(i, item.files.get(f"part_{name}")) for i, name in enumerate(CLASSES)]
    return _painted([(label, path) for label, path in parts if path is not None])


def _painted(parts: Sequence[tuple[int, Path]]) -> np.ndarray:
    """Merge part masks in the order of their classes: later ones cover earlier ones."""
    labels: np.ndarray | None = None
    for label, path in parts:
        inside = read_image(path).any(axis=2)
        if labels is None:
            labels = np.zeros(inside.shape, np.uint8)
        if labels.shape != inside.shape:
            raise SketchFaceError(f"{path.name}: of another size than its face's other parts")
        labels[inside] = label
    assert labels is not None
    return labels


def _class_map(path: Path) -> np.ndarray:
    """Read a merged mask: grey levels, or the indices of a palette, are the classes."""
    labels = read_image(path, "L")
    with Image.open(path) as picture:
        if picture.format == "JPEG":
            raise SketchFaceError(f"{path}: a JPEG, which blurs class numbers; {_SAVE}")
        if picture.mode == "P" or picture.mode.startswith("I;16"):
            labels = np.array(picture)
        elif picture.mode != "L" and (np.array(picture.convert("RGBA")) != _opaque(labels)).any():
            raise SketchFaceError(f"{path}: colours or transparency, not class numbers; {_SAVE}")
    if labels.max() >= len(CLASSES):
        raise SketchFaceError(
            f"{path}: holds class {labels.max()}; allowed: 0 to {len(CLASSES) - 1}; {_SAVE}"
        )
    return labels.astype(np.uint8)


def _opaque(grey: np.ndarray) -> np.ndarray:
    """Return a grey picture as opaque RGBA, (H, W, 4) uint8."""
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])
