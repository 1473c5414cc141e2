"""From a drawing of any size, ink and paper to the bitmap that networks of doodles have learned.

They learn from drawings of "Quick, Draw!", or built-in ones of that form: 28 x 28 pixels, strokes
of one width, the drawing in the middle and as large as the margin allows. So the lines of a drawing
are cut out, without the edges of its page, thinned, and drawn anew like that. A bitmap of 28 x 28
pixels stays as it is; light strokes on dark are inverted.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pipeline.translation.drawing_limits import DOODLE
from pipeline.translation.line_drawing import LineDrawing, within_page

MOST_INK = 0.5
"""Part of a bitmap that ink may cover; of 800 QuickDraw faces the darkest has 0.37."""


def doodle_bitmap(picture: np.ndarray, drawing: LineDrawing, path: Path) -> np.ndarray:
    """Return a drawing as a doodle, (28, 28) uint8, 255 = paper.

    Args:
        picture: (H, W, 3) uint8 RGB.
        drawing: its lines.
        path: of the picture, for messages.

    Raises:
        SketchFaceError: if it is too small, blank, no line drawing, has hardly any lines, or so
            many that ink covers most of the bitmap.
    """
    from pipeline.datasets import quickdraw  # brings all data sets, which photos do not need

    DOODLE.check(drawing, path)
    if picture.shape[:2] == (quickdraw.SIDE, quickdraw.SIDE):
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
        bitmap = grey if np.median(rim) >= 128 else 255 - grey
    else:
        lines = within_page([*drawing.lines, *drawing.dots[:, None]], picture)
        bitmap = quickdraw.draw(lines, quickdraw.SIDE)
    DOODLE.check_ink(1 - float(bitmap.mean()) / 255, MOST_INK, path)
    return bitmap
