"""Render the edit sets of the 11 groups (see `synthetic_faces.edits`) as a table.

The faces are their own: no run learns from them, and none is among the test faces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa

from pipeline.common.images import encode_png
from pipeline.common.shard_jobs import Result, ShardJob, run_shards
from pipeline.common.shards import IMAGE, Row, image_cell
from sketchface_models.atomic import write_json
from sketchface_models.config import between
from synthetic_faces.edits import GROUPS, EditSet, edit_set

BUILT_IN = "synthetic"
"""Name of the data set whose faces can be rendered with an edit."""
ABOUT_FILE = "edits.json"
FIELDS = {"contour": "lines", "photo": "photo"}
"""Field of the pipeline -> which part of an edit set's picture it is."""
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
    "photo_before": "photo of the base face, PNG, (size, size, 3) uint8",
    "photo_after": "photo of the edited face, rendered anew",
    "mask": "255 where the two contours may differ, PNG, (size, size) uint8",
    "corner": "column and row of the eye corner at image left, in both contours",
}


@dataclass(frozen=True)
class EditSettings:
    """The `edits` section."""

    faces: Annotated[int, between(1, 1000)]
    """Base faces; intervals of what is measured are over these."""
    variants: Annotated[int, between(1, 26)]
    """Edits of each base face in each of the 11 groups."""


def write_edits(name: str, size: int, seed: int, out: Path, settings: EditSettings) -> None:
    """Write the edit sets, a shard for each base face; no rows for data that are not built in.

    Args:
        name: of the data set.
        size: side of the pictures in pixels.
        seed: of the faces.
        out: folder to write (`COLUMNS`, and `ABOUT_FILE`).
        settings: the `edits` section.
    """
    built_in = name == BUILT_IN
    about = {"size": size, "seed": seed, **asdict(settings), "groups": list(GROUPS)}
    if not built_in:
        about = {"note": f"{name} has no photos of edited drawings; built-in faces have"}
    jobs = [
        ShardJob(number, base_face(number), _work, (base_face(number), size, seed, settings))
        for number in range(settings.faces if built_in else 0)
    ]
    parameters = (size, seed, settings)
    run_shards(
        "edits",
        jobs or [ShardJob(0, "none", _nothing, ())],
        out,
        SCHEMA,
        parameters,
        "pipeline.edits.edits",
        lambda folder: write_json(folder / ABOUT_FILE, about),
    )


def base_face(number: int) -> str:
    """Return the id of a base face, which no face of the data set has."""
    return f"synthetic-edit-{number:06d}"


def _work(face: str, size: int, seed: int, settings: EditSettings) -> Iterator[Row]:
    for group in sorted(GROUPS):
        for variant in range(settings.variants):
            yield _row(edit_set(group, seed, face, size, variant))


def _nothing() -> Result:
    return [], []


def _row(edit: EditSet) -> Row:
    id = f"{edit.id}/{edit.group}/{edit.variant:02d}"
    pictures = {
        f"{field}_{side}": getattr(getattr(edit, side), part)
        for field, part in FIELDS.items()
        for side in SIDES
    }
    pictures["mask"] = np.where(edit.mask, np.uint8(255), np.uint8(0))
    cells = {
        name: image_cell(encode_png(picture), f"{id.replace('/', '-')}-{name}.png")
        for name, picture in pictures.items()
    }
    return {
        "id": id,
        "group": edit.group,
        "face": edit.id,
        "variant": edit.variant,
        "kind": edit.kind,
        **cells,
        "corner": list(edit.corner),
    }
