"""Whether a photo made of a doodle has the doodle's outline.

The doodle's outline is filled with all that its lines enclose; the judge's parsing says where the
photo shows head and hair. Their overlap is the area of both by the area of either.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from sketchface_models.labels import INDEX

HEAD = tuple(
    label
    for name, label in INDEX.items()
    if name not in ("background", "neck", "neck_l", "cloth", "ear_r")
)
"""Classes of head and hair."""
INK = 0.5
"""How dark a line is at least, of the way from the paper to the darkest ink."""
LEAST_PART = 0.1
"""Less of the picture is no outline of a head."""
WIDEST = 0.12
"""Gaps in an outline are closed up to this part of the picture's side."""
PARAMETERS = {"revision": 1, "ink": INK, "least": LEAST_PART, "widest gap": WIDEST}


def filled_outline(doodle: np.ndarray) -> np.ndarray | None:
    """Return what a doodle's lines enclose, with the lines: (H, W) bool; None if they do not.

    Gaps are closed as little as is needed for an outline of a head.

    Args:
        doodle: (H, W) uint8, dark lines on light paper.
    """
    paper, ink = float(np.median(doodle)), float(doodle.min())
    if paper - ink < 1:
        return None
    lines = (doodle < paper - INK * (paper - ink)).astype(np.uint8)
    side = max(doodle.shape)
    for gap in range(1, round(WIDEST * side) + 1, max(1, side // 64)):
        filled = _enclosed(lines, gap)
        if filled.mean() >= LEAST_PART + lines.mean():
            return filled
    return None


def _enclosed(lines: np.ndarray, gap: int) -> np.ndarray:
    """Return lines and what they enclose once gaps of so many pixels are closed: (H, W) bool."""
    margin = gap + 1
    padded = np.pad(lines, margin)
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap))
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, brush) if gap > 1 else padded
    outside = closed.copy()
    cv2.floodFill(outside, None, (0, 0), (2,))
    return np.asarray(outside != 2)[margin:-margin, margin:-margin]


def head(labels: np.ndarray) -> np.ndarray:
    """Return where a parsing map, (H, W) uint8, shows head and hair: (H, W) bool, holes filled."""
    return _enclosed(np.isin(labels, HEAD).astype(np.uint8), 1)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the area of both masks by that of either, (H, W) bool each; 0 where both are empty."""
    either = np.logical_or(first, second).sum()
    return float(np.logical_and(first, second).sum() / either) if either else 0.0


def outline_overlaps(doodles: Tensor, labels: Tensor) -> Tensor:
    """Return the overlap of doodle i with photo i; NaN where the doodle encloses nothing.

    Args:
        doodles: (N, 1, S, S) uint8.
        labels: (N, S, S) uint8, the photos' parsing.

    Returns:
        (N,) float64.
    """
    values = []
    for doodle, own in zip(doodles[:, 0].numpy(), labels.numpy(), strict=True):
        outline = filled_outline(doodle)
        values.append(np.nan if outline is None else overlap(outline, head(own)))
    return torch.tensor(values, dtype=torch.float64)
