"""Contact sheets: pictures side by side on white, with captions."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from face_geometry.palette import colourise
from sketchface_models.labels import PARSING

GAP = 4
CAPTION = 16
HEADING_GAP = 16
"""Least room between headings of columns, where they can be broken into lines, less `GAP`."""
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def tile(picture: np.ndarray, side: int) -> np.ndarray:
    """Fit any (H, W) or (H, W, 3) uint8 picture into (side, side, 3) white, without distortion."""
    if picture.ndim == 2:
        picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(picture, size, interpolation=interpolation) if scale != 1 else picture
    square = np.full((side, side, 3), 255, np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square


def displayed(picture: npt.ArrayLike, field: str = "") -> np.ndarray:
    """Turn a picture of a pack, (C, H, W) uint8, into (H, W) or (H, W, 3) to look at.

    Args:
        picture: an array, or a tensor on the CPU.
        field: that it is of; parsing maps get their colours.
    """
    pixels = np.squeeze(np.moveaxis(np.asarray(picture), 0, 2))
    return colourise(pixels) if field == PARSING else pixels


def sheet(
    groups: Sequence[Sequence[np.ndarray | None]],
    captions: Sequence[str] = (),
    headers: Sequence[str] = (),
    side: int = 128,
    columns: int = 1,
) -> np.ndarray:
    """Lay out groups of pictures (one group a face, say), `columns` groups to a row.

    Args:
        groups: equally long; None leaves a cell empty.
        captions: one a group, written under it.
        headers: one a picture of a group, written above each column; in several lines where one
            does not fit.
        side: of a cell in pixels.
        columns: groups in a row.

    Returns:
        (H, W, 3) uint8.
    """
    count = len(groups[0])
    group_width = count * (side + GAP) + 2 * GAP
    row_height = side + GAP + (CAPTION if captions else 0)
    font = ImageFont.load_default(11)
    heads = [_wrapped(header, font, side - HEADING_GAP) for header in headers]
    top = CAPTION * max(map(len, heads), default=0)
    rows = -(-len(groups) // columns)
    shape = (top + rows * row_height + GAP, min(columns, len(groups)) * group_width, 3)
    canvas = Image.fromarray(np.full(shape, 255, np.uint8))
    pen = ImageDraw.Draw(canvas)
    for i, group in enumerate(groups):
        x0, y0 = (i % columns) * group_width + GAP, top + (i // columns) * row_height + GAP
        for position, picture in enumerate(group):
            if picture is not None:
                canvas.paste(
                    Image.fromarray(tile(picture, side)), (x0 + position * (side + GAP), y0)
                )
            for number, line in enumerate(heads[position] if heads and i < columns else ()):
                y = top - CAPTION * (len(heads[position]) - number) + 1
                pen.text((x0 + position * (side + GAP), y), line, fill="black", font=font)
        if captions:
            pen.text((x0, y0 + side + 1), captions[i], fill="black", font=font)
    return np.asarray(canvas)


def _wrapped(text: str, font: Font, width: int) -> list[str]:
    """Break a text after spaces, hyphens and underscores into lines of `width` pixels.

    A part that is wider has a line of its own.
    """
    lines = [""]
    for part in re.findall(r"[^ _-]+[ _-]*|[ _-]+", text):
        if lines[-1] and font.getlength(f"{lines[-1]}{part}".rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return lines
