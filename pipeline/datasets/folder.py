"""Photos of your own, or photos and sketches paired by name, in any common picture format.

A photo `photos/anna/01.jpg` and a sketch `sketches/anna/01.png` are a pair. Folders are searched
to any depth, through links too; what begins with a dot is skipped. Photos that equal another one
byte for byte are left out, so that none can stand in train and in test.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pipeline.datasets.base import DataSettings, Face, Item, Offer
from pipeline.datasets.checks import FAULT, faults, undecodable
from pipeline.datasets.listing import (
    pictures,
    safe_id,
    sub_folder,
    with_unique_ids,
    without_copies,
)
from pipeline.datasets.pairs import NO_PARTNER, paired, read_pair
from sketchface_models.config import between


@dataclass(frozen=True)
class Settings(DataSettings):
    """The `data` section for a folder."""

    photos: str
    """Sub-folder of `root` with the photos; empty: `root` itself."""
    sketches: str
    """Sub-folder of `root` with the sketches; empty: there are none."""
    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the faces, drawn by id and seed, that becomes the test split."""


def find(settings: Settings) -> Offer:
    """The photos, or pairs, with a reason for every file that cannot be used.

    Raises:
        SketchFaceError: if a sub-folder does not exist.
    """
    root = Path(settings.root)
    photo_folder = sub_folder(root, settings.photos, "data.photos")
    if not settings.sketches:
        photos, left_out = pictures(photo_folder)
        items = [_item(name, {"photo": path}) for name, path in photos]
    else:
        sketch_folder = sub_folder(root, settings.sketches, "data.sketches")
        photos, left_out = pictures(photo_folder, skip=sketch_folder)
        sketches, more = pictures(sketch_folder)
        pairs, unpaired = paired(photos, sketches)
        items = [_item(name, files) for name, files in pairs]
        left_out += more + unpaired
    items, copies = without_copies(items)
    return Offer(with_unique_ids(items), left_out + copies)


def read(item: Item, settings: Settings) -> Face:
    """One photo and, if it has one, its sketch at the photo's size.

    Raises:
        SketchFaceError: if a file cannot be decoded, or the two differ in shape.
    """
    return read_pair(item.files)


def guess(root: Path | str) -> tuple[str, str]:
    """The sub-folders that `photos` and `sketches` probably mean; empty where there is none."""
    root = Path(root)
    photos = next((name for name in ("photos", "photo") if (root / name).is_dir()), "")
    sketches = next((name for name in ("sketches", "sketch") if (root / name).is_dir()), "")
    return photos, sketches


def validate(root: Path | str) -> list[str]:
    """Count and decode the pictures of a folder; sub-folders as `guess` finds them.

    Files that are no pictures are counted; photos without sketch, sketches without photo and
    pictures that cannot be decoded are faults.
    """
    root = Path(root)
    photos, sketches = guess(root)
    settings = Settings(
        name="folder", root=str(root), size=256, shards=1, seed=0, val_fraction=0, limit=0,
        photos=photos, sketches=sketches, test_fraction=0,
    )  # fmt: skip
    offer = find(settings)
    paths = [path for item in offer.items for path in item.files.values()]
    endings = Counter(path.suffix.lower() for path in paths)
    wrong = [reason for _, reason in offer.left_out if NO_PARTNER in reason]
    broken = undecodable(sorted(paths), root)
    what = f"photos in {photos or '.'}/" + (f", sketches in {sketches}/" if sketches else "")
    lines = [
        f"{what}: {len(offer.items)} {'pairs' if sketches else 'photos'}",
        *(f"{ending}: {count} files" for ending, count in sorted(endings.items())),
        *(f"left out: {reason}" for _, reason in offer.left_out if NO_PARTNER not in reason),
        *faults(wrong, "files without partner"),
        *faults(broken, "undecodable files"),
    ]
    return lines if offer.items else [*lines, f"{FAULT}{root}: no picture to use"]


def _item(name: str, files: dict[str, Path]) -> Item:
    return Item(id=safe_id(name), source="folder", files=files)


def offers(settings: Settings) -> set[str]:
    """Photos, and sketches where a folder is named for them."""
    return {"photo", "sketch"} if settings.sketches else {"photo"}
