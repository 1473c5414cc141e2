"""Shift and rotate the test contours, with the function that augments contours in training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import torch

from pipeline.common.images import decode, encode_png
from pipeline.common.shard_jobs import Result, map_shards
from pipeline.common.shards import (
    IMAGE,
    Row,
    image_cell,
    quarantined,
    read_rows,
)
from sketchface_models.augmentation.moved_contours import move_contours
from sketchface_models.config import at_least

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("contour", IMAGE),
        ("dx", pa.float32()),
        ("dy", pa.float32()),
        ("degrees", pa.float32()),
    ]
)
COLUMNS = {
    "id": "key of the face in every table",
    "contour": "contour of a test face, shifted and rotated, PNG, (size, size) uint8, 255 is paper",
    "dx": "shift to the right, in pixels of this picture",
    "dy": "shift down, in pixels of this picture",
    "degrees": "rotation, clockwise as seen",
}


@dataclass(frozen=True)
class AugmentSettings:
    """The `augment` section."""

    shift: Annotated[float, at_least(0)]
    """Largest shift along each axis, in pixels on a picture of side 512."""
    rotation: Annotated[float, at_least(0)]
    """Largest rotation either way, in degrees."""
    seed: int
    """Of the shifts and rotations."""


def augment_test_contours(
    faces: Path, contours: Path, out: Path, settings: AugmentSettings
) -> None:
    """Write the contours of the test split, shifted and rotated.

    Args:
        faces: folder of the `faces` stage.
        contours: folder of the `contours` stage.
        out: folder to write (`COLUMNS`); test faces without a contour go into quarantine.
        settings: the `augment` section.
    """
    module = "pipeline.augment.augment"
    map_shards("augment", [faces, contours], _work, out, SCHEMA, settings, module)


def _work(paths: tuple[Path, Path], settings: AugmentSettings) -> Result:
    test = {row["id"] for row in read_rows(paths[0], ["id", "split"]) if row["split"] == "test"}
    rows, quarantine = [], []
    for row in read_rows(paths[1], ["id", "contour"]):
        if row["id"] in test and row["contour"]:
            rows.append(_augmented(row["id"], decode(row["contour"]["bytes"]), settings))
        elif row["id"] in test:
            quarantine.append(quarantined(row["id"], "augment", "no contour to move"))
    return rows, quarantine


def _augmented(id: str, contour: np.ndarray, settings: AugmentSettings) -> Row:
    picture = torch.from_numpy(contour)[None, None]
    limits = settings.shift, settings.rotation
    augmented, dx, dy, degrees = move_contours(picture, settings.seed, [id], *limits)
    data = encode_png(augmented[0, 0].numpy())
    cell = image_cell(data, f"{id}.png")
    record = {"dx": dx.item(), "dy": dy.item(), "degrees": degrees.item()}
    return {"id": id, "contour": cell, **record}
