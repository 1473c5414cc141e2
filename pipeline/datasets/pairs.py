"""Photos and sketches that belong together: found by name, read at one size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.common.images import read_image, resize
from pipeline.datasets.base import Face
from pipeline.datasets.listing import LeftOut
from sketchface_models.errors import SketchFaceError

NO_PARTNER = "of this name"  # in every reason that says so
_SAME_ASPECT = 0.01  # a sketch and its photo may differ so much in width / height

Named = tuple[str, Path]
Pair = tuple[str, dict[str, Path]]  # name, files by field


def paired(photos: Sequence[Named], sketches: Sequence[Named]) -> tuple[list[Pair], list[LeftOut]]:
    """Photos and sketches of equal names, and a reason for each that has no partner."""
    by_name = dict(reversed(sketches))
    pairs: list[Pair] = []
    left_out: list[LeftOut] = []
    done: set[str] = set()
    for name, path in photos:
        if name not in by_name:
            left_out.append((name, f"{path.name}: no sketch {NO_PARTNER}; add it"))
        elif name in done:
            left_out.append((name, f"{path.name}: a second photo {NO_PARTNER}; rename it"))
        else:
            done.add(name)
            pairs.append((name, {"photo": path, "sketch": by_name[name]}))
    for name, path in sketches:
        if name not in done:
            left_out.append((name, f"{path.name}: no photo {NO_PARTNER}; add it"))
        elif by_name[name] != path:
            left_out.append((name, f"{path.name}: a second sketch {NO_PARTNER}; rename it"))
    return pairs, left_out


def read_pair(files: Mapping[str, Path]) -> Face:
    """One photo and, if there is one, its sketch at the photo's size.

    Args:
        files: `photo`, and perhaps `sketch`.

    Raises:
        SketchFaceError: if a file cannot be decoded, or the two differ in shape.
    """
    photo = read_image(files["photo"])
    if "sketch" not in files:
        return Face(photo=photo)
    sketch = read_image(files["sketch"], "L")
    (height, width), (h, w) = photo.shape[:2], sketch.shape
    if abs(w * height / (h * width) - 1) > _SAME_ASPECT:
        name = files["sketch"].name
        raise SketchFaceError(f"{name}: {w} x {h}, its photo {width} x {height}; crop them alike")
    same = (h, w) == (height, width)
    return Face(photo=photo, sketch=sketch if same else resize(sketch, (width, height)))
