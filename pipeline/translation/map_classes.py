"""The classes of a parsing map, and pixels that say nothing clear of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

SAVE = "save classes, 0 to 18, as a grey PNG, or CelebAMask-HQ's colours"
"""What to do with a file that is refused."""
MAIN_PART = 0.25
"""Area of a piece that belongs to a part of the face, in areas of the part's largest piece: a
strand of hair divides an eye in two, and what lies elsewhere is a stray."""


@dataclass(frozen=True)
class ParsingMap:
    """The classes of a map.

    labels: (H, W) uint8, 0 to 18. source: what they follow; `indices` are those of a palette of
    other colours. strays: number of pixels that said nothing clear. note: what the user should know
    of it; empty if nothing.
    """

    labels: np.ndarray
    source: Literal["colours", "values", "indices", "parts"]
    strays: int = 0
    note: str = ""


def nearest_class(strays: int, of: int, why: str) -> str:
    """Return the note on stray pixels; empty without any."""
    return f"{counted(strays, of)} {why} and got the nearest class" if strays else ""


def counted(pixels: int, of: int) -> str:
    """`312 pixels (0.5 %)`."""
    return f"{pixels} pixel{'' if pixels == 1 else 's'} ({100 * pixels / of:.2g} %)"


def filled(labels: np.ndarray, unclear: np.ndarray) -> np.ndarray:
    """Give unclear pixels the class of the nearest clear one: (H, W) uint8."""
    if not unclear.any() or unclear.all():
        return np.where(unclear, 0, labels).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        unclear.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    label_of[nearest[~unclear]] = labels[~unclear]
    classes: np.ndarray = label_of[nearest]
    return classes


def in_blocks(labels: np.ndarray, side: int = 2) -> np.ndarray:
    """Return the pixels that stand in a block of one class, `side` x `side`: (H, W) bool."""
    block = np.ones((side, side), np.uint8)
    least, most = (each(labels, block, anchor=(0, 0)) for each in (cv2.erode, cv2.dilate))
    corners = (least == most).astype(np.uint8)  # upper left ones
    corners[labels.shape[0] - side + 1 :] = 0
    corners[:, labels.shape[1] - side + 1 :] = 0
    inside: np.ndarray = cv2.dilate(corners, block, anchor=(side - 1, side - 1)) > 0
    return inside


def main_part(mask: np.ndarray) -> np.ndarray:
    """Return the middles of the main pixels of a mask, (N, 2) x and y.

    They are those of its largest piece, and of pieces that are not much smaller.
    """
    _, pieces, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    areas = statistics[:, cv2.CC_STAT_AREA]
    areas[0] = 0  # what is not in the mask
    main = areas >= max(1.0, MAIN_PART * areas.max())
    points: np.ndarray = np.argwhere(main[pieces])[:, ::-1] + 0.5
    return points


def specks(labels: np.ndarray) -> float:
    """Return the part of pixels that stand in no 2 x 2 block, of those not of the commonest."""
    rest = labels != np.bincount(labels.ravel()).argmax()
    return float((rest & ~in_blocks(labels)).sum() / max(int(rest.sum()), 1))


def steps(labels: np.ndarray) -> float:
    """Return the part of the edges between pixels where the value changes by one."""
    values = labels.astype(np.int16)
    changes = np.concatenate([np.abs(np.diff(values, axis=axis)).ravel() for axis in (0, 1)])
    edges = changes[changes > 0]
    return float((edges == 1).mean()) if edges.size else 0.0
