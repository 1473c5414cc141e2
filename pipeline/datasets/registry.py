"""The registered data sets, by name: a new one adds its entry here. See `base.Adapter`."""

from collections.abc import Mapping
from typing import Any

from pipeline.datasets.apdrawing import APDrawing
from pipeline.datasets.base import Adapter
from pipeline.datasets.celeba import CelebA
from pipeline.datasets.celebamask import CelebAMask
from pipeline.datasets.cufs import CUFS
from pipeline.datasets.doodles import Doodles
from pipeline.datasets.drawings import Drawings
from pipeline.datasets.ffhq import FFHQ
from pipeline.datasets.folder import Folder
from pipeline.datasets.fs2k import FS2K
from pipeline.datasets.quickdraw import QuickDraw
from pipeline.datasets.synthetic import Synthetic
from sketchface_models.errors import SketchFaceError

SETS: dict[str, Adapter[Any]] = {
    "synthetic": Synthetic(),
    "fs2k": FS2K(),
    "cufs": CUFS(),
    "apdrawing": APDrawing(),
    "celeba": CelebA(),
    "celebamask": CelebAMask(),
    "ffhq": FFHQ(),
    "quickdraw": QuickDraw(),
    "doodles": Doodles(),
    "folder": Folder(),
    "drawings": Drawings(),
}


def data_set(name: object, sets: Mapping[str, Adapter[Any]] = SETS) -> Adapter[Any]:
    """Return the adapter registered under `name`.

    Raises:
        SketchFaceError: if there is none, listing those there are.
    """
    if not isinstance(name, str) or name not in sets:
        raise SketchFaceError(f"data.name: {name!r}; allowed: one of {', '.join(sets)}")
    return sets[name]
