"""Photos of your own, or photos and sketches paired by name, in any common picture format.

A photo `photos/anna/01.jpg` and a sketch `sketches/anna/01.png` are a pair. Folders are searched
to any depth, through links too; what begins with a dot is skipped. Photos that equal another one
byte for byte are left out, so that none can stand in train and in test.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pipeline.datasets.base import DataSettings, Face, Item, Offer
from pipeline.datasets.checks import FAULT, faults, undecodable
from pipeline.images import EXTENSIONS, read_image, resize
from pipeline.shards import file_hash
from sketchface_models.config import between
from sketchface_models.errors import SketchFaceError

_LONGEST_ID = 80
_SAME_ASPECT = 0.01  # a sketch and its photo may differ so much in width / height

_NO_PARTNER = "of this name"  # in every reason that says so

LeftOut = tuple[str, str]  # id, reason


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
    photo_folder = _folder(root, settings.photos, "data.photos")
    if not settings.sketches:
        photos, left_out = _pictures(photo_folder, skip=None)
        items = [_item(name, {"photo": path}) for name, path in photos]
    else:
        sketch_folder = _folder(root, settings.sketches, "data.sketches")
        photos, left_out = _pictures(photo_folder, skip=sketch_folder)
        sketches, more = _pictures(sketch_folder, skip=None)
        items, unpaired = _pairs(photos, sketches)
        left_out += more + unpaired
    items, copies = _without_copies(items)
    return Offer(_with_unique_ids(items), left_out + copies)


def read(item: Item, settings: Settings) -> Face:
    """One photo and, if it has one, its sketch at the photo's size.

    Raises:
        SketchFaceError: if a file cannot be decoded, or the two differ in shape.
    """
    photo = read_image(item.files["photo"])
    if "sketch" not in item.files:
        return Face(photo=photo)
    sketch = read_image(item.files["sketch"], "L")
    (height, width), (h, w) = photo.shape[:2], sketch.shape
    if abs(w * height / (h * width) - 1) > _SAME_ASPECT:
        name = item.files["sketch"].name
        raise SketchFaceError(f"{name}: {w} x {h}, its photo {width} x {height}; crop them alike")
    return Face(
        photo=photo, sketch=sketch if (h, w) == (height, width) else resize(sketch, (width, height))
    )


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
    wrong = [reason for _, reason in offer.left_out if _NO_PARTNER in reason]
    broken = undecodable(sorted(paths), root)
    what = f"photos in {photos or '.'}/" + (f", sketches in {sketches}/" if sketches else "")
    lines = [
        f"{what}: {len(offer.items)} {'pairs' if sketches else 'photos'}",
        *(f"{ending}: {count} files" for ending, count in sorted(endings.items())),
        *(f"left out: {reason}" for _, reason in offer.left_out if _NO_PARTNER not in reason),
        *faults(wrong, "files without partner"),
        *faults(broken, "undecodable files"),
    ]
    return lines if offer.items else [*lines, f"{FAULT}{root}: no picture to use"]


def _folder(root: Path, name: str, key: str) -> Path:
    folder = root / name
    if not os.path.isdir(folder):  # noqa: PTH112  Path's raises for names that cannot be
        raise SketchFaceError(f"{key}: {folder} is no folder; set it to a sub-folder of {root}")
    return folder


def _pictures(folder: Path, skip: Path | None) -> tuple[list[tuple[str, Path]], list[LeftOut]]:
    """(name, path) of each picture below `folder`, and what else lies there.

    A picture's name is its path inside `folder` without the ending.
    """
    pictures, left_out = [], []
    for path in _walk(folder, skip):
        inside = path.relative_to(folder)
        if path.suffix.lower() not in EXTENSIONS:
            left_out.append((str(inside), f"{inside}: not a picture by its ending"))
        elif not os.path.isfile(path):  # noqa: PTH113  Path's raises for links into closed folders
            left_out.append((str(inside), f"{inside}: not a regular file, or a broken link"))
        else:
            pictures.append((inside.with_suffix("").as_posix(), path))
    return pictures, left_out


def _walk(folder: Path, skip: Path | None) -> Iterator[Path]:
    """All files below `folder`, sorted; each real folder once, so that circular links end."""
    seen = {skip.resolve()} if skip else set()
    for current, folders, files in os.walk(folder, followlinks=True):
        real = Path(current).resolve()
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(current, name) for name in sorted(files) if not name.startswith("."))


def _pairs(
    photos: Sequence[tuple[str, Path]], sketches: Sequence[tuple[str, Path]]
) -> tuple[list[Item], list[LeftOut]]:
    by_name = dict(reversed(sketches))
    items: list[Item] = []
    left_out: list[LeftOut] = []
    paired: set[str] = set()
    for name, path in photos:
        if name not in by_name:
            left_out.append((name, f"{path.name}: no sketch {_NO_PARTNER}; add it"))
        elif name in paired:
            left_out.append((name, f"{path.name}: a second photo {_NO_PARTNER}; rename it"))
        else:
            paired.add(name)
            items.append(_item(name, {"photo": path, "sketch": by_name[name]}))
    for name, path in sketches:
        if name not in paired:
            left_out.append((name, f"{path.name}: no photo {_NO_PARTNER}; add it"))
        elif by_name[name] != path:
            left_out.append((name, f"{path.name}: a second sketch {_NO_PARTNER}; rename it"))
    return items, left_out


def _item(name: str, files: dict[str, Path]) -> Item:
    return Item(id=safe_id(name), source="folder", files=files)


def safe_id(name: str) -> str:
    """An id for a file from its name alone: kept where it is plain, else cleaned, with a hash.

    `anna-01` stays; `été/Zoë 2` becomes `ete_Zoe_2-` and eight digits, the same on every system
    whichever way it composes accents.
    """
    name = unicodedata.normalize("NFC", name)
    if re.fullmatch(rf"[A-Za-z0-9_.-]{{1,{_LONGEST_ID}}}", name):
        return name
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^A-Za-z0-9_.-]+", "_", letters).strip("_")[:_LONGEST_ID] or "face"
    return f"{cleaned}-{_short_hash(name)}"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _with_unique_ids(items: Sequence[Item]) -> list[Item]:
    """Photos alone may share a name (`a.jpg`, `a.png`): all but the first get a hash of theirs."""
    taken: set[str] = set()
    unique = []
    for item in items:
        id = item.id
        if id in taken:
            id = f"{id}-{_short_hash(item.files['photo'].name)}"
        taken.add(id)
        unique.append(Item(id=id, source=item.source, files=item.files))
    return unique


def _without_copies(items: Sequence[Item]) -> tuple[list[Item], list[LeftOut]]:
    """Leave out items whose photo equals an earlier one's; hashes only where sizes are equal."""
    by_size = defaultdict(list)
    for item in items:
        by_size[item.files["photo"].stat().st_size].append(item)
    first: dict[str, Path] = {}
    copies: dict[Path, LeftOut] = {}
    for size, group in by_size.items():
        for item in group if size and len(group) > 1 else []:
            path = item.files["photo"]
            original = first.setdefault(_digest(path), path)
            if original != path:
                copies[path] = (item.id, f"{path.name}: the same photo as {original.name}")
    return [item for item in items if item.files["photo"] not in copies], list(copies.values())


def _digest(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return str(path)  # equal to no other; reading it will say what is wrong


def offers(settings: Settings) -> set[str]:
    """Photos, and sketches where a folder is named for them."""
    return {"photo", "sketch"} if settings.sketches else {"photo"}
