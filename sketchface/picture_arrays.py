"""Pictures in memory, handed on as the files that everything reads.

A file decides nothing that its pixels do not: an array becomes a PNG in a temporary folder, so that
the same checks, the same recognition and the same words apply to both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from sketchface_models.errors import SketchFaceError

Picture = str | Path | np.ndarray
"""A picture's file, or its pixels: (H, W) uint8 grey or labels, (H, W, 3) RGB, (H, W, 4) RGBA."""


@contextmanager
def picture_files(pictures: Sequence[tuple[str, Picture]]) -> Iterator[list[Path]]:
    """Yield a file of each picture, as long as the context lasts.

    Args:
        pictures: what errors call each picture, and its file or pixels.

    Raises:
        SketchFaceError: if an array is no picture; or as raised inside, where arrays are called
            by their names instead of by temporary files.
    """
    with tempfile.TemporaryDirectory(prefix="sketchface-") as name:
        folder = Path(name)
        paths = []
        for number, (title, picture) in enumerate(pictures):
            if isinstance(picture, np.ndarray):
                path = folder / str(number) / title
                path.parent.mkdir()
                _image(title, picture).save(path, format="PNG")
                paths.append(path)
            else:
                paths.append(Path(picture))
        try:
            yield paths
        except SketchFaceError as error:
            text = str(error)
            for path in paths:
                if path.is_relative_to(folder):
                    text = text.replace(str(path), path.name)
            raise SketchFaceError(text) from None


def _image(title: str, pixels: np.ndarray) -> Image.Image:
    is_picture = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not is_picture or not pixels.size:
        raise SketchFaceError(
            f"{title}: an array of shape {pixels.shape} and type {pixels.dtype}; allowed: "
            "(H, W), (H, W, 3) in RGB or (H, W, 4) in RGBA, uint8"
        )
    return Image.fromarray(pixels)
