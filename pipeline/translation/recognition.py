"""What a picture shows, and what can be made from it.

A new kind of picture is a line in `FIELDS_OF` and an answer of `recognise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.common.images import read_image
from pipeline.translation.line_drawing import LEAST_CONTRAST, LineDrawing, line_drawing
from sketchface_models.errors import SketchFaceError
from sketchface_models.styles import STYLE

Kind = Literal["photo", "contour"]
"""photo: of faces, or a shaded drawing of one. contour: a line drawing of one face."""
Target = Literal["sketch", "photo"]
"""What a generator draws."""
FIELDS_OF: dict[Kind, tuple[str, ...]] = {
    "photo": ("photo", "depth", STYLE, "contour"),
    "contour": ("contour",),
}
"""Kind -> the fields that can be made from such a picture."""

# What line drawings keep to, and photos do not: of 185 photos of faces none does, of 500 pencil
# drawings those without shading do.
MOST_INK = 0.25
MOST_RIM_INK = 0.1
MOST_PAPER_GRADIENT = 2.3
MOST_LENGTH = 12.0
"""See `LineDrawing`. Longer is hatched, or no drawing of a face; such a one is read as photos are,
by its landmarks."""


def read_picture(path: Path) -> np.ndarray:
    """Decode a picture, (H, W, 3) uint8 RGB; light ink on transparent paper lies on black.

    Raises:
        SketchFaceError: as `pipeline.common.images.read_image`.
    """
    picture = read_image(path)
    extent = picture.max(axis=(0, 1)) - picture.min(axis=(0, 1))
    return picture if extent.max() >= LEAST_CONTRAST else read_image(path, background="black")


def recognise(drawing: LineDrawing) -> Kind:
    """Return what a picture is, by its lines; a blank one is a drawing without lines."""
    is_drawing = (
        drawing.ink <= MOST_INK
        and drawing.rim_ink <= MOST_RIM_INK
        and drawing.paper_gradient <= MOST_PAPER_GRADIENT
        and drawing.length <= MOST_LENGTH
    )
    return "contour" if is_drawing else "photo"


def usual_target(paths: Sequence[Path], kind: Kind | None) -> Target:
    """Return what is made of pictures where nobody says: photos of drawings, sketches of the rest.

    Args:
        paths: of the pictures; the first one that can be read decides for all.
        kind: of all pictures; None to recognise it.
    """
    for path in paths:
        if kind is not None:
            break
        try:
            kind = recognise(line_drawing(read_picture(path)))
        except SketchFaceError:
            continue  # said when its turn comes
    return "photo" if kind == "contour" else "sketch"
