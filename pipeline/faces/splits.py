"""Seeded splits that never move: what becomes of a face depends on its id and the seed alone."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterable

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
    """
    return [
        dataclasses.replace(item, split=_split(item, seed, val_fraction, test_fraction))
        for item in items
    ]


def limited(items: Iterable[Item], seed: int, limit: int) -> list[Item]:
    """At most `limit` items of each split (0 = all): those with the lowest draws, by id."""
    by_split = defaultdict(list)
    for item in items:
        by_split[item.split].append(item)
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
