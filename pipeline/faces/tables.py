"""Reading what the geometry stages share out of `faces` and `landmarks`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pipeline.shards import Row, quarantined, stream_rows
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


def read_points(path: Path) -> dict[str, np.ndarray]:
    """Id -> (68, 2) float32 landmarks of one shard of the `landmarks` stage."""
    return {
        row["id"]: np.array(row["points"], np.float32).reshape(-1, 2)
        for row in stream_rows(path, ["id", "points"])
    }


def read_meshes(path: Path) -> dict[str, np.ndarray]:
    """Id -> (478, 3) float32 face mesh of one shard of the `landmarks` stage, where it has one."""
    return {
        row["id"]: np.array(row["mesh"], np.float32).reshape(-1, 3)
        for row in stream_rows(path, ["id", "mesh"])
        if row["mesh"] is not None
    }


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
    meshes = read_meshes(paths[1])
    for face in stream_rows(paths[0], columns):
        id = face["id"]
        cells = make(face, meshes.get(id))
        yield quarantined(id, stage, reason) if cells is None else {"id": id, **cells}
