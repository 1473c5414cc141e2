"""What a command wrote: names of files, and pictures."""

from pathlib import Path

import numpy as np
from PIL import Image


def pixels_of(path: Path) -> np.ndarray:
    """Return a picture as it is stored."""
    with Image.open(path) as opened:
        return np.asarray(opened)


def names(folder: Path) -> list[str]:
    """Return the names in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())
