"""Render the edit sets of the 11 groups (see `synthetic_faces.edits`) as a table.

The faces are their own: no run learns from them, and none is among the test faces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np

from pipeline.common.edit_table import ABOUT_FILE, SCHEMA, SIDES
from pipeline.common.images import encode_png
from pipeline.common.shard_jobs import Result, ShardJob, run_shards
from pipeline.common.shards import Row, image_cell
from sketchface_models.atomic import write_json
from sketchface_models.config import between
from synthetic_faces.edits import GROUPS, EditSet, edit_set

BUILT_IN = "synthetic"
"""Name of the data set whose faces can be rendered with an edit."""
PARTS = {"contour": "lines", "parsing": "labels", "photo": "photo"}
"""Field of the table -> which part of an edit set's picture it is."""


@dataclass(frozen=True)
class EditSettings:
    """The `edits` section."""

    faces: Annotated[int, between(1, 1000)]
    """Base faces; intervals of what is measured are over these."""
    variants: Annotated[int, between(1, 26)]
    """Edits of each base face in each of the 11 groups."""


def write_edits(
    name: str, size: int, seed: int, out: Path, settings: EditSettings, asked: bool = True
) -> None:
    """Write the edit sets, a shard for each base face.

    There are no rows for data that are not built in, and where no run is asked about edits.

    Args:
        name: of the data set.
        size: side of the pictures in pixels.
        seed: of the faces.
        out: folder to write (`edit_table.COLUMNS`, and `ABOUT_FILE`).
        settings: the `edits` section.
        asked: whether a run is.
    """
    about = {"size": size, "seed": seed, **asdict(settings), "groups": list(GROUPS)}
    if name != BUILT_IN:
        about = {"note": f"{name} has no photos of edited drawings; built-in faces have"}
    elif not asked:
        about = {"note": "none of the chosen runs makes photos of contours or parsing maps alone"}
    jobs = [
        ShardJob(number, base_face(number), _work, (base_face(number), size, seed, settings))
        for number in range(0 if "note" in about else settings.faces)
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
        for field, part in PARTS.items()
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
