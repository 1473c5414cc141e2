"""What a user should know of a photo before judging what was drawn of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np

from pipeline.translation.face_boxes import box, extent

MOST_ENLARGEMENT = 2.0
"""How much a face is enlarged by its alignment before a note says so."""
MOST_PAPER, MOST_INK_COLOUR = 0.55, 15.0
"""Part of a face within 25 grey levels of its brightest tone, and its mean colour (largest less
smallest channel), of which drawings exceed the first and not the second: photos of faces reach
0.53 in colour and in grey, three quarters of FS2K's sketches lie above."""
MOST_FLAT = 0.33
"""Part of a face's pixels that equal their neighbours to within one level: flat colours. Photos
reach 0.29, posterized ones begin at 0.38."""
_EXPECTED = "photos are expected here (--from photo says that it is one)"
_FACE_SIDE = 128  # pixels that a face is looked at with
_LEAST_FACE = 64  # extent, pixels; smaller ones are smooth for want of pixels
_NEAR_PAPER = 25  # grey levels


def photo_note(
    photo: np.ndarray,
    faces: Sequence[np.ndarray],
    transforms: Sequence[np.ndarray],
    expected: Literal["photo", "sketch"] | None,
) -> str:
    """Return a line on what a photo's faces lack; empty if nothing.

    Args:
        photo: (H, W, 3) uint8 RGB.
        faces: landmarks of each face, (68, 2) pixels.
        transforms: from pixels of the photo to aligned ones, (2, 3) of each face.
        expected: what it is taken for; None if the user says what it is.
    """
    hints = [_enlargement(transforms)]
    largest = max(faces, key=extent)
    if expected and extent(largest) >= _LEAST_FACE:
        face = _cut(photo, largest)
        hints.append(_drawn(face) if expected == "photo" else _coloured(face))
    return "; ".join(filter(None, hints))


def _enlargement(transforms: Sequence[np.ndarray]) -> str:
    """Return what to say of faces that are much smaller than the training ones."""
    scales = [float(np.sqrt(abs(np.linalg.det(each[:, :2])))) for each in transforms]
    small = sum(scale > MOST_ENLARGEMENT for scale in scales)
    if not small:
        return ""
    which = "the face is" if len(scales) == 1 else f"{small} of {len(scales)} faces are"
    return f"{which} small, enlarged up to {max(scales):.1f} times: little detail can be shown"


def _coloured(face: np.ndarray) -> str:
    """Return what to say of a face, (h, w, 3) uint8, whose colours no sketch has."""
    is_grey = float(np.ptp(face.astype(int), axis=2).mean()) <= MOST_INK_COLOUR
    return "" if is_grey else "in colour: sketches are expected here (--from sketch says it is one)"


def _drawn(face: np.ndarray) -> str:
    """Return what to say of a face, (h, w, 3) uint8, that looks like no photo."""
    levels = face.astype(int)
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(int)
    paper = float((grey > np.percentile(grey, 95) - _NEAR_PAPER).mean())
    if paper > MOST_PAPER and float(np.ptp(levels, axis=2).mean()) <= MOST_INK_COLOUR:
        return f"looks like a drawing: {_EXPECTED}"
    across = np.abs(np.diff(levels, axis=1)).max(axis=2)[:-1]
    down = np.abs(np.diff(levels, axis=0)).max(axis=2)[:, :-1]
    if float(((across <= 1) & (down <= 1)).mean()) > MOST_FLAT:
        return f"looks like a cartoon, in flat colours: {_EXPECTED}"
    return ""


def _cut(photo: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the part of a photo that the box about landmarks holds, at one size."""
    low, high = np.rint(box(landmarks)).astype(int)
    low = np.maximum(low, 0)
    part = photo[low[1] : high[1], low[0] : high[0]]
    shrinks = part.shape[0] > _FACE_SIDE
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(part, (_FACE_SIDE, _FACE_SIDE), interpolation=interpolation)
