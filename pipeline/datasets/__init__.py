"""The data sets: an adapter module each, registered in `registry`. See `base.Adapter`."""

from pathlib import Path
from typing import Any

from pipeline.datasets.base import Adapter
from pipeline.datasets.registry import SETS, data_set
from pipeline.datasets.unpaired import Unpaired

ADAPTERS: dict[str, Adapter[Any]] = SETS | {"unpaired": Unpaired()}
"""Every value that `data.name` can have: the registered sets, and two of them side by side."""


def adapter(name: object) -> Adapter[Any]:
    """Return the adapter of the data set `name`.

    Raises:
        SketchFaceError: if there is none, listing those there are.
    """
    return data_set(name, ADAPTERS)


def recognised(root: Path) -> str:
    """Return the name of the data set whose layout a folder has; `folder` if it is none's."""
    return next((name for name, known in ADAPTERS.items() if known.recognises(root)), "folder")
