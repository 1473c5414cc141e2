"""The data sets: one adapter module each (see `base`), registered here by name."""

from types import ModuleType

from pipeline.datasets import celebamask, folder, fs2k, synthetic
from sketchface_models.errors import SketchFaceError

ADAPTERS = {
    "synthetic": synthetic,
    "fs2k": fs2k,
    "celebamask": celebamask,
    "folder": folder,
}


def adapter(name: object) -> ModuleType:
    """The adapter registered under `name`.

    Raises:
        SketchFaceError: if there is none, naming those there are.
    """
    if not isinstance(name, str) or name not in ADAPTERS:
        raise SketchFaceError(f"data.name: {name!r}; allowed: one of {', '.join(ADAPTERS)}")
    return ADAPTERS[name]
