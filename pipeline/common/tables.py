"""Reading what the geometry stages share out of `faces` and `landmarks`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.common.shards import Row, quarantined, stream_rows
from sketchface_models.errors import SketchFaceError


def aligned_size(faces: Path) -> int:
    """Side in pixels of every picture in the `faces` stage's folder.

    Raises:
        SketchFaceError: if `dataset.json` is missing or does not hold it.
    """
    path = Path(faces, "dataset.json")
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["size"])
    except (OSError, ValueError, KeyError, TypeError):
        raise SketchFaceError(f"{path}: no size in it; run the faces stage again") from None


def faces_with_marks(
    paths: tuple[Path, Path], columns: Sequence[str], marks: Sequence[str]
) -> Iterator[tuple[Row, Row | None]]:
    """Each face with its landmarks, None where there are none; a few in memory at a time.

    Args:
        paths: the shard of `faces` and the one of `landmarks`, both sorted by id.
        columns: of the faces; `id` is one of them.
        marks: columns of the landmarks, likewise; `points` (68 * 2) and `mesh` (478 * 3, or None)
            come as flat float32 arrays.
    """
    found = stream_rows(paths[1], marks, arrays=True)
    mark = next(found, None)
    for face in stream_rows(paths[0], columns):
        while mark is not None and mark["id"] < face["id"]:
            mark = next(found, None)
        yield face, mark if mark is not None and mark["id"] == face["id"] else None


def rows_with_meshes(
    paths: tuple[Path, Path],
    columns: Sequence[str],
    make: Callable[[Row, np.ndarray | None], Row | None],
    stage: str,
    reason: str,
) -> Iterator[Row]:
    """One shard of a stage that draws from the mesh.

    Args:
        paths: the shard of `faces` and the one of `landmarks`.
        columns: what `make` needs of a face's row; `id` is one of them.
        make: from a face's row and its mesh, (478, 3) or None, to the row's other cells; None
            where there is nothing to draw.
        stage: that leaves those faces out.
        reason: for doing so.
    """
    for face, mark in faces_with_marks(paths, columns, ["id", "mesh"]):
        mesh = None if mark is None or mark["mesh"] is None else mark["mesh"].reshape(-1, 3)
        cells = make(face, mesh)
        id = face["id"]
        yield quarantined(id, stage, reason) if cells is None else {"id": id, **cells}
