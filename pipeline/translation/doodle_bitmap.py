"""From a drawing of any size, ink and paper to the bitmap that networks of doodles have learned.

They learn from drawings of "Quick, Draw!", or built-in ones of that form: 28 x 28 pixels, strokes
of one width, the drawing in the middle and as large as the margin allows. So the lines of a drawing
are cut out, without the edges of its page, thinned, and drawn anew like that. A bitmap of that form
stays as it is, but for its greys: paper becomes white and the strongest ink black.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from pipeline.translation.drawing_limits import DOODLE
from pipeline.translation.line_drawing import LEAST_CONTRAST, LineDrawing, within_page

MOST_INK = 0.5
"""Part of a bitmap that ink may cover; of 800 QuickDraw faces the darkest has 0.37."""
EXTENTS, MOST_SHIFT = (23, 26), 1.0
"""Longer side of what is drawn in a bitmap, and the distance of its middle from the bitmap's in
either direction, pixels; 24 to 26, and 0.5 at most, in 800 QuickDraw faces."""


LEAST_STROKE = 0.975
"""Strength of ink in the middle of strokes, 1 = black; thinner ones than QuickDraw's are paler."""
_INKED = 0.2


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

    bitmap = _of_the_form(picture) if picture.shape[:2] == (quickdraw.SIDE,) * 2 else None
    if bitmap is None:
        DOODLE.check(drawing, path)
        lines = within_page([*drawing.lines, *drawing.dots[:, None]], picture)
        bitmap = quickdraw.draw(lines, quickdraw.SIDE)
    DOODLE.check_ink(1 - float(bitmap.mean()) / 255, MOST_INK, path)
    return bitmap


def _of_the_form(picture: np.ndarray) -> np.ndarray | None:
    """Return a bitmap in black on white, (S, S) uint8; None if it lies elsewhere or is thinner.

    Paper is what most of the rim shows, ink what differs most from it.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(float)
    difference = grey - np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    ink = difference.ravel()[np.abs(difference).argmax()]
    if abs(ink) < LEAST_CONTRAST:
        return None
    strength = np.clip(difference / ink, 0, 1)
    middle = cv2.dilate(strength, np.ones((3, 3)))[strength > _INKED]
    if np.median(middle) < LEAST_STROKE:
        return None
    ends = [np.nonzero((strength > 0.5).any(axis=axis))[0][[0, -1]] for axis in (0, 1)]
    extent = max(np.ptp(each) + 1 for each in ends)
    shift = max(abs(each.mean() - (len(grey) - 1) / 2) for each in ends)
    if not EXTENTS[0] <= extent <= EXTENTS[1] or shift > MOST_SHIFT:
        return None
    return np.rint(255 * (1 - strength)).astype(np.uint8)
