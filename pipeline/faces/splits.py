"""Seeded splits that never move: what becomes of a face depends on its id and the seed alone.

Only photos that stand twice are brought together (`together`), whichever draws they had.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pipeline.datasets.base import Item


def uniform(id: str, seed: int, purpose: str) -> float:
    """A number in [0, 1) drawn for a face; draws for different purposes are independent."""
    digest = hashlib.sha256(f"{purpose}\0{seed}\0{id}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def assign(
    items: Iterable[Item], seed: int, val_fraction: float, test_fraction: float
) -> list[Item]:
    """The items with their splits: the publisher's, else a seeded one; `val` comes from `train`.

    Args:
        items: `split` None means that no publisher split exists.
        seed: of the draws.
        val_fraction: part of the training faces that becomes `val`; 0 leaves none.
        test_fraction: part of the faces without a publisher's split that becomes `test`.

    Where a publisher's source has a `val` of its own, none of its training faces is drawn.
    """
    items = list(items)
    whole = sources_with_val(items)
    return [
        dataclasses.replace(
            item,
            split=_split(item, seed, 0 if item.source in whole else val_fraction, test_fraction),
        )
        for item in items
    ]


def sources_with_val(items: Iterable[Item]) -> set[str]:
    """The sources whose publisher gives them validation faces."""
    return {item.source for item in items if item.split == "val"}


def together(
    groups: Iterable[Sequence[str]],
    splits: Mapping[str, str],
    drawn: Mapping[str, str | None],
) -> dict[str, str]:
    """New splits for drawn faces of groups that the draws have torn apart.

    A publisher's split stays whatever it is: faces without one follow those in `test`, else the
    first that trains. Among faces whose split was drawn from the same, the first id decides.

    Args:
        groups: ids that must not be parted, sorted.
        splits: id -> split, as drawn or given.
        drawn: id -> what its split was drawn from: None, or `train` (which gave train or val);
            faces whose split is the publisher's are not in it.

    Returns:
        id -> split, of those that change.
    """
    moved = {}
    for group in groups:
        fixed = [splits[id] for id in group if id not in drawn]
        from_train = [id for id in group if drawn.get(id, "") == "train"]
        free = [id for id in group if id in drawn and drawn[id] is None]
        for id in from_train:
            moved[id] = "train" if "train" in fixed else splits[from_train[0]]
        if "test" in fixed:
            target = "test"
        elif from_train:
            target = moved[from_train[0]]
        else:
            target = fixed[0] if fixed else splits[free[0]] if free else ""
        moved |= dict.fromkeys(free, target)
    return {id: split for id, split in moved.items() if split != splits[id]}


def limited(items: Iterable[Item], seed: int, limit: int) -> list[Item]:
    """At most `limit` items of each split (0 = all): those with the lowest draws, by id.

    Of an unpaired set, as many photos and as many drawings.
    """
    by_split = defaultdict(list)
    for item in items:
        by_split[item.split, item.kind].append(item)
    kept = []
    for members in by_split.values():
        members.sort(key=lambda item: (uniform(item.id, seed, "limit"), item.id))
        kept += members[: limit or None]
    return sorted(kept, key=lambda item: item.id)


def _split(item: Item, seed: int, val_fraction: float, test_fraction: float) -> str:
    if item.split is None and uniform(item.id, seed, "test") < test_fraction:
        return "test"
    if item.split in (None, "train") and uniform(item.id, seed, "val") < val_fraction:
        return "val"
    return item.split or "train"
