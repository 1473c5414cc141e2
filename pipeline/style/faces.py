"""The faces whose sketches have a style, and where they lie in their pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from pipeline.common.images import decode
from pipeline.common.shards import iter_rows, read_rows, shard_paths, stream_rows
from pipeline.style.crops import Box, face_box

T = TypeVar("T")


@dataclass(frozen=True)
class StyledFace:
    """A face whose sketch has a style, and whose photo has landmarks."""

    id: str
    style: int
    source: str
    box: Box
    """Of the face in its picture, pixels."""


def styled_faces(faces: Path, landmarks: Path, split: str, most: int) -> list[StyledFace]:
    """Return the faces of a split that have a style and landmarks, sorted by id.

    Args:
        faces: folder of the `faces` stage.
        landmarks: folder of the `landmarks` stage.
        split: of the faces.
        most: faces of each style; if there are more, some at equal distances in the order of ids.
    """
    index = read_rows(faces / "index.parquet", ["id", "split", "style", "source", "sketch"])
    wanted = {
        row["id"]: row
        for row in index
        if row["split"] == split and row["style"] is not None and row["sketch"]
    }
    boxes = read_boxes(landmarks, wanted) if wanted else {}
    styled = [
        StyledFace(id, wanted[id]["style"], wanted[id]["source"], boxes[id]) for id in sorted(boxes)
    ]
    chosen = []
    for style in sorted({face.style for face in styled}):
        chosen += spread([face for face in styled if face.style == style], most)
    return sorted(chosen, key=lambda face: face.id)


def read_boxes(landmarks: Path, ids: Collection[str]) -> dict[str, Box]:
    """Return where faces lie: id -> box, of those of `ids` that have landmarks."""
    return {
        row["id"]: face_box(row["points"].reshape(-1, 2))
        for path in shard_paths(landmarks)
        for row in stream_rows(path, ["id", "points"], arrays=True)
        if row["id"] in ids
    }


def read_sketches(faces: Path, ids: Collection[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield id and sketch, (S, S) uint8, 255 = paper, of `ids`, in the order of the table."""
    for row in iter_rows(faces, ["id", "sketch"]):
        if row["id"] in ids:
            sketch = decode(row["sketch"]["bytes"])
            yield (
                row["id"],
                cv2.cvtColor(sketch, cv2.COLOR_RGB2GRAY) if sketch.ndim == 3 else sketch,
            )


def of_main_source(faces: Path, ids: Sequence[str]) -> tuple[str, list[str]]:
    """Return the source that most of `ids` come from, and those that do.

    Faces of one source are framed and lit alike: what differs between drawings of them is style.
    """
    sources = {
        row["id"]: row["source"] for row in read_rows(faces / "index.parquet", ["id", "source"])
    }
    counted = Counter(sources[id] for id in ids)
    main = max(sorted(counted), key=lambda source: counted[source])
    return main, [id for id in ids if sources[id] == main]


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most so many of the items, at equal distances."""
    if len(items) <= most:
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, most).round().astype(int)]
