"""An edit table made by hand: a square appears in contour and photo, at a place of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.common.edit_table import ABOUT_FILE, SCHEMA
from pipeline.common.images import encode_png
from pipeline.common.shards import image_cell, shard_name, write_rows
from sketchface_models.atomic import write_json

GROUPS = ("G1", "G5", "G7")
PLACES = {"G1": (4, 40), "G5": (24, 16), "G7": (40, 4)}
"""Row and column of the square's corner; that of G5 holds the eye corner."""
SQUARE = 12
CORNER = (21, 31)


def write_edits_table(data: Path, size: int = 64, faces: int = 3, variants: int = 2) -> Path:
    """Write `data/edits`.

    In variant v the square of the contour has the grey level 10 + 20 v + 5 times the face's number;
    that of the photo is black, that of the parsing map hair on skin. Graffiti (G7) leave photo and
    map as they are.
    """
    folder = data / "edits"
    for face in range(faces):
        rows = [_row(face, group, v, size) for group in GROUPS for v in range(variants)]
        write_rows(folder / "shards" / shard_name(face), rows, SCHEMA)
    about = {"size": size, "seed": 0, "faces": faces, "variants": variants, "groups": list(GROUPS)}
    write_json(folder / ABOUT_FILE, about)
    return folder


def square(group: str, size: int = 64) -> np.ndarray:
    """(size, size) bool: the place of a group's edit."""
    row, column = PLACES[group]
    mask = np.zeros((size, size), bool)
    mask[row : row + SQUARE, column : column + SQUARE] = True
    return mask


def level(face: int, variant: int) -> int:
    """Return the grey level of the edit's square in the contour."""
    return 10 + 20 * variant + 5 * face


def _row(face: int, group: str, variant: int, size: int) -> dict[str, object]:
    name, mask = f"made-edit-{face:06d}", square(group, size)
    contour, photo = np.full((size, size), 255, np.uint8), np.full((size, size, 3), 200, np.uint8)
    labels = np.ones((size, size), np.uint8)
    edited, new_photo, new_labels = contour.copy(), photo.copy(), labels.copy()
    edited[mask] = level(face, variant)
    if group != "G7":
        new_photo[mask] = 0
        new_labels[mask] = 13
    pictures = {
        "contour_before": contour,
        "contour_after": edited,
        "parsing_before": labels,
        "parsing_after": new_labels,
        "photo_before": photo,
        "photo_after": new_photo,
        "mask": np.where(mask, np.uint8(255), np.uint8(0)),
    }
    cells = {key: image_cell(encode_png(each), f"{key}.png") for key, each in pictures.items()}
    id = f"{name}/{group}/{variant:02d}"
    about = {"id": id, "group": group, "face": name, "variant": variant, "kind": ""}
    return about | cells | {"corner": list(CORNER)}
