"""Draw the landmark contour and the rough lines of every face.

`contour`: the 68 landmarks joined chain by chain (Cheng et al. 2022, section 4.2), with lines of 2
pixels on pictures of 512, scaled to the picture's size; the paper names no colours, and dark on
white is what people draw. `lines`: rough lines, the data set's own where it has them (as built-in
faces do), else made from the sketch, see `rough_lines`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa

from face_geometry import ibug
from face_geometry.polylines import CONTOUR_WIDTH, draw_lines
from pipeline.common.face_tables import aligned_size, faces_with_landmarks
from pipeline.common.fields import DERIVED, DRAWN
from pipeline.common.images import decode, encode_png
from pipeline.common.shard_jobs import map_shards
from pipeline.common.shards import (
    IMAGE,
    Row,
    image_cell,
    shard_paths,
)
from pipeline.contours.rough_lines import rough_lines
from sketchface_models.config import above, at_least

SCHEMA = pa.schema(
    [("id", pa.string()), ("contour", IMAGE), ("lines", IMAGE), ("lines_from", pa.string())]
)
COLUMNS = {
    "id": "key of the face in every table",
    "contour": "landmark contour, PNG, (size, size) uint8, 255 is paper; null without landmarks",
    "lines": "rough lines, PNG, (size, size) uint8, 255 is paper; null without drawing and sketch",
    "lines_from": "what they are: the data set's own `drawing`, or made from the `sketch`; or null",
}


@dataclass(frozen=True)
class ContourSettings:
    """The `contours` section."""

    width: Annotated[float, above(0)]
    """Width of a contour's lines, in pixels on a picture of side 512."""
    roughness: Annotated[float, at_least(0)]
    """How far lines made from a sketch stray from its edges: 0 not at all, 1 like an amateur's."""
    seed: int
    """Of the lines made from sketches."""


def draw_contour(points: np.ndarray, size: int, width_at_512: float = CONTOUR_WIDTH) -> np.ndarray:
    """Draw the contour of one face.

    Args:
        points: (68, 2) float, iBUG landmarks in pixels of the aligned picture, where pixel i
            covers [i, i + 1).
        size: side of the picture in pixels.
        width_at_512: line width in pixels on a picture of side 512.

    Returns:
        (size, size) uint8, 0 = line, 255 = paper, antialiased.
    """
    chains = [np.asarray(points, float)[ibug.chain(name)] for name in ibug.CHAINS]
    return draw_lines(chains, size, width_at_512)


def draw_contours(faces: Path, landmarks: Path, out: Path, settings: ContourSettings) -> None:
    """Write the contour and rough lines of every face, and the average training face.

    Args:
        faces: folder of the `faces` stage.
        landmarks: folder of the `landmarks` stage.
        out: folder to write (`COLUMNS`); `average_face.json` and `.png` where training faces have
            landmarks.
        settings: the `contours` section.
    """
    size = aligned_size(faces)

    def finish(folder: Path) -> None:
        _write_average(faces, landmarks, folder, size, settings.width)

    map_shards(
        "contours",
        [faces, landmarks],
        _work,
        out,
        SCHEMA,
        (settings, size),
        "pipeline.contours.contours",
        finish,
    )


def average_face(faces: Path, landmarks: Path) -> tuple[np.ndarray | None, int]:
    """Return the mean landmarks (68, 2) of the training faces, or None, and the faces' number."""
    total, count = np.zeros((ibug.COUNT, 2)), 0
    for path in shard_paths(faces):
        paths = (path, landmarks / "shards" / path.name)
        for face, landmarks_row in faces_with_landmarks(paths, ["id", "split"], ["id", "points"]):
            if face["split"] == "train" and landmarks_row is not None:
                total += landmarks_row["points"].reshape(-1, 2)
                count += 1
    return (total / count if count else None), count


def _work(paths: tuple[Path, Path], parameters: tuple[ContourSettings, int]) -> Iterator[Row]:
    settings, size = parameters
    columns = ["id", "sketch", "rough"]
    for face, landmarks_row in faces_with_landmarks(paths, columns, ["id", "points"]):
        id = face["id"]
        contour = lines = lines_from = None
        if landmarks_row is not None:
            points = landmarks_row["points"].reshape(-1, 2)
            contour = encode_png(draw_contour(points, size, settings.width))
        if face["rough"]:
            lines, lines_from = face["rough"]["bytes"], DRAWN
        elif face["sketch"]:
            sketch = decode(face["sketch"]["bytes"])
            lines = encode_png(rough_lines(sketch, settings.seed, id, settings.roughness))
            lines_from = DERIVED
        yield {
            "id": id,
            "contour": image_cell(contour, f"{id}.png"),
            "lines": image_cell(lines, f"{id}.png"),
            "lines_from": lines_from,
        }


def _write_average(faces: Path, landmarks: Path, folder: Path, size: int, width: float) -> None:
    points, count = average_face(faces, landmarks)
    if points is None:
        return
    record: dict[str, Any] = {"size": size, "count": count, "points": points.round(4).tolist()}
    (folder / "average_face.json").write_text(json.dumps(record) + "\n")
    (folder / "average_face.png").write_bytes(encode_png(draw_contour(points, size, width)))
