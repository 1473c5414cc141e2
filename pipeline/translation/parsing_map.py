"""From a file to the classes of a parsing map, whatever program wrote it.

The values of a grey or indexed picture are classes; a colour picture shows CelebAMask-HQ's palette.
Programs shuffle a palette's indices: so its colours come first where they are CelebAMask-HQ's.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from face_geometry.palette import CLASSES, INDEX
from pipeline.common.images import FORMATS, read_image
from pipeline.translation.map_classes import SAVE, ParsingMap, in_blocks, specks, steps
from pipeline.translation.map_colours import classes_of_colours, colour_classes, shows_palette
from pipeline.translation.map_layout import in_other_order, is_face, map_features
from pipeline.translation.map_parts import merge_parts, part_files, shows_part
from pipeline.translation.map_values import MOST_STRAY_VALUES, classes_of_values
from sketchface_models.errors import SketchFaceError

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
MOST_SMOOTHED_EDGES = 0.2
"""Part of the pixels on smoothed edges: 0.1 in maps of 200 pixels, 0.24 or more in photos."""
LEAST_SKIN, LEAST_CLASSES = 0.02, 3
"""Part of what is not background that is skin, and number of classes, of a recognised map."""
MOST_COLOURS = 25
"""Number of colours of a picture that looks like a map: 19 classes, and some that are none."""
WIDE_AREA = 1 / 8
"""Side of a square that fits into an area of a map, in longer sides of the box about what is not
the commonest colour. Each of 40 maps has three colours or more with such areas; of 132 drawings in
strokes of few colours three have, of 64 pixels, whose strokes run into each other."""
_BOX_SIDE = 128  # longer side at which areas are measured, pixels
_FEATURES = [INDEX[name] for name in ("nose", "l_eye", "r_eye")]


def is_plain(parsing: ParsingMap) -> bool:
    """Return whether it can be nothing but a map, so that nobody need say that it is one."""
    labels = parsing.labels
    counts = np.bincount(labels.ravel(), minlength=len(CLASSES))
    few = np.count_nonzero(counts) < LEAST_CLASSES or not counts[_FEATURES].any()
    if few or counts[INDEX["skin"]] < LEAST_SKIN * counts[1:].sum():
        return False
    if parsing.source in ("colours", "parts"):
        return True
    if specks(labels) > MOST_SPECKS or steps(labels) > MOST_STEPS:
        return False
    smoothed = parsing.strays / labels.size
    if parsing.source == "values" and smoothed <= MOST_STRAY_VALUES:
        return True
    return smoothed <= MOST_SMOOTHED_EDGES and is_face(map_features(labels))


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
    return parsing if is_plain(parsing) else None


def map_fault(path: Path, picture: np.ndarray) -> str | None:
    """Return why what looks like a map is not recognised as one; None of what looks otherwise.

    Args:
        path: of a picture that is not recognised as a map.
        picture: what it shows, (H, W, 3) uint8 RGB.
    """
    if not _looks_like_map(picture):
        return None
    try:
        read_map(path)
    except SketchFaceError as error:
        return f"{error}; say --from photo of a photo"
    words = "of few colours, like a parsing map; say --from map of one, --from photo of a photo"
    return f"{path}: {words}"


def read_map(path: Path) -> ParsingMap:
    """Return the map that somebody says is in a file.

    Of a part file as CelebAMask-HQ has them, such as `00123_hair.png`, all parts of its number in
    its folder are merged. Pixels that are transparent to half or more are background.

    Raises:
        SketchFaceError: in one line, if it is no picture, too small, no map, or one with the
            classes in another order.
    """
    picture = read_image(path, background="black")
    height, width = picture.shape[:2]
    if min(height, width) < LEAST_MAP_SIDE:
        raise SketchFaceError(
            f"{path}: {width} x {height} pixels; a parsing map has at least {LEAST_MAP_SIDE} a side"
        )
    if part_files(path) and shows_part(picture.max(axis=2)):
        return ParsingMap(merge_parts(path), "parts")
    parsing = _whole_map(path, picture)
    if in_other_order(parsing.labels):
        raise SketchFaceError(
            f"{path}: its classes look like those of face-parsing.PyTorch, whose order is another "
            "one; give them CelebAMask-HQ's numbers"
        )
    return parsing


def _whole_map(path: Path, picture: np.ndarray) -> ParsingMap:
    """Follow what is stored: indices, deep values, or what `read_image` made of them."""
    with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as stored:
        lossy, upright = stored.format == "JPEG", _upright(stored)
        if upright.mode == "P":
            return _indexed(upright, path)
        if upright.mode.startswith("I;16"):
            return classes_of_values(np.asarray(upright), path)
        if upright.has_transparency_data:
            picture = _opaque(np.asarray(upright.convert("RGBA")))
    if (picture != picture[..., :1]).any():
        return classes_of_colours(picture, path)
    if lossy and picture.any():
        raise SketchFaceError(f"{path}: a grey JPEG, which blurs classes; {SAVE}")
    return classes_of_values(picture[..., 0], path)


def _indexed(stored: Image.Image, path: Path) -> ParsingMap:
    """Follow the palette's colours if most that show are CelebAMask-HQ's, else the indices."""
    indices, rgba = np.asarray(stored), np.asarray(stored.convert("RGBA"))
    colours = _opaque(rgba)
    used, first = np.unique(indices, return_index=True)
    labels = colour_classes(colours.reshape(-1, 3)[first])
    if None not in labels and (len(set(labels)) > 1 or len(used) == 1):
        table = np.zeros(256, np.uint8)
        table[used] = labels
        return ParsingMap(table[indices], "colours")
    if shows_palette(colours):
        return classes_of_colours(colours, path)
    return classes_of_values(np.where(rgba[..., 3] > 127, indices, 0), path, "indices")


def _opaque(rgba: np.ndarray) -> np.ndarray:
    """Return the colours without transparency, (H, W, 3); black what is transparent to half."""
    colours: np.ndarray = rgba[..., :3] * (rgba[..., 3:] > 127)
    return colours


def _upright(stored: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(stored)
    except Exception:  # a broken EXIF block says nothing about the pixels
        return stored


def _looks_like_map(picture: np.ndarray) -> bool:
    """Return whether a picture, (H, W, 3) uint8, has few colours, in areas wider than strokes."""
    codes = picture.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    if len(np.unique(codes[::17, ::17])) > MOST_COLOURS:  # soon known of a photo
        return False
    colours, inverse = np.unique(codes, return_inverse=True)
    if not LEAST_CLASSES <= len(colours) <= MOST_COLOURS:
        return False
    numbers = inverse.reshape(codes.shape).astype(np.uint8)
    return specks(numbers) <= MOST_SPECKS and _wide_areas(numbers) >= LEAST_CLASSES


def _wide_areas(numbers: np.ndarray) -> int:
    """Return how many values have an area as wide as `WIDE_AREA`, of (H, W) uint8."""
    rest = numbers != np.bincount(numbers.ravel()).argmax()
    rows, columns = np.flatnonzero(rest.any(axis=1)), np.flatnonzero(rest.any(axis=0))
    box = numbers[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(1.0, _BOX_SIDE / max(box.shape))
    width, height = (max(1, round(scale * side)) for side in box.shape[::-1])
    small = cv2.resize(box, (width, height), interpolation=cv2.INTER_NEAREST)
    side = max(2, round(WIDE_AREA * max(small.shape)))
    return len(np.unique(small[in_blocks(small, side)])) if min(small.shape) >= side else 0
