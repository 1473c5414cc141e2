"""Classes of a grey or indexed picture: its values, but for those of smoothed edges.

Who resizes a map as if it were a photo gets values between two classes at every edge: half way
from skin to hair lies an eyebrow. In maps a value changes at once; so where most changes take
several pixels, only what stands in blocks wider than these edges is clear.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np

from face_geometry.palette import CLASSES
from pipeline.translation.map_classes import (
    SAVE,
    ParsingMap,
    counted,
    filled,
    in_blocks,
    nearest_class,
)
from sketchface_models.errors import SketchFaceError

MOST_STRAY_VALUES = 0.005
"""Part of the pixels of a grey or indexed map that may hold a value that is no class."""
MOST_GRADUAL = 0.2
"""Part of the large changes that may take several pixels: up to 0.07 in maps of 64 to 512 pixels,
0.35 to 1 in such as were resized with any smoothing filter."""
MOST_SMOOTHED = 0.35
"""Part of the pixels that may lie on smoothed edges: up to 0.32 in maps of 64 pixels made twice as
large, 0.42 or more in dark photos."""
_LARGE = 8  # a change that few pairs of classes which touch have by way of a third class


def classes_of_values(
    values: np.ndarray, path: Path, source: Literal["values", "indices"] = "values"
) -> ParsingMap:
    """Return the map that values are, (H, W) uint8 or uint16.

    Raises:
        SketchFaceError: if they are none.
    """
    wrong = values >= len(CLASSES)
    strays = int(wrong.sum())
    if strays > MOST_STRAY_VALUES * values.size:
        levels, counts = np.unique(values[wrong], return_counts=True)
        most = counts.argmax()
        others = f" and others in {strays - counts[most]}" if len(levels) > 1 else ""
        raise SketchFaceError(
            f"{path}: no parsing map, it has the value {levels[most]} in "
            f"{counted(int(counts[most]), values.size)}{others}; {SAVE}"
        )
    why, width = f"have a value above {len(CLASSES) - 1}", _edge_width(values)
    if width:
        wrong |= ~in_blocks(values, width + 1)
        strays, why = int(wrong.sum()), "lie on smoothed edges"
        if strays > MOST_SMOOTHED * values.size:
            raise SketchFaceError(
                f"{path}: no parsing map, {strays / values.size:.0%} of its pixels lie on smoothed "
                f"edges; {SAVE}"
            )
    labels = filled(values.astype(np.uint8), wrong)
    return ParsingMap(labels, source, strays, nearest_class(strays, values.size, why))


def _edge_width(values: np.ndarray) -> int:
    """Return over how many pixels the values change at smoothed edges; 0 in a map without any."""
    lengths = np.concatenate([_large_changes(each) for each in (values, values.T)])
    if not lengths.size or (lengths > 1).mean() <= MOST_GRADUAL:
        return 0
    return max(1, int(np.median(lengths)) - 1)


def _large_changes(values: np.ndarray) -> np.ndarray:
    """Return over how many steps each large rise or fall along the rows goes."""
    row = np.pad(values.astype(np.int32), ((0, 0), (0, 1)), mode="edge").ravel()
    signs = np.sign(np.diff(row))
    signs[values.shape[1] :: values.shape[1] + 1] = 0  # from a row to the next one
    bounds = np.concatenate([[0], np.flatnonzero(np.diff(signs)) + 1, [len(signs)]])
    start, end = bounds[:-1], bounds[1:]
    large = (signs[start] != 0) & (np.abs(row[end] - row[start]) >= _LARGE)
    lengths: np.ndarray = (end - start)[large]
    return lengths
