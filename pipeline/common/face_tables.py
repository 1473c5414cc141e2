"""Read `faces` and `landmarks` together, for the stages that draw from both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.common.shards import Row, iter_rows, quarantined, stream_rows
from sketchface_models.errors import SketchFaceError


def aligned_size(faces: Path) -> int:
    """Return the side in pixels of every picture in the `faces` stage's folder.

    Raises:
        SketchFaceError: if `dataset.json` is missing or does not hold it.
    """
    path = Path(faces, "dataset.json")
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["size"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SketchFaceError(f"{path}: no size in it; run the faces stage again") from None


def landmarks_of(landmarks: Path, ids: Iterable[str]) -> dict[str, np.ndarray]:
    """Return id -> (68, 2), pixels of the aligned photo, of those faces that have landmarks.

    Args:
        landmarks: the `landmarks` stage's folder.
        ids: of the faces that are wanted.
    """
    wanted = set(ids)
    return {
        row["id"]: np.reshape(row["points"], (-1, 2))
        for row in iter_rows(landmarks, ["id", "points"])
        if row["id"] in wanted
    }


def faces_with_landmarks(
    paths: tuple[Path, Path],
    columns: Sequence[str],
    landmark_columns: Sequence[str],
) -> Iterator[tuple[Row, Row | None]]:
    """Yield each face with its landmarks, or None; a few in memory at a time.

    Args:
        paths: the shard of `faces` and the one of `landmarks`, both sorted by id.
        columns: of the faces; `id` is one of them.
        landmark_columns: of the landmarks, likewise; `points` (68 * 2) and `mesh` (478 * 3, or
            None) come as flat float32 arrays.
    """
    landmark_rows = stream_rows(paths[1], landmark_columns, arrays=True)
    row = next(landmark_rows, None)
    for face in stream_rows(paths[0], columns):
        while row is not None and row["id"] < face["id"]:
            row = next(landmark_rows, None)
        yield face, row if row is not None and row["id"] == face["id"] else None


def rows_with_meshes(
    paths: tuple[Path, Path],
    columns: Sequence[str],
    make: Callable[[Row, np.ndarray | None], Row | None],
    stage: str,
    reason: str,
) -> Iterator[Row]:
    """Yield one shard's rows of a stage that draws from the mesh.

    Args:
        paths: the shard of `faces` and the one of `landmarks`.
        columns: what `make` needs of a face's row; `id` is one of them.
        make: from a face's row and its mesh, (478, 3) or None, to the row's other cells; None
            where there is nothing to draw.
        stage: that puts those faces into quarantine.
        reason: why.
    """
    for face, row in faces_with_landmarks(paths, columns, ["id", "mesh"]):
        mesh = None if row is None or row["mesh"] is None else row["mesh"].reshape(-1, 3)
        cells = make(face, mesh)
        id = face["id"]
        yield quarantined(id, stage, reason) if cells is None else {"id": id, **cells}
