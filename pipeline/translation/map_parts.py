"""CelebAMask-HQ's part files: one face in a black and white picture a part, `00123_hair.png`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from face_geometry.palette import CLASSES
from pipeline.common.images import EXTENSIONS, read_image
from sketchface_models.errors import SketchFaceError

MOST_GREY = 0.05
"""Part of a part file's pixels that may be neither black nor white: smoothed edges."""
_PART = re.compile(rf"(\d+)_({'|'.join(CLASSES[1:])})")
_DARK, _LIGHT = 16, 239
_INSIDE = 128
_ENDINGS = [*sorted(EXTENSIONS), *sorted(ending.upper() for ending in EXTENSIONS)]


def part_files(path: Path) -> list[tuple[int, Path]]:
    """Return class and file of each part of a part file's face, in painting order.

    They lie in the folder of the file and have its number, whatever their endings; of one part in
    several formats the file with the given one's ending is taken. Empty if the file is not called
    like a part.
    """
    match = _PART.fullmatch(path.stem)
    if match is None:
        return []
    stems = {label: f"{match[1]}_{name}" for label, name in enumerate(CLASSES) if label}
    endings = list(dict.fromkeys([path.suffix, *_ENDINGS]))
    files = [
        (label, next(filter(Path.is_file, (path.with_name(stem + each) for each in endings)), None))
        for label, stem in stems.items()
    ]
    return [(label, file) for label, file in files if file is not None]


def read_files(paths: Sequence[Path]) -> list[Path]:
    """Return pictures with all files that are read with them: the other parts of their faces."""
    return [file for path in paths for file in [path, *(part for _, part in part_files(path))]]


def shows_part(picture: np.ndarray) -> bool:
    """Return whether a grey picture, (H, W) uint8, is black and white alone, or of 0 and 1."""
    grey = ((picture > _DARK) & (picture < _LIGHT)).mean()
    return bool(picture.max() <= 1 or (picture.max() >= _LIGHT and grey <= MOST_GREY))


def merge_parts(path: Path) -> np.ndarray:
    """Merge all parts of a part file's face, later classes over earlier ones: (H, W) uint8.

    Raises:
        SketchFaceError: if one of them cannot be read, is not black and white, or is of another
            size.
    """
    labels: np.ndarray | None = None
    for label, part in part_files(path):
        picture = read_image(part, "L", background="black")
        if not shows_part(picture):
            raise SketchFaceError(f"{part}: no part of a parsing map; it is not black and white")
        if labels is None:
            labels = np.zeros(picture.shape, np.uint8)
        if labels.shape != picture.shape:
            raise SketchFaceError(f"{part}: of another size than its face's other parts")
        labels[picture >= (1 if picture.max() == 1 else _INSIDE)] = label
    assert labels is not None
    return labels


def collapse_parts(paths: Sequence[Path]) -> tuple[list[Path], dict[Path, str]]:
    """Keep the first of several parts of one face.

    Args:
        paths: of any pictures.

    Returns:
        The paths without the other parts, and for each part that stands for others the number of
        its face, as results are to be called.
    """
    first: dict[tuple[Path, str], Path] = {}
    collapsed = []
    for path in paths:
        match = _PART.fullmatch(path.stem)
        face = (path.parent, match[1]) if match else None
        if face in first:
            continue
        collapsed.append(path)
        if face and len(part_files(path)) > 1 and _reads_as_part(path):
            first[face] = path
    return collapsed, {path: number for (_, number), path in first.items()}


def _reads_as_part(path: Path) -> bool:
    try:
        return shows_part(read_image(path, "L", background="black"))
    except SketchFaceError:
        return False
