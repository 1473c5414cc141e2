"""Check the data themselves before any work: their folders, their files' kinds, their splits."""

from __future__ import annotations

import sys

from pipeline.common.data_roots import check_files, check_roots
from pipeline.common.parameters import Parameters
from pipeline.datasets import adapter
from pipeline.faces.splits import chosen
from pipeline.faces.whole_sets import check_any, check_splits


def check_data(params: Parameters) -> None:
    """Refuse data that are not there, that DVC could not hash, or that leave a split empty.

    Without validation faces on purpose, `engine.best` keeps nothing: that is said and no error.

    Raises:
        SketchFaceError: naming the parameter and what to change, in one line.
    """
    data = adapter(params.value("data.name"))
    settings = params.section("data", data.Settings)
    best = params.value("engine.best")
    roots = data.roots(settings)
    check_roots(roots, settings.name)
    check_files(roots)
    offer = data.find(settings)
    check_any(offer.items, settings, [reason for _, reason in offer.rejected])
    items = chosen(offer.items, settings)
    wanted = ["train", "test"]
    if best != "none" and settings.val_fraction:
        wanted.append("val")
    check_splits([(item.kind, item.split or "") for item in items], settings, wanted)
    if best != "none" and not any(item.split == "val" for item in items):
        print(
            f"note: check: data.val_fraction is 0, so there is no validation face, and "
            f"engine.best={best} keeps no weights beside the last ones",
            file=sys.stderr,
        )
