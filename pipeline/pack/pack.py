"""Pack what one run learns from: its inputs and target alone, at training size.

The format is `sketchface_models.training.pack`'s.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from pipeline.common.fields import FIELDS, NEEDS, as_array
from pipeline.common.shard_jobs import remove_unfinished
from pipeline.common.shards import ids_with, read_rows, shard_paths
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.errors import SketchFaceError
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import Task


def write_pack(
    run: str, task: Task, data: Path, out: Path, depth: Mapping[str, Any] | None = None
) -> None:
    """Write the pack of `run`.

    Args:
        run: its name, for messages.
        task: which fields, at which size.
        data: folder with the stages' folders (`faces`, `contours`, ...).
        out: the pack's folder.
        depth: the `depth` section; kept where depth is among the fields.

    What another photo needs in order to look like these stands under `faces`: see `_look`.
    Faces that lack one of the fields are listed in `pack.json` under `missing`, each with the
    fields it lacks, so that whoever scores the run can count them.

    Raises:
        SketchFaceError: for an unknown field, or when no training or test face has all fields.
    """
    names = [*task.inputs, task.target]
    _check_names(run, task)
    index = _index(data, names)
    have = [face for face in index if not face["lacks"]]
    for split in ("train", "test"):
        if not any(face["split"] == split for face in have):
            raise SketchFaceError(
                f"run {run}: no {split} face has all of {', '.join(names)}; "
                f"see {data}/*/quarantine.parquet"
            )
    remove_unfinished(out)
    with atomic_dir(out) as folder:
        about = {
            "size": task.size,
            "fields": {name: _channels(name, have) for name in names},
            "inputs": list(task.inputs),
            "target": task.target,
            "ids": [face["id"] for face in have],
            "splits": [face["split"] for face in have],
            "styles": [face["style"] for face in have],
            "faces": _look(data, depth if "depth" in names else None),
            "missing": [
                {key: face[key] for key in ("id", "split", "style", "lacks")}
                for face in index
                if face["lacks"]
            ],
        }
        write_json(folder / "pack.json", about)
        rows = {face["id"]: row for row, face in enumerate(have)}
        for name in (each for each in names if each in FIELDS):
            _write_field(name, rows, task.size, data, folder / f"{name}.npy")


def _look(data: Path, depth: Mapping[str, Any] | None) -> dict[str, Any]:
    """How the photos were brought to this form.

    data: name of the data set. size: side of its aligned photos, pixels. framing: where they have
    eyes and mouth, see `faces.align.Points`; None if unknown. depth: the section without its path.
    """
    path = data / "faces" / "dataset.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        look = {key: about.get(key) for key in ("size", "framing")} | {"data": about["name"]}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SketchFaceError(f"{path}: unreadable ({error}); run the faces stage again") from None
    if depth is not None:
        look["depth"] = {key: value for key, value in depth.items() if key != "path"}
    return look


def _check_names(run: str, task: Task) -> None:
    unknown = [name for name in task.inputs if name not in NEEDS]
    unknown += [task.target] if task.target not in FIELDS else []
    if unknown:
        allowed = FIELDS if STYLE in unknown else NEEDS
        raise SketchFaceError(
            f"systems.{run}.task: {', '.join(unknown)}; allowed: one of {', '.join(allowed)}"
        )


def _channels(name: str, faces: list[dict[str, Any]]) -> int:
    """Of styles there are as many as the largest label says."""
    return max(face[STYLE] for face in faces) if name == STYLE else FIELDS[name].channels


def _index(data: Path, names: list[str]) -> list[dict[str, Any]]:
    """Every face, sorted by id, with what it lacks of the named fields."""
    faces = read_rows(data / "faces" / "index.parquet", ["id", "split", "style"])
    lacks: dict[str, list[str]] = {face["id"]: [] for face in faces}
    for name in names:
        if name == STYLE:
            present = {face["id"] for face in faces if face[STYLE] is not None}
        else:
            present = _present(name, data)
        for id in lacks.keys() - present:
            lacks[id].append(name)
    return sorted(
        (face | {"lacks": lacks[face["id"]]} for face in faces), key=lambda face: str(face["id"])
    )


def _present(name: str, data: Path) -> set[str]:
    """Faces that have a picture of the field."""
    field = FIELDS[name]
    paths = shard_paths(data / field.stage)
    return {id for path in paths for id in ids_with(path, field.column)}


def _write_field(name: str, rows: dict[str, int], size: int, data: Path, out: Path) -> None:
    field = FIELDS[name]
    shape = (len(rows), field.channels, size, size)
    array = np.lib.format.open_memmap(out, mode="w+", dtype=np.uint8, shape=shape)
    for path in tqdm(
        shard_paths(data / field.stage), desc=f"pack {name}", unit="shard", disable=None
    ):
        for row in read_rows(path, ["id", field.column]):
            if row["id"] in rows:
                array[rows[row["id"]]] = as_array(name, row[field.column]["bytes"], size)
    array.flush()
