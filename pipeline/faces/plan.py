"""What ingest will take of a data set and in which split, known before any face is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.datasets.base import Adapter, DataSettings, Item, Rejection
from pipeline.faces import splits


@dataclass(frozen=True)
class Plan:
    """What will be read of a data set, and what is left out already.

    items: at most `limit` of a split, each with its split. rejected: ids or files left out, with
    the reason. seeded_from: see `splits.together`. lost: id of a rejected face -> its publisher's
    split, where known.
    """

    items: list[Item]
    rejected: list[Rejection]
    seeded_from: Mapping[str, str | None]
    lost: Mapping[str, str]


def plan(adapter: Adapter[Any], settings: DataSettings) -> Plan:
    """List a data set and assign the splits.

    Raises:
        SketchFaceError: if the data set as a whole cannot be read.
    """
    offer = adapter.find(settings)
    items, rejected = _without_repeated_ids(offer.items, offer.rejected)
    publishers = {item.id: item.split for item in items}
    with_val = splits.sources_with_val(items)
    test_fraction = getattr(settings, "test_fraction", 0.0)
    items = splits.assign(items, settings.seed, settings.val_fraction, test_fraction)
    items = splits.limited(items, settings.seed, settings.limit)
    seeded_from = {
        item.id: publishers[item.id]
        for item in items
        if publishers[item.id] is None
        or (publishers[item.id] == "train" and item.source not in with_val)
    }
    return Plan(items, rejected, seeded_from, offer.splits)


def _without_repeated_ids(
    items: Sequence[Item], rejected: Sequence[Rejection]
) -> tuple[list[Item], list[Rejection]]:
    unique: dict[str, Item] = {}
    repeated: list[Rejection] = []
    for item in items:
        if item.id in unique:
            repeated.append((item.id, f"{item.id}: another face has this id; rename one"))
        else:
            unique[item.id] = item
    return list(unique.values()), [*rejected, *repeated]
