"""Which of several faces in a photo is meant."""

from __future__ import annotations

from typing import Literal

import numpy as np

Choice = Literal["largest", "central"]


def chosen(boxes: np.ndarray, width: int, height: int, choose: Choice) -> int:
    """The number of the face to take.

    Args:
        boxes: (N, 4) float, pixels: left, top, right, bottom of N >= 1 faces.
        width: of the photo, pixels.
        height: of the photo, pixels.
        choose: largest: by area, to a whole per cent of the photo's; of equally large ones the
            most central. central: nearest to the centre, to a whole per cent of the longer side;
            of equally near ones the largest.
    """
    low, high = np.asarray(boxes, float)[:, :2], np.asarray(boxes, float)[:, 2:]
    area = np.prod(high - low, axis=1) / (width * height)
    away = np.hypot(*((low + high) / 2 - np.array([width, height]) / 2).T) / max(width, height)
    if choose == "largest":
        order = np.lexsort((away, -np.round(100 * area)))
    else:
        order = np.lexsort((-area, np.round(100 * away)))
    return int(order[0])
