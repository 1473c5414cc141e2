"""The data sets: one adapter module each, registered here by name. See `base.Adapter`."""

from pathlib import Path
from typing import Any

from pipeline.datasets.base import Adapter
from pipeline.datasets.celeba import CelebA
from pipeline.datasets.celebamask import CelebAMask
from pipeline.datasets.cufs import CUFS
from pipeline.datasets.drawings import Drawings
from pipeline.datasets.ffhq import FFHQ
from pipeline.datasets.folder import Folder
from pipeline.datasets.fs2k import FS2K
from pipeline.datasets.quickdraw import QuickDraw
from pipeline.datasets.synthetic import Synthetic
from pipeline.datasets.unpaired import Unpaired
from sketchface_models.errors import SketchFaceError

ADAPTERS: dict[str, Adapter[Any]] = {
    "synthetic": Synthetic(),
    "fs2k": FS2K(),
    "cufs": CUFS(),
    "celeba": CelebA(),
    "celebamask": CelebAMask(),
    "ffhq": FFHQ(),
    "quickdraw": QuickDraw(),
    "folder": Folder(),
    "drawings": Drawings(),
    "unpaired": Unpaired(),
}


def adapter(name: object) -> Adapter[Any]:
    """Return the adapter registered under `name`.

    Raises:
        SketchFaceError: if there is none, listing those there are.
    """
    if not isinstance(name, str) or name not in ADAPTERS:
        raise SketchFaceError(f"data.name: {name!r}; allowed: one of {', '.join(ADAPTERS)}")
    return ADAPTERS[name]


def recognised(root: Path) -> str:
    """Return the name of the data set whose layout a folder has; `folder` if it is none's."""
    return next((name for name, known in ADAPTERS.items() if known.recognises(root)), "folder")
