"""Pictures in folders: listing and naming them, and pairing photos with sketches by name."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.common.images import EXTENSIONS
from pipeline.common.picture_files import matching_name, short_hash
from pipeline.common.shards import file_hash
from pipeline.datasets.base import Item, Rejection, Spare
from sketchface_models.errors import SketchFaceError

NO_PARTNER = "of this name"  # in every reason that says so
NOT_REGULAR = "not a regular file, or a broken link"

Named = tuple[str, Path]
"""A picture, and the name that it is paired by."""
Pair = tuple[str, dict[str, Path]]
"""A name, and its files by field."""


def sub_folder(root: Path, name: str, key: str) -> Path:
    """Return the sub-folder of `root` that the setting `key` names.

    Raises:
        SketchFaceError: if it is no folder.
    """
    folder = root / name
    if not os.path.isdir(folder):  # noqa: PTH112  Path's raises for names that cannot be
        raise SketchFaceError(f"{key}: {folder} is no folder; set it to a sub-folder of {root}")
    return folder


def pictures_at(folder: Path) -> bool:
    """Return whether pictures lie in a folder itself, not in its sub-folders."""
    return any(path.suffix.lower() in EXTENSIONS and path.is_file() for path in folder.iterdir())


def pictures(folder: Path, skip: Path | None = None) -> tuple[list[Named], list[Rejection]]:
    """Return (name, path) of each picture below `folder`, and what else lies there.

    A picture's name is its path inside `folder` without the ending, as `matching_name` has it.
    Folders are searched to any depth, through links too; what begins with a dot is skipped, and so
    is the folder `skip`.
    """
    named: list[Named] = []
    rejected: list[Rejection] = []
    for path in _walk(folder, skip):
        inside = path.relative_to(folder)
        if path.suffix.lower() not in EXTENSIONS:
            reason = Spare(f"{inside}: not a picture by its ending")
            rejected.append((str(inside), reason))
        elif not os.path.isfile(path):  # noqa: PTH113  Path's raises for links into closed folders
            rejected.append((str(inside), f"{inside}: {NOT_REGULAR}"))
        else:
            named.append((matching_name(inside.with_suffix("").as_posix()), path))
    return named, rejected


def _walk(folder: Path, skip: Path | None) -> Iterator[Path]:
    """Yield all files below `folder`, sorted; each real folder once, so that circular links end."""
    seen = {skip.resolve()} if skip else set()
    for current, folders, files in os.walk(folder, followlinks=True):
        real = Path(current).resolve()
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(current, name) for name in sorted(files) if not name.startswith("."))


def with_unique_ids(items: Sequence[Item]) -> list[Item]:
    """Make ids unique: of files of one name (`a.jpg`, `a.png`), all but the first get a hash."""
    used: set[str] = set()
    unique = []
    for item in items:
        id = item.id
        if id in used:
            id = f"{id}-{short_hash(next(iter(item.files.values())).name)}"
        used.add(id)
        unique.append(replace(item, id=id))
    return unique


def without_copies(
    items: Sequence[Item], field: str = "photo"
) -> tuple[list[Item], list[Rejection]]:
    """Reject items whose picture equals an earlier one's; hashes only files of equal size."""
    by_size = defaultdict(list)
    for item in items:
        by_size[_size(item.files[field])].append(item)
    first: dict[str, Path] = {}
    copies: dict[Path, Rejection] = {}
    for size, group in by_size.items():
        for item in group if size and len(group) > 1 else []:
            path = item.files[field]
            original = first.setdefault(_digest(path), path)
            if original != path:
                reason = Spare(f"{path.name}: the same {field} as {original.name}")
                copies[path] = (item.id, reason)
    return [item for item in items if item.files[field] not in copies], list(copies.values())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # gone since it was listed; reading it will say so
        return 0


def _digest(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return str(path)  # equal to no other; reading it will say what is wrong


def first_existing(root: Path, names: Sequence[str]) -> Path | None:
    """Return the first of several paths below `root` that exists."""
    return next((root / name for name in names if (root / name).exists()), None)


def paired(
    photos: Sequence[Named], sketches: Sequence[Named], folders: tuple[str, str] | None = None
) -> tuple[list[Pair], list[Rejection]]:
    """Return photos and sketches of equal names, and a reason for each that has no partner.

    Args:
        photos: named alike with their sketches.
        sketches: likewise.
        folders: of photos and of sketches, where names are paths in them; for messages.
    """

    def alone(name: str, path: Path, lacks: str, place: int) -> Rejection:
        if folders is None:
            return name, f"{path.name}: no {lacks} {NO_PARTNER}; add it"
        wanted = (Path(folders[place]) / f"{name}.png").as_posix()
        reason = f"{name}{path.suffix}: no {lacks} {NO_PARTNER}"
        return name, f"{reason}; add {wanted}, or with another picture's ending"

    by_name = dict(reversed(sketches))
    pairs: list[Pair] = []
    rejected: list[Rejection] = []
    used: set[str] = set()
    for name, path in photos:
        if name not in by_name:
            rejected.append(alone(name, path, "sketch", 1))
        elif name in used:
            rejected.append((name, f"{path.name}: a second photo {NO_PARTNER}; rename it"))
        else:
            used.add(name)
            pairs.append((name, {"photo": path, "sketch": by_name[name]}))
    for name, path in sketches:
        if name not in used:
            rejected.append(alone(name, path, "photo", 0))
        elif by_name[name] != path:
            rejected.append((name, f"{path.name}: a second sketch {NO_PARTNER}; rename it"))
    return pairs, rejected
