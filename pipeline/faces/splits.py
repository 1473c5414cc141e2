"""Seeded splits: the split of a face depends on its id and the seed alone.

There are two exceptions. `together` brings copies of one photo into one split, and of so few faces
that a split would stay empty, `assign` moves the one nearest to it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pipeline.datasets.base import Item

LEAST = {"train": 2, "test": 1, "val": 0}
"""Faces of a split that others cannot have; one face alone teaches nothing."""


def uniform(id: str, seed: int, purpose: str) -> float:
    """Return a random number in [0, 1) for a face, independent between purposes."""
    digest = hashlib.sha256(f"{purpose}\0{seed}\0{id}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def assign(
    items: Iterable[Item], seed: int, val_fraction: float, test_fraction: float
) -> list[Item]:
    """Return the items with their splits: the publisher's, else a seeded one.

    `val` is a part of `train`. A source whose publisher has a `val` of its own keeps it as it is.
    A seeded split that stayed empty gets one face, where train keeps two; of an unpaired set, a
    photo and a drawing.

    Args:
        items: `split` None means that no publisher split exists.
        seed: of the splits.
        val_fraction: part of the training faces that becomes `val`; 0 leaves none.
        test_fraction: part of the faces without a publisher's split that becomes `test`.
    """
    items = list(items)
    with_val = sources_with_val(items)
    splits = {
        item.id: _split(item, seed, 0 if item.source in with_val else val_fraction, test_fraction)
        for item in items
    }
    for kind in {item.kind for item in items}:
        movable = [item for item in items if item.kind == kind and item.split in (None, "train")]
        counts = Counter(splits[item.id] for item in items if item.kind == kind)
        if test_fraction and not counts["test"]:
            free = [item for item in movable if item.split is None]
            _move(free, splits, counts, "test", ("train", "val"), seed)
        while counts["train"] < LEAST["train"]:
            if not _move(movable, splits, counts, "train", ("test", "val"), seed):
                break
        if val_fraction and not counts["val"]:
            without_val = [item for item in movable if item.source not in with_val]
            _move(without_val, splits, counts, "val", ("train", "test"), seed)
    return [dataclasses.replace(item, split=splits[item.id]) for item in items]


def _move(
    items: Sequence[Item],
    splits: dict[str, str],
    counts: Counter[str],
    to: str,
    donors: Sequence[str],
    seed: int,
) -> bool:
    """Move the face that is nearest to a split there, from the first donor that can spare one.

    Returns:
        Whether there was one; donors keep what `LEAST` says.
    """
    for donor in donors:
        candidates = [
            item
            for item in items
            if splits[item.id] == donor and (item.split is None or "test" not in (donor, to))
        ]
        if candidates and (counts[donor] > LEAST[donor]):
            sign, purpose = (-1, donor) if to == "train" else (1, to)
            nearest = min(candidates, key=lambda i: (sign * uniform(i.id, seed, purpose), i.id))
            splits[nearest.id] = to
            counts[donor] -= 1
            counts[to] += 1
            return True
    return False


def sources_with_val(items: Iterable[Item]) -> set[str]:
    """Return the sources whose publisher has validation faces."""
    return {item.source for item in items if item.split == "val"}


def together(
    groups: Iterable[Sequence[str]],
    splits: Mapping[str, str],
    seeded_from: Mapping[str, str | None],
) -> dict[str, str]:
    """Return new splits for the faces of groups that seeded splits have separated.

    A publisher's split never changes: faces without one follow those in `test`, else the first
    that trains. Among faces with seeded splits of one kind, the first id decides.

    Args:
        groups: ids that belong into one split, sorted.
        splits: id -> split so far.
        seeded_from: id of each face with a seeded split -> its publisher's split, of which the
            seeded one is a part: `train` (which gave train or val), or None.

    Returns:
        id -> split, of those that change.
    """
    changes = {}
    for group in groups:
        fixed = [splits[id] for id in group if id not in seeded_from]
        from_train = [id for id in group if seeded_from.get(id, "") == "train"]
        free = [id for id in group if id in seeded_from and seeded_from[id] is None]
        for id in from_train:
            changes[id] = "train" if "train" in fixed else splits[from_train[0]]
        if "test" in fixed:
            target = "test"
        elif from_train:
            target = changes[from_train[0]]
        else:
            target = fixed[0] if fixed else splits[free[0]] if free else ""
        changes |= dict.fromkeys(free, target)
    return {id: split for id, split in changes.items() if split != splits[id]}


def limited(items: Iterable[Item], seed: int, limit: int) -> list[Item]:
    """Return at most `limit` items of each split (0 = all), chosen by id and seed, sorted by id.

    Of an unpaired set, as many photos and as many drawings.
    """
    by_split = defaultdict(list)
    for item in items:
        by_split[item.split, item.kind].append(item)
    chosen = []
    for members in by_split.values():
        members.sort(key=lambda item: (uniform(item.id, seed, "limit"), item.id))
        chosen += members[: limit or None]
    return sorted(chosen, key=lambda item: item.id)


def _split(item: Item, seed: int, val_fraction: float, test_fraction: float) -> str:
    if item.split is None and uniform(item.id, seed, "test") < test_fraction:
        return "test"
    if item.split in (None, "train") and uniform(item.id, seed, "val") < val_fraction:
        return "val"
    return item.split or "train"
