"""Classes of a colour picture that shows CelebAMask-HQ's palette, its edges smooth or sharp.

A pixel that says nothing clear gets the class of the nearest one that does. The nearest *colour*
would often be a third class: half way from hair to background lies the lower lip.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from face_geometry.palette import CLASSES, COLOURS, INDEX
from pipeline.translation.map_classes import SAVE, ParsingMap, filled, in_blocks, nearest_class
from sketchface_models.errors import SketchFaceError

TOLERANCE = 20
"""How far a channel may be from a colour of the palette, grey levels; two differ by 51 or more."""
MOST_STRAYS = 0.5
"""Part of what is not background that may have no colour of the palette. Maps of 64 pixels as JPEG
have up to 0.43, of 128 pixels 0.25, photos 0.97 or more."""
MOST_FLAT_STRAYS, FLAT = 0.02, 12
"""Part of the same that may have such a colour in a flat area, and how many levels a channel may
differ in 3 x 3 pixels of one. Edges of JPEG have up to 0.01 of such pixels, the colours of
face-parsing.PyTorch on black 0.03 or more, or too many strays."""
LEAST_FAR = 0.75
"""The same part of a picture whose edges were averaged, in which it is surely no map."""
FEWER = 0.95
"""How many strays as RGB a picture has at most, in those as BGR, to be read as RGB: JPEGs of 64 to
512 pixels have up to 0.99. The other way JPEGs of 256 pixels and more have up to 0.95."""
_NONE = 255  # no class
_REACH = 7  # side of the square about a stray pixel in which thin lines are mixed colours
_ROWS = 256  # looked up at a time
_PAIRS = np.array(list(itertools.combinations(range(len(CLASSES) - 1), 2)))
_SECOND_BROW = (255, 204, 204)  # see `sketchface_models.labels`


def classes_of_colours(picture: np.ndarray, path: Path) -> ParsingMap:
    """Return the map that colours show, (H, W, 3) uint8.

    Raises:
        SketchFaceError: if they show none.
    """
    labels, remark = _looked_up(picture), ""
    stray = labels == _NONE
    if stray.any():
        other = _looked_up(picture[..., ::-1])
        if (other == _NONE).sum() < FEWER * stray.sum():
            labels, remark = other, "its colours are in the order BGR and were read so"
            stray = labels == _NONE
    rest = max(int(np.count_nonzero(labels)), 1)
    flat = np.count_nonzero(stray & _flat(picture))
    if stray.sum() > MOST_STRAYS * rest or flat > MOST_FLAT_STRAYS * rest:
        raise SketchFaceError(
            f"{path}: no parsing map, {stray.sum() / rest:.0%} of what is not black has no colour "
            f"of the palette; {SAVE}"
        )
    if stray.any():
        about = cv2.dilate(stray.view(np.uint8), np.ones((_REACH, _REACH), np.uint8)) > 0
        stray |= about & _mixed()[labels] & ~in_blocks(labels)
    strays = int(stray.sum())
    why = "have no clear colour of the palette"
    notes = [remark, nearest_class(strays, labels.size, why)]
    return ParsingMap(filled(labels, stray), "colours", strays, "; ".join(filter(None, notes)))


def colour_classes(colours: np.ndarray) -> list[int | None]:
    """Return the classes whose colours these are to the level, (N, 3) uint8; None of others."""
    return [_known().get(tuple(colour)) for colour in colours.tolist()]


def shows_palette(picture: np.ndarray) -> bool:
    """Return whether most of what is not black has a colour of the palette, or nearly, of two."""
    labels = _looked_up(picture)
    clear = labels[labels != _NONE]
    strays = labels.size - clear.size
    most = MOST_STRAYS * np.count_nonzero(labels)
    return strays <= most and len(np.unique(clear)) > 1


def is_far_from_palette(picture: np.ndarray) -> bool:
    """Return whether a picture, (H, W, 3) uint8, surely shows no map in the palette's colours.

    It may be a reduced copy of the picture in question.
    """
    orders = (_looked_up(picture), _looked_up(picture[..., ::-1]))
    return all((each == _NONE).sum() > LEAST_FAR * np.count_nonzero(each) for each in orders)


def _looked_up(picture: np.ndarray) -> np.ndarray:
    """Return the class of each pixel, (H, W) uint8; `_NONE` far from the palette."""
    blocks = [picture[top : top + _ROWS] for top in range(0, len(picture), _ROWS)]
    return np.concatenate([_lookup()[tuple(np.moveaxis(block, 2, 0))] for block in blocks])


def _flat(picture: np.ndarray) -> np.ndarray:
    """Return the pixels that look like all their neighbours, (H, W) bool."""
    block = np.ones((3, 3), np.uint8)
    extent = cv2.dilate(picture, block) - cv2.erode(picture, block)
    flat: np.ndarray = extent.max(axis=2) <= FLAT
    return flat


@functools.cache
def _known() -> dict[tuple[int, ...], int]:
    """Colour -> class."""
    colours: Sequence[tuple[int, ...]] = [tuple(colour) for colour in COLOURS.tolist()]
    return {colour: label for label, colour in enumerate(colours)} | {_SECOND_BROW: INDEX["r_brow"]}


@functools.cache
def _lookup() -> np.ndarray:
    """Return the class of every RGB colour, (256, 256, 256) uint8; `_NONE` far from the palette."""
    table = np.full((256, 256, 256), _NONE, np.uint8)
    for colour, label in _known().items():
        table[tuple(slice(max(0, c - TOLERANCE), c + TOLERANCE + 1) for c in colour)] = label
    return table


@functools.cache
def _mixed() -> np.ndarray:
    """Return which classes have a colour that two others can mix to, (256,) bool."""
    mixed = np.zeros(256, bool)
    for label, colour in enumerate(COLOURS.astype(float)):
        one, two = (np.delete(COLOURS, label, axis=0).astype(float)[pair] for pair in _PAIRS.T)
        share = ((colour - one) * (two - one)).sum(axis=1) / ((two - one) ** 2).sum(axis=1)
        mixture = one + np.clip(share, 0, 1)[:, None] * (two - one)
        mixed[label] = np.abs(mixture - colour).max(axis=1).min() <= TOLERANCE
    return mixed
