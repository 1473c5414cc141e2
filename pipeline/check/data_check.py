"""Check the data themselves before any work: their folders, their files' kinds, their splits."""

from __future__ import annotations

import sys
from typing import Any

from pipeline.common.data_roots import check_files, check_roots
from pipeline.common.parameters import Parameters
from pipeline.datasets import adapter
from pipeline.datasets.base import Adapter, DataSettings
from pipeline.faces.plan import Plan, plan
from pipeline.faces.rehearsal import check_settled, rehearse
from pipeline.faces.whole_sets import WANTED, check_any, check_splits

FEW = 30
"""Faces that are all read here, in about a second: a face left out, or copies in one split, may
leave a split of so few empty. Of more, as many show in which order parsing maps are numbered."""


def check_data(params: Parameters) -> None:
    """Refuse data that are not there, that DVC could not hash, or that leave a split empty.

    Two things are said and are no error: parsing maps numbered in another order, and that without
    validation faces, on purpose, `engine.best` keeps nothing.

    Raises:
        SketchFaceError: naming the parameter and what to change, in one line.
    """
    data = adapter(params.value("data.name"))
    settings = params.section("data", data.Settings)
    best = params.value("engine.best")
    roots = data.roots(settings)
    check_roots(roots, settings.name)
    check_files(roots)
    planned = plan(data, settings)
    check_any(planned.items, settings, [reason for _, reason in planned.rejected])
    measured = best != "none" and settings.val_fraction > 0
    wanted = [*WANTED, *(["val"] if measured else [])]
    check_splits([(each.kind, each.split or "") for each in planned.items], settings, wanted)
    _read_few(data, planned, settings, wanted)
    if best != "none" and not any(item.split == "val" for item in planned.items):
        _note(
            "data.val_fraction is 0, so there is no validation face, and "
            f"engine.best={best} keeps no weights beside the last ones"
        )


def _read_few(data: Adapter[Any], planned: Plan, settings: DataSettings, wanted: list[str]) -> None:
    """Read all of a few faces as ingest will, and of many those that show their parsing maps."""
    items = planned.items
    if len(items) <= FEW and any(item.files for item in items):
        rehearsal = rehearse(data, planned, settings)
        check_settled(planned, rehearsal, settings, wanted)
    else:
        mapped = [item for item in items if any(_is_map(field) for field in item.files)]
        some = Plan(mapped[:: len(mapped) // FEW + 1], [], {}, {})
        rehearsal = rehearse(data, some, settings)
    if rehearsal.order_warning:
        _note(rehearsal.order_warning)


def _is_map(field: str) -> bool:
    return field == "labels" or field.startswith("part_")


def _note(text: str) -> None:
    print(f"note: check: {text}", file=sys.stderr)
