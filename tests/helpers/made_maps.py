"""Files of parsing maps, as programs of every kind write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from face_geometry.palette import CLASSES, COLOURS, colourise
from pipeline.translation.parsing_map import read_map
from sketchface_models.errors import SketchFaceError

FACE_PARSING_ORDER = (
    *("background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear"),
    *("ear_r", "nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat"),
)
"""Classes in the order of face-parsing.PyTorch."""
RENUMBERED = np.array([FACE_PARSING_ORDER.index(name) for name in CLASSES], np.uint8)
"""CelebAMask-HQ's class -> its number there."""
Write = Callable[[np.ndarray, Path], None]


def indexed(indices: np.ndarray, colours: np.ndarray) -> Image.Image:
    """A picture with a palette: indices (H, W) uint8 into colours (N, 3) uint8."""
    picture = Image.fromarray(indices)
    picture.putpalette(colours.ravel().tolist())
    assert picture.mode == "P"
    return picture


def saved(path: Path, picture: np.ndarray) -> Path:
    """Write a picture and return its path."""
    Image.fromarray(picture).save(path)
    return path


def refusal(path: Path) -> str:
    """The one line in which `read_map` refuses a file, without its path."""
    with pytest.raises(SketchFaceError) as error:
        read_map(path)
    (line,) = str(error.value).splitlines()
    return line.removeprefix(f"{path}: ")


def shuffled(labels: np.ndarray, path: Path) -> None:
    """CelebAMask-HQ's colours in another order, and the other colour of r_brow."""
    order = np.random.default_rng(0).permutation(len(CLASSES))
    colours = COLOURS[order].copy()
    colours[order == CLASSES.index("r_brow")] = 255, 204, 204
    indexed(np.argsort(order)[labels].astype(np.uint8), colours).save(path)


def garish(labels: np.ndarray, path: Path) -> None:
    """Classes as indices, in colours of another program."""
    colours = np.random.default_rng(1).integers(0, 256, (len(CLASSES), 3), np.uint8)
    indexed(labels, colours).save(path)


def cut_out(labels: np.ndarray, path: Path) -> None:
    """Colours on nothing: background is transparent white."""
    colours = colourise(labels)
    colours[labels == 0] = 255
    alpha = np.where(labels == 0, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([colours, alpha])).save(path)


def grey_as_rgb(labels: np.ndarray, path: Path) -> None:
    Image.fromarray(np.repeat(labels[..., None], 3, axis=2)).save(path)


EXACT: dict[str, Write] = {
    "grey.png": lambda labels, path: Image.fromarray(labels).save(path),
    "grey.tif": lambda labels, path: Image.fromarray(labels).save(path),
    "grey-as-rgb.png": grey_as_rgb,
    "deep.png": lambda labels, path: Image.fromarray(labels.astype(np.uint16)).save(path),
    "indexed.png": lambda labels, path: indexed(labels, COLOURS).save(path),
    "shuffled.png": shuffled,
    "shuffled.gif": shuffled,
    "garish.png": garish,
    "colours.png": lambda labels, path: Image.fromarray(colourise(labels)).save(path),
    "colours.webp": lambda labels, path: Image.fromarray(colourise(labels)).save(
        path, lossless=True
    ),
    "cut-out.png": cut_out,
}
"""File name -> writes labels (H, W) uint8 so that every class can be read back."""


def smoothed(labels: np.ndarray, side: int) -> np.ndarray:
    """The colours (side, side, 3) of labels (S, S), S >> side, with smoothed edges."""
    return cv2.resize(colourise(labels), (side, side), interpolation=cv2.INTER_AREA)


def write_parts(labels: np.ndarray, folder: Path, number: str = "00123") -> list[Path]:
    """CelebAMask-HQ's part files; each part reaches below those that are painted over it."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for label in np.unique(labels[labels > 0]):
        inside = labels == label
        if CLASSES[label] == "skin":
            inside |= (labels > 1) & (labels < 14)  # the features lie on it
        path = folder / f"{number}_{CLASSES[label]}.png"
        Image.fromarray(np.repeat(inside[..., None] * np.uint8(255), 3, axis=2)).save(path)
        paths.append(path)
    return paths
