"""What a picture shows, and what can be made from it.

A new kind of picture is a line in `FIELDS_OF`, one in `USUAL_TARGET` and an answer of `kind_of`,
unless the weights or the user decide that it is one.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.common.images import MAX_PIXELS, read_image
from pipeline.translation.line_drawing import (
    LEAST_CONTRAST,
    LineDrawing,
    line_drawing,
    paper_gradient,
)
from pipeline.translation.map_colours import is_far_from_palette
from pipeline.translation.map_parts import part_files
from pipeline.translation.parsing_map import map_fault, recognised_map
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import PARSING
from sketchface_models.styles import STYLE

Kind = Literal["photo", "contour", "map", "doodle", "sketch"]
"""photo: of faces, or a shaded drawing of one. contour: a line drawing of one face. map: a parsing
map of one face. doodle: a face drawn with a few strokes, as players of "Quick, Draw!" do. sketch: a
shaded drawing of faces whose tones are read; `kind_of` calls it a photo."""
Target = Literal["sketch", "photo", "drawing"]
"""What a generator draws; a drawing is a doodle."""
FIELD_OF: dict[Target, str] = {"sketch": "sketch", "photo": "photo", "drawing": "doodle"}
"""What is drawn -> the field of packs that holds it."""
FIELDS_OF: dict[Kind, tuple[str, ...]] = {
    "photo": ("photo", "depth", STYLE, "contour", PARSING),
    "contour": ("contour",),
    "map": (PARSING,),
    "doodle": ("doodle",),
    "sketch": ("sketch",),
}
"""Kind -> the fields that can be made from such a picture."""
USUAL_TARGET: dict[Kind, Target] = {
    "photo": "sketch",
    "contour": "photo",
    "map": "photo",
    "doodle": "photo",
    "sketch": "photo",
}
"""Kind -> what is made of such a picture where nobody says."""

# What line drawings keep to, and photos do not: of 185 photos of faces none does, of 500 pencil
# drawings those without shading do.
MOST_INK = 0.25
MOST_RIM_INK = 0.1
MOST_PAPER_GRADIENT = 2.3
MOST_LENGTH = 12.0
"""See `LineDrawing`. Longer is hatched, or no drawing of a face; such a one is read as photos are,
by its landmarks."""
DOODLE_SIDE = 32
"""Longer side, pixels, up to which a picture of strokes is a doodle; QuickDraw's have 28."""
MOST_DOODLE_INK = 0.5
"""Part of so small a page that strokes cover at most: up to 0.46 of 800 QuickDraw faces."""
MOST_WIDTH, MOST_TONE_SPREAD = 2.0, 0.15
"""Strokes that exceed both are the dark parts of photos on a white page. Width is in pixels for
each unit of length: pencil drawings reach 2.0 with tones that differ by 0.25 to 0.4, pages of
portraits have as many tones and 2.0 to 7; a thick marker is wider, but has one tone."""


LARGEST_PICTURE = 205_000_000
"""Pixels of the largest picture that is drawn: the largest that phones take have 200 million."""
REDUCED_PICTURE = 1_000_000
"""Most pixels of the copy by which photos are recognised: that of a large JPEG is read quickly."""
_JPEG_START = b"\xff\xd8\xff"


def read_picture(path: Path) -> np.ndarray:
    """Decode a picture, (H, W, 3) uint8 RGB; light ink on transparent paper lies on black.

    Pictures of more than 100 million pixels are read at half their sides.

    Raises:
        SketchFaceError: as `pipeline.common.images.read_image`.
    """
    read = functools.partial(read_image, path, max_pixels=LARGEST_PICTURE, reduce_above=MAX_PIXELS)
    picture = read()
    extent = picture.max(axis=(0, 1)) - picture.min(axis=(0, 1))
    return picture if extent.max() >= LEAST_CONTRAST else read(background="black")


def recognise(drawing: LineDrawing) -> Kind:
    """Return what a picture is that is no map; a blank one is a drawing without lines."""
    if max(drawing.width, drawing.height) <= DOODLE_SIDE and drawing.ink <= MOST_DOODLE_INK:
        return "doodle"
    is_drawing = (
        drawing.ink <= MOST_INK
        and drawing.rim_ink <= MOST_RIM_INK
        and drawing.paper_gradient <= MOST_PAPER_GRADIENT
        and drawing.length <= MOST_LENGTH
        and not _shows_patches(drawing)
    )
    return "contour" if is_drawing else "photo"


def _shows_patches(drawing: LineDrawing) -> bool:
    """Return whether ink is too wide for its length, and of too many tones, to be strokes."""
    width = drawing.stroke_width / max(drawing.length, 1e-9)
    return width > MOST_WIDTH and drawing.tone_spread > MOST_TONE_SPREAD


def kind_of(path: Path) -> Kind:
    """Return what a picture is.

    Raises:
        SketchFaceError: if it cannot be read, or looks like a map and is not recognised as one.
    """
    if _is_plainly_photo(path):
        return "photo"
    if recognised_map(path) is not None:
        return "map"
    picture = read_picture(path)
    fault = map_fault(path, picture)
    if fault is not None:
        raise SketchFaceError(f"{fault}, --from contour of a line drawing")
    # Most other photos are known by this alone, before anything slow is imported.
    if max(picture.shape) > DOODLE_SIDE and paper_gradient(picture) > MOST_PAPER_GRADIENT:
        return "photo"
    return recognise(line_drawing(picture))


def _is_plainly_photo(path: Path) -> bool:
    """Return whether a small copy of a JPEG shows a photo, as that of most photos does.

    Maps are JPEGs only in colours of the palette, or as parts of a face.
    """
    if not _is_jpeg(path) or part_files(path):
        return False
    copy = read_image(path, max_pixels=LARGEST_PICTURE, reduce_above=REDUCED_PICTURE)
    is_steep = paper_gradient(copy) > MOST_PAPER_GRADIENT
    return max(copy.shape) > DOODLE_SIDE and is_steep and is_far_from_palette(copy)


def _is_jpeg(path: Path) -> bool:
    """Return whether a file begins as JPEGs do; False where it cannot be read."""
    try:
        if not path.is_file():  # a pipe would keep us waiting
            return False
        with path.open("rb") as file:
            return file.read(len(_JPEG_START)) == _JPEG_START
    except OSError:
        return False


def usual_direction(path: Path, kind: Kind | None, target: Target | None) -> tuple[Kind, Target]:
    """Return what a picture is and what is made of it where no weights decide it.

    Args:
        path: of the picture; it is read only if it must be recognised.
        kind: what the user says it is; None to recognise it, unless a sketch or drawing is made,
            of photos alone.
        target: what is made of it; None for what `USUAL_TARGET` says.

    Raises:
        SketchFaceError: as `kind_of`.
    """
    if kind is None:
        kind = kind_of(path) if target in (None, "photo") else "photo"
    return kind, target or USUAL_TARGET[kind]
