"""The data sets: one adapter module each (see `base`), registered here by name."""

from types import ModuleType

from pipeline.datasets import (
    celeba,
    celebamask,
    cufs,
    drawings,
    ffhq,
    folder,
    fs2k,
    quickdraw,
    synthetic,
    unpaired,
)
from sketchface_models.errors import SketchFaceError

ADAPTERS = {
    "synthetic": synthetic,
    "fs2k": fs2k,
    "cufs": cufs,
    "celeba": celeba,
    "celebamask": celebamask,
    "ffhq": ffhq,
    "quickdraw": quickdraw,
    "folder": folder,
    "drawings": drawings,
    "unpaired": unpaired,
}


def adapter(name: object) -> ModuleType:
    """The adapter registered under `name`.

    Raises:
        SketchFaceError: if there is none, naming those there are.
    """
    if not isinstance(name, str) or name not in ADAPTERS:
        raise SketchFaceError(f"data.name: {name!r}; allowed: one of {', '.join(ADAPTERS)}")
    return ADAPTERS[name]
