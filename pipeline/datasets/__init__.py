"""The data sets: an adapter module each, registered in `registry`. See `base.Adapter`."""

from pathlib import Path
from typing import Any

from pipeline.datasets.base import Adapter
from pipeline.datasets.folder import guess
from pipeline.datasets.listing import pictures_at
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


def sets_in(root: Path) -> dict[str, str]:
    """Return the data sets that a folder holds and is none of itself: sub-folder -> name.

    Empty where it holds pictures of its own, or the folders of a set.
    """
    if recognised(root) != "folder" or any(guess(root)) or pictures_at(root):
        return {}
    inside = {}
    for path in sorted(path for path in root.iterdir() if path.is_dir()):
        name = recognised(path)
        if name != "folder" or all(guess(path)):
            inside[path.name] = name
    return inside
