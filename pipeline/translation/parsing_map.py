"""From a file to the classes of a parsing map, whatever program wrote it.

The values of a grey or indexed picture are classes; a colour picture shows CelebAMask-HQ's palette.
Programs shuffle a palette's indices, smooth edges and compress: so colours come first where all of
them are the palette's, and a pixel that says nothing clear gets the class of the nearest one that
does. The nearest *colour* would often be a third class: half way from hair to background lies the
lower lip.
"""

from __future__ import annotations

import functools
import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from face_geometry.palette import CLASSES, COLOURS, INDEX
from pipeline.common.images import FORMATS, read_image
from pipeline.translation.map_parts import merge_parts, part_files, shows_part
from sketchface_models.errors import SketchFaceError

TOLERANCE = 20
"""How far a channel may be from a colour of the palette, grey levels; two differ by 51 or more."""
MOST_STRAYS = 0.5
"""Part of what is not background that may have no colour of the palette. Maps of 128 pixels as JPEG
have up to 0.35, photos 0.97 or more."""
MOST_STRAY_VALUES = 0.005
"""Part of the pixels of a grey or indexed map that may hold a value that is no class."""
LEAST_MAP_SIDE = 16
"""Shorter side of the smallest map, pixels."""

# What maps of values keep to, and dark photos do not: medians and worst of 60 maps of CelebAMask-HQ
# at 64 pixels against photos whose grey levels were divided by 14 to 60.
MOST_SPECKS = 0.1
"""Part of the pixels that stand in no 2 x 2 block of their class, of those not of the commonest
class: 0.03 and 0.05 in maps, 0.07 to 0.4 in photos."""
MOST_STEPS = 0.65
"""Part of the edges between pixels where the value changes by one: 0.13 and 0.46 in maps, 0.75 to
0.95 in photos."""
LEAST_SKIN, LEAST_CLASSES = 0.02, 3
"""Part of what is not background that is skin, and number of classes, of a recognised map."""
_NONE = 255  # no class
_REACH = 7  # side of the square about a stray pixel in which thin lines are mixed colours
_ROWS = 256  # looked up at a time
_PAIRS = np.array(list(itertools.combinations(range(len(CLASSES) - 1), 2)))
_SECOND_BROW = (255, 204, 204)  # see `sketchface_models.labels`
_MOUTH = [INDEX[name] for name in ("mouth", "u_lip", "l_lip")]
_SAVE = "save classes, 0 to 18, as a grey PNG, or CelebAMask-HQ's colours"


@dataclass(frozen=True)
class ParsingMap:
    """The classes of a map.

    labels: (H, W) uint8, 0 to 18. source: what they follow; `indices` are those of a palette of
    other colours. strays: number of pixels that said nothing clear.
    """

    labels: np.ndarray
    source: Literal["colours", "values", "indices", "parts"]
    strays: int = 0

    @property
    def note(self) -> str:
        """What the user should know; empty if nothing."""
        if not self.strays:
            return ""
        why = "have no clear colour of the palette"
        if self.source != "colours":
            why = f"have a value above {len(CLASSES) - 1}"
        return f"{_counted(self.strays, self.labels.size)} {why} and got the nearest class"

    @property
    def is_plain(self) -> bool:
        """Whether it can be nothing but a map, so that nobody need say that it is one."""
        counts = np.bincount(self.labels.ravel(), minlength=len(CLASSES))
        few = np.count_nonzero(counts) < LEAST_CLASSES
        if few or counts[INDEX["skin"]] < LEAST_SKIN * counts[1:].sum():
            return False
        if self.source in ("colours", "parts"):
            return True
        if _specks(self.labels) > MOST_SPECKS or _steps(self.labels) > MOST_STEPS:
            return False
        return self.source == "values" or _is_face(map_features(self.labels))


def recognised_map(path: Path) -> ParsingMap | None:
    """Return the map in a file; None if it can be something else, or cannot be read.

    Raises:
        SketchFaceError: if it is a part of a map, and another part cannot be used.
    """
    try:
        is_part = len(part_files(path)) > 1 and shows_part(read_image(path, "L"))
        parsing = None if is_part else read_map(path)
    except SketchFaceError:
        return None
    if parsing is None:
        return ParsingMap(merge_parts(path), "parts")
    return parsing if parsing.is_plain else None


def read_map(path: Path) -> ParsingMap:
    """Return the map that somebody says is in a file.

    Of a part file as CelebAMask-HQ has them, such as `00123_hair.png`, all parts of its number in
    its folder are merged. Transparent pixels are background.

    Raises:
        SketchFaceError: in one line, if it is no picture, too small, or no map.
    """
    picture = read_image(path, background="black")
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_MAP_SIDE:
        raise SketchFaceError(
            f"{path}: {width} x {height} pixels; a parsing map has at least {LEAST_MAP_SIDE} a side"
        )
    if part_files(path) and shows_part(picture.max(axis=2)):
        return ParsingMap(merge_parts(path), "parts")
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as stored:
        if stored.mode == "P":
            return _indexed(stored, path)
        if stored.mode.startswith("I;16"):
            return _by_value(np.asarray(stored), path)
        if (picture == picture[..., :1]).all():
            if stored.format == "JPEG" and picture.any():
                raise SketchFaceError(f"{path}: a grey JPEG, which blurs classes; {_SAVE}")
            return _by_value(picture[..., 0], path)
    return _by_colour(picture, path)


def map_features(labels: np.ndarray) -> np.ndarray | None:
    """Return the eye on the image's left, the other eye, and the mouth, of an upright face.

    (3, 2), pixels, as `face_geometry.align.eyes_and_mouth` gives them of landmarks: the middles of
    the eyes, and the middle between the corners of mouth and lips. None if one of them is missing.
    Where left and right are exchanged, as in a mirrored map, the eyes are taken the other way.
    """
    masks = [np.isin(labels, each) for each in (INDEX["r_eye"], INDEX["l_eye"], _MOUTH)]
    if not all(mask.any() for mask in masks):
        return None
    right, left, mouth = (np.argwhere(mask)[:, ::-1] + 0.5 for mask in masks)
    eyes = [right.mean(axis=0), left.mean(axis=0)]
    axis = eyes[1] - eyes[0]
    along = mouth @ axis
    margin = 0.5 * np.hypot(*axis)  # half a pixel
    corners = mouth[along <= along.min() + margin], mouth[along >= along.max() - margin]
    middle = np.mean([corner.mean(axis=0) for corner in corners], axis=0)
    upright = _turn(eyes[0], eyes[1], middle) >= 0
    return np.stack([*(eyes if upright else eyes[::-1]), middle])


def _indexed(stored: Image.Image, path: Path) -> ParsingMap:
    """Follow the palette's colours if all that are used are CelebAMask-HQ's, else the indices."""
    indices, rgba = np.asarray(stored), np.asarray(stored.convert("RGBA"))
    colours = rgba[..., :3] * (rgba[..., 3:] > 127)
    used, first = np.unique(indices, return_index=True)
    labels = [_known().get(tuple(colour)) for colour in colours.reshape(-1, 3)[first].tolist()]
    if None not in labels and (len(set(labels)) > 1 or len(used) == 1):
        table = np.zeros(256, np.uint8)
        table[used] = labels
        return ParsingMap(table[indices], "colours")
    try:
        return _by_value(indices, path, "indices")
    except SketchFaceError as error:
        try:
            return _by_colour(colours, path)
        except SketchFaceError:
            raise error from None


def _by_value(
    values: np.ndarray, path: Path, source: Literal["values", "indices"] = "values"
) -> ParsingMap:
    wrong = values >= len(CLASSES)
    strays = int(wrong.sum())
    if strays > MOST_STRAY_VALUES * values.size:
        levels, counts = np.unique(values[wrong], return_counts=True)
        most = counts.argmax()
        others = f" and others in {strays - counts[most]}" if len(levels) > 1 else ""
        raise SketchFaceError(
            f"{path}: no parsing map, it has the value {levels[most]} in "
            f"{_counted(int(counts[most]), values.size)}{others}; {_SAVE}"
        )
    return ParsingMap(_filled(values.astype(np.uint8), wrong), source, strays)


def _by_colour(picture: np.ndarray, path: Path) -> ParsingMap:
    """Follow the colours of a picture, (H, W, 3) uint8."""
    blocks = [picture[top : top + _ROWS] for top in range(0, len(picture), _ROWS)]
    labels = np.concatenate([_lookup()[tuple(np.moveaxis(block, 2, 0))] for block in blocks])
    stray = labels == _NONE
    part = stray.sum() / max(int(np.count_nonzero(labels)), 1)
    if part > MOST_STRAYS:
        raise SketchFaceError(
            f"{path}: no parsing map, {part:.0%} of what is not black has no colour of the "
            f"palette; {_SAVE}"
        )
    if stray.any():
        about = cv2.dilate(stray.view(np.uint8), np.ones((_REACH, _REACH), np.uint8)) > 0
        stray |= about & _mixed()[labels] & ~_in_blocks(labels)
    return ParsingMap(_filled(labels, stray), "colours", int(stray.sum()))


def _filled(labels: np.ndarray, unclear: np.ndarray) -> np.ndarray:
    """Give unclear pixels the class of the nearest clear one."""
    if not unclear.any() or unclear.all():
        return np.where(unclear, 0, labels).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        unclear.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    label_of[nearest[~unclear]] = labels[~unclear]
    filled: np.ndarray = label_of[nearest]
    return filled


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


def _in_blocks(labels: np.ndarray) -> np.ndarray:
    """Return the pixels that stand in a 2 x 2 block of one class, (H, W) bool."""
    corner = labels[:-1, :-1]
    whole = (corner == labels[1:, :-1]) & (corner == labels[:-1, 1:]) & (corner == labels[1:, 1:])
    inside = np.zeros(labels.shape, bool)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            inside[rows, columns] |= whole
    return inside


def _specks(labels: np.ndarray) -> float:
    rest = labels != np.bincount(labels.ravel()).argmax()
    return float((rest & ~_in_blocks(labels)).sum() / max(int(rest.sum()), 1))


def _steps(labels: np.ndarray) -> float:
    values = labels.astype(np.int16)
    changes = np.concatenate([np.abs(np.diff(values, axis=axis)).ravel() for axis in (0, 1)])
    edges = changes[changes > 0]
    return float((edges == 1).mean()) if edges.size else 0.0


def _is_face(features: np.ndarray | None) -> bool:
    """Return whether eyes and mouth lie as in an upright face, l_eye on the image's right."""
    if features is None:
        return False
    right, left, mouth = features
    apart, down = left[0] - right[0], mouth[1] - (right[1] + left[1]) / 2
    return bool(apart > 0 and 0.5 * apart < down < 2.5 * apart)


def _turn(right: np.ndarray, left: np.ndarray, mouth: np.ndarray) -> float:
    """Return a number above 0 if the mouth lies below the eyes, `right` on the image's left."""
    (x, y), (u, v) = left - right, mouth - right
    return float(x * v - y * u)


def _counted(pixels: int, of: int) -> str:
    """`312 pixels (0.5 %)`."""
    return f"{pixels} pixel{'' if pixels == 1 else 's'} ({100 * pixels / of:.2g} %)"
