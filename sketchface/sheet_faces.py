"""Pictures of the built-in faces, for the contact sheet: drawn one by one, without end."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from face_geometry.palette import colourise
from synthetic_faces import STYLES, Rendering, render
from synthetic_faces.doodles import doodle, traits_of
from synthetic_faces.edits import GROUPS, edit_set

Group = tuple[str, dict[str, np.ndarray | None]]
"""A face's caption and its pictures by field."""

SIZE = 256
VISIBLE, HIDDEN = (220, 0, 60), (70, 130, 255)


def faces(seed: int = 0) -> Iterator[Group]:
    """Yield all pictures of face 0, 1, ... without end."""
    number = 0
    while True:
        yield f"face {number}", face_pictures(render(seed, number, SIZE))
        number += 1


def face_pictures(face: Rendering) -> dict[str, np.ndarray | None]:
    """Return every picture of a face by what it shows, each (H, W) or (H, W, 3) uint8."""
    traits = traits_of(face.parameters)
    return {
        "photo": face.photo,
        "landmarks": mark_landmarks(face),
        "labels": colourise(face.labels),
        "depth": np.round(255 * face.depth).astype(np.uint8),
        "normals": as_colours(face.normals),
        **{f"style {style}": face.sketch(style) for style in STYLES},
        "rough lines": face.rough_lines(),
        "doodle": 255 - doodle(face.seed, face.id, traits).bitmap,
    }


def mark_landmarks(face: Rendering) -> np.ndarray:
    """Draw the landmarks on the photo: dots where they are visible, rings where they are hidden."""
    picture = face.photo.copy()
    for (x, y), visible in zip(face.landmarks, face.visible, strict=True):
        centre = (int(x), int(y))
        if visible:
            cv2.circle(picture, centre, 2, VISIBLE, cv2.FILLED, cv2.LINE_AA)
        else:
            cv2.circle(picture, centre, 2, HIDDEN, 1, cv2.LINE_AA)
    return picture


def as_colours(normals: np.ndarray) -> np.ndarray:
    """Return normals (H, W, 3) in the usual colours: right red, up green, to the viewer blue."""
    colours = 127.5 * (1 + normals * np.array([1, -1, 1], np.float32))
    colours[~normals.any(axis=-1)] = 255
    return colours.astype(np.uint8)


def edits(seed: int = 0) -> Iterator[Group]:
    """Yield one edit of each group, of one face after the other."""
    number = 0
    while True:
        for name, group in GROUPS.items():
            pair = edit_set(name, seed, number, SIZE)
            title = f"{name}: {pair.kind or group.title}, face {number}"
            yield (
                title,
                {
                    "lines before": pair.before.lines,
                    "after": pair.after.lines,
                    "what changed": np.where(pair.mask, 0, 255).astype(np.uint8),
                    "sketch before": pair.before.sketch,
                    "sketch after": pair.after.sketch,
                    "photo before": pair.before.photo,
                    "photo after": pair.after.photo,
                },
            )
        number += 1


def doodles(seed: int = 0) -> Iterator[Group]:
    """Yield doodles as players of a drawing game make them."""
    number = 0
    while True:
        drawing = doodle(seed, number)
        yield f"{number}: {drawing.traits.expression}", {"doodle": 255 - drawing.bitmap}
        number += 1


BUILT_IN = {"synthetic": faces, "synthetic/edits": edits, "synthetic/doodles": doodles}
"""Name of a contact sheet that needs no files -> its groups."""
