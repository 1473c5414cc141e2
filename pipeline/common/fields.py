"""The fields a run can name as inputs or target, and which stage's column holds each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from pipeline.common.images import decode, decode_depth, resize
from pipeline.common.parallel import workers
from sketchface_models.styles import STYLE

CHUNK = 64
"""Pictures that are decoded ahead of their use."""


@dataclass(frozen=True)
class Field:
    """Where a field is stored and what a data set needs to have it."""

    stage: str
    """Folder under `data/`."""
    column: str
    channels: int
    needs: str
    """What the data set itself must offer: `photo`, `sketch`, `doodle`, `style`."""
    values: str
    """What the numbers of a pack's array mean."""


FIELDS = {
    "photo": Field("faces", "photo", 3, "photo", "RGB"),
    "sketch": Field("faces", "sketch", 1, "sketch", "255 is paper"),
    "doodle": Field("faces", "doodle", 1, "doodle", "255 is paper"),
    "contour": Field("contours", "contour", 1, "photo", "255 is paper"),
    "lines": Field("contours", "lines", 1, "sketch", "255 is paper"),
    "parsing": Field("segment", "labels", 1, "photo", "classes 0 to 18"),
    "depth": Field("depth", "depth", 1, "photo", "255 is nearest, 0 background"),
}
"""The fields that are pictures; any of them can be an input, and a target where a system allows."""
NEEDS = {name: field.needs for name, field in FIELDS.items()} | {STYLE: STYLE}
"""What each possible input needs of the data set. A face's style is a column of the index of
`faces`, not a picture in a pack."""


def as_array(name: str, data: bytes, size: int) -> np.ndarray:
    """A field's encoded picture as (C, size, size) uint8, the form that packs hold."""
    if name == "depth":
        picture = np.rint(decode_depth(data) * 255).astype(np.uint8)
    else:
        picture = decode(data)
    if FIELDS[name].channels == 1 and picture.ndim == 3:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if picture.ndim == 2 and FIELDS[name].channels == 3:
        picture = np.repeat(picture[..., None], 3, axis=2)
    picture = resize(picture, (size, size), labels=name == "parsing")
    return picture[None] if picture.ndim == 2 else np.moveaxis(picture, 2, 0)


def read_field(
    name: str, rows: Iterable[Mapping[str, Any]], size: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield id and picture, as `as_array` gives it, of the rows that have one, in their order.

    Threads decode: OpenCV does so outside of Python's lock.

    Args:
        name: of the field.
        rows: of its table, with at least `id` and the field's column.
        size: side of the pictures, pixels.
    """
    column = FIELDS[name].column
    encoded = ((row["id"], row[column]["bytes"]) for row in rows if row[column] is not None)
    with ThreadPoolExecutor(workers(CHUNK)) as decoders:
        while chunk := list(itertools.islice(encoded, CHUNK)):
            ids, contents = zip(*chunk, strict=True)
            yield from zip(
                ids, decoders.map(lambda data: as_array(name, data, size), contents), strict=True
            )


MADE_FROM = {"lines": "sketch"}
"""Fields that are made from another one and show its very strokes ..."""
OWN = {"lines": "rough"}
"""... unless the data set has its own: field of `contours` -> field of the data set."""
DRAWN, DERIVED = "drawing", "sketch"
"""Where a face's rough lines come from: somebody drew them, or they are made from the sketch."""


def showing(target: str, inputs: Iterable[str]) -> list[str]:
    """Return the inputs that show a face's target: the field itself, and what is made from it."""
    return [name for name in inputs if target in (name, MADE_FROM.get(name))]
