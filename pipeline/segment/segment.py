"""Make a parsing map of every face, in CelebAMask-HQ's 19 classes.

A data set's own labels stay as they are. Other photos are parsed by the network that ships with
the package, or labelled from their mesh: skin, nose, eyes, brows, lips and the inside of the mouth.
The mesh has no hair, neck, ears, clothes or glasses: they stay background, or skin where they cover
it. The column `source` says which of the three it was.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pyarrow as pa

from face_geometry.palette import INDEX
from pipeline.common.face_tables import aligned_size, rows_with_meshes
from pipeline.common.images import decode, encode_png
from pipeline.common.shard_jobs import map_shards
from pipeline.common.shards import (
    IMAGE,
    Row,
    image_cell,
    quarantined,
    stream_rows,
)
from pipeline.landmarks.mesh_topology import (
    INNER_LIP,
    LEFT_BROW,
    LEFT_EYE,
    LOWER_LIP,
    NOSE,
    OVAL,
    RIGHT_BROW,
    RIGHT_EYE,
    UPPER_LIP,
)

SCHEMA = pa.schema([("id", pa.string()), ("labels", IMAGE), ("source", pa.string())])
COLUMNS = {
    "id": "key of the face in every table",
    "labels": "parsing map, PNG, (size, size) uint8, classes 0 to 18 of CelebAMask-HQ",
    "source": "where the map comes from: dataset, parser or mesh",
}

# In painting order; later parts cover earlier ones, as in CelebAMask-HQ.
_PARTS: tuple[tuple[str, Sequence[int]], ...] = (
    ("skin", OVAL),
    ("nose", NOSE),
    ("l_eye", LEFT_EYE),
    ("r_eye", RIGHT_EYE),
    ("l_brow", LEFT_BROW),
    ("r_brow", RIGHT_BROW),
    ("mouth", INNER_LIP),
    ("u_lip", UPPER_LIP),
    ("l_lip", LOWER_LIP),
)
_ZOOM = 4
_AT_ONCE = 32  # faces read before they are parsed
_SHIFT = 4  # fractional bits of the coordinates handed to OpenCV


@dataclass(frozen=True)
class SegmentSettings:
    """The `segment` section."""

    source: Literal["parser", "dataset", "mesh"]
    """parser: the data set's own labels where it has them, else the shipped parser's. dataset: its
    own, else the mesh's. mesh: always the mesh's."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """The parser computes in; auto: bf16 where the processor does, else 32 bits."""


def mesh_labels(mesh: np.ndarray, size: int) -> np.ndarray:
    """Draw the parsing map of a face from its mesh.

    Args:
        mesh: (468 or 478, 2 or 3) float, pixels.
        size: side of the picture in pixels.

    Returns:
        (size, size) uint8 labels; each pixel has the class at its centre.
    """
    # OpenCV fills border pixels as well: on a finer grid they are a fraction of a pixel.
    fine = np.zeros((size * _ZOOM, size * _ZOOM), np.uint8)
    for name, ring in _PARTS:
        corners = (mesh[list(ring), :2] * _ZOOM - 0.5) * (1 << _SHIFT)
        cv2.fillPoly(fine, [np.round(corners).astype(np.int32)], [INDEX[name]], shift=_SHIFT)
    return np.ascontiguousarray(fine[_ZOOM // 2 :: _ZOOM, _ZOOM // 2 :: _ZOOM])


def segment(faces: Path, landmarks: Path, out: Path, settings: SegmentSettings) -> None:
    """Write the parsing map of every face with own labels, a photo (parser) or a mesh.

    Args:
        faces: folder of the `faces` stage.
        landmarks: folder of the `landmarks` stage.
        out: folder to write (`COLUMNS`); the other faces go into quarantine.
        settings: the `segment` section.
    """
    parameters = (settings, aligned_size(faces))
    module = "pipeline.segment.segment"
    map_shards("segment", [faces, landmarks], _work, out, SCHEMA, parameters, module)


def _work(paths: tuple[Path, Path], parameters: tuple[SegmentSettings, int]) -> Iterator[Row]:
    settings, size = parameters
    if settings.source == "parser":
        return _parsed(paths[0], settings.precision)
    own = settings.source == "dataset"

    def row(face: Row, mesh: np.ndarray | None) -> Row | None:
        if own and face["labels"]:
            return _cells(face["id"], face["labels"]["bytes"], "dataset")
        if mesh is None:
            return None
        return _cells(face["id"], encode_png(mesh_labels(mesh, size)), "mesh")

    reason = "no labels of its own and no face found"
    return rows_with_meshes(paths, ["id", "labels"], row, "segment", reason)


def _parsed(path: Path, precision: str) -> Iterator[Row]:
    """Yield one shard's own labels, and the parser's of the photos that have none."""
    faces = stream_rows(path, ["id", "photo", "labels"])
    while part := list(islice(faces, _AT_ONCE)):
        yield from _parsed_part(part, precision)


def _parsed_part(faces: Sequence[Row], precision: str) -> Iterator[Row]:
    unknown = [face["photo"] for face in faces if face["photo"] and not face["labels"]]
    photos = [decode(photo["bytes"]) for photo in unknown]
    parsed = iter(_parser(precision).labels(photos) if photos else [])
    for face in faces:
        if face["labels"]:
            yield {"id": face["id"], **_cells(face["id"], face["labels"]["bytes"], "dataset")}
        elif face["photo"]:
            cells = _cells(face["id"], encode_png(next(parsed)), "parser")
            yield {"id": face["id"], **cells}
        else:
            reason = "no labels of its own and no photo to parse"
            yield quarantined(face["id"], "segment", reason)


def _cells(id: str, labels: bytes, source: str) -> Row:
    return {"labels": image_cell(labels, f"{id}.png"), "source": source}


@functools.cache
def _parser(precision: str) -> Any:
    """Return this process's parser; imported here: labelled faces need neither it nor torch."""
    import torch

    from sketchface_models.pretrained.parsers import FaceParser

    torch.set_num_threads(1)  # the workers share the cores among themselves
    return FaceParser(precision)  # type: ignore[arg-type]
