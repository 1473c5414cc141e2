"""The table of the `edits` stage: pairs of drawings of one face that differ in one place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.common.images import decode
from pipeline.common.shards import IMAGE, Row, file_hash, shard_paths, stream_rows
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import PARSING

ABOUT_FILE = "edits.json"
FIELDS = ("contour", "parsing", "photo")
"""Fields of which the table has both sides."""
SIDES = ("before", "after")
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("group", pa.string()),
        ("face", pa.string()),
        ("variant", pa.int32()),
        ("kind", pa.string()),
        *((f"{field}_{side}", IMAGE) for field in FIELDS for side in SIDES),
        ("mask", IMAGE),
        ("corner", pa.list_(pa.int32())),
    ]
)
COLUMNS = {
    "id": "FACE/GROUP/VARIANT, the key of the pair",
    "group": "what is edited: G1 to G11 of Cheng et al. 2022, section 4.1",
    "face": "the base face, the same person in all groups",
    "variant": "number of the edit of this face in this group",
    "kind": "what is added (hair, whiskers, wrinkles, ears, graffiti), or empty",
    "contour_before": "contour of the base face, PNG, (size, size) uint8, 255 is paper",
    "contour_after": "the same with the edit",
    "parsing_before": "labels of the base face's photo, PNG, (size, size) uint8",
    "parsing_after": "labels of the edited face's photo",
    "photo_before": "photo of the base face, PNG, (size, size, 3) uint8",
    "photo_after": "photo of the edited face, rendered anew",
    "mask": "255 where the two contours may differ, PNG, (size, size) uint8",
    "corner": "column and row of the eye corner at image left, in both contours",
}
GROUPS = {
    "G1": "hair",
    "G2": "whiskers, wrinkles or ears",
    "G3": "face shape",
    "G4": "brows",
    "G5": "eye shape",
    "G6": "eye size",
    "G7": "graffiti",
    "G8": "mouth",
    "G9": "nose",
    "G10": "mouth, with the eyes of G9",
    "G11": "nose, with the eyes of G8",
}
"""Group -> what its edits change."""
EYES_CHANGE = ("G5", "G6", "G7")
"""Groups whose edits change the eyes (shape, size), or may cross them (graffiti)."""


@dataclass(frozen=True)
class Edit:
    """One pair, S pixels wide.

    before, after: field -> (S, S) or (S, S, 3) uint8. mask: (S, S) bool, where the contours may
    differ. corner: column and row of the eye corner.
    """

    id: str
    group: str
    face: str
    before: dict[str, np.ndarray]
    after: dict[str, np.ndarray]
    mask: np.ndarray
    corner: tuple[int, int]

    def place(self, inputs: Sequence[str]) -> np.ndarray:
        """Return where what a run reads may differ, (S, S) bool; for some edits nowhere.

        Args:
            inputs: of the run: contour, parsing or both.
        """
        places = [np.zeros_like(self.mask)]
        if "contour" in inputs:
            places.append(self.mask)
        if PARSING in inputs:
            places.append(self.before[PARSING] != self.after[PARSING])
        return np.logical_or.reduce(places)


def asked_about_edits(inputs: Sequence[str], target: str) -> bool:
    """Return whether a run can be asked: it makes photos of contours, parsing maps or both."""
    return target == "photo" and set(inputs) <= set(FIELDS) - {target}


def read_about(folder: Path) -> dict[str, Any]:
    """Return what `folder/edits.json` says: `note` alone, or `faces`, `variants` and more.

    Raises:
        SketchFaceError: if it is missing or damaged.
    """
    path = folder / ABOUT_FILE
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise SketchFaceError(f"{path}: missing or damaged; run `dvc repro edits`") from None


def read_edits(folder: Path) -> Iterator[list[Edit]]:
    """Yield the edits of one base face after the other, in the order of their ids.

    Raises:
        SketchFaceError: if a shard is damaged.
    """
    for path in shard_paths(folder):
        edits = [_edit(row) for row in stream_rows(path)]
        if edits:
            yield edits


def table_hash(folder: Path) -> str:
    """Return 16 hex digits that change with any pair."""
    hashes = "".join(file_hash(path) for path in shard_paths(folder))
    return hashlib.sha256(hashes.encode()).hexdigest()[:16]


def _edit(row: Row) -> Edit:
    before, after = (
        {field: decode(row[f"{field}_{side}"]["bytes"]) for field in FIELDS} for side in SIDES
    )
    mask = decode(row["mask"]["bytes"]) > 0
    column, line = row["corner"]
    return Edit(row["id"], row["group"], row["face"], before, after, mask, (column, line))
