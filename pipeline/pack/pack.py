"""Write what one run learns from: its inputs and target alone, at training size.

The format is described in `sketchface_models.training.pack_reader`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.common.fields import DRAWN, FIELDS, NEEDS, read_field, showing
from pipeline.common.progress import progress
from pipeline.common.shard_jobs import remove_unfinished
from pipeline.common.shards import ids_with, read_rows, shard_paths, stream_rows
from sketchface_models.atomic import atomic_dir, write_json
from sketchface_models.errors import SketchFaceError
from sketchface_models.styles import STYLE
from sketchface_models.systems.run_settings import Task

Face = dict[str, Any]
"""A row of the index of `faces`: id, split, style; here also `lacks`, the fields it is without."""


def write_pack(
    run: str, task: Task, data: Path, out: Path, depth: Mapping[str, Any] | None = None
) -> None:
    """Write the pack of `run`.

    `pack.json` holds what another photo needs in order to look like these under `faces` (see
    `_appearance`), and under `missing` the faces that lack one of the fields, each with the fields
    it lacks, so that scoring can count them. An unpaired run has two domains of faces, and only
    counts as missing what has some field of a domain, but not all.

    Args:
        run: its name, for messages.
        task: which fields, at which size.
        data: folder with the stages' folders (`faces`, `contours`, ...).
        out: the pack's folder.
        depth: the `depth` section; kept where depth is among the fields.

    Raises:
        SketchFaceError: for an unknown field, or when no training or test face has all fields of a
            domain.
    """
    names = [*task.inputs, task.target]
    _check_names(run, task)
    index = _index(data, names)
    domains = [_domain(run, fields, index, data, task.unpaired) for fields in task.domains]
    styled = next(
        faces
        for fields, (faces, _) in zip(task.domains, domains, strict=True)
        if STYLE in fields or STYLE not in names
    )
    remove_unfinished(out)
    with atomic_dir(out) as folder:
        about = {
            "size": task.size,
            "fields": {name: _channels(name, styled) for name in names},
            "inputs": list(task.inputs),
            "target": task.target,
            **_columns(domains[0][0]),
            "faces": _appearance(data, depth if "depth" in names else None),
            "missing": [
                {key: face[key] for key in ("id", "split", "style", "lacks")}
                for _, missing in domains
                for face in missing
            ],
        }
        if task.sees_target and _shows_target(task, domains[0][0], data):
            about["sees_target"] = True
        if task.sizes:
            about["sizes"] = dict(task.sizes)
        if task.unpaired:
            about["domains"] = [
                {"fields": list(fields), **_columns(faces)}
                for fields, (faces, _) in zip(task.domains[1:], domains[1:], strict=True)
            ]
        write_json(folder / "pack.json", about)
        for fields, (faces, _) in zip(task.domains, domains, strict=True):
            rows = {face["id"]: row for row, face in enumerate(faces)}
            for name in (each for each in fields if each in FIELDS):
                size = task.sizes.get(name, task.size)
                _write_field(name, rows, size, data, folder / f"{name}.npy")


def _domain(
    run: str, fields: Sequence[str], index: list[Face], data: Path, unpaired: bool
) -> tuple[list[Face], list[Face]]:
    """Return the faces that have all of `fields`, and those that count as missing.

    Raises:
        SketchFaceError: if there is no training or no test face.
    """
    lacking = {face["id"]: [each for each in fields if each in face["lacks"]] for face in index}
    faces = [face for face in index if not lacking[face["id"]]]
    for split in ("train", "test"):
        if not any(face["split"] == split for face in faces):
            raise SketchFaceError(
                f"run {run}: no {split} face has all of {', '.join(fields)}; "
                f"see {data}/*/quarantine.parquet"
            )
    missing = [
        face | {"lacks": lacking[face["id"]]}
        for face in index
        if lacking[face["id"]] and not (unpaired and len(lacking[face["id"]]) == len(fields))
    ]
    return faces, missing


def _columns(faces: Iterable[Face]) -> dict[str, list[Any]]:
    rows = [(face["id"], face["split"], face["style"]) for face in faces]
    return dict(zip(("ids", "splits", "styles"), map(list, zip(*rows, strict=True)), strict=True))


def _appearance(data: Path, depth: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return how the photos were brought to this form.

    data: name of the data set. size: side of its aligned photos, pixels. framing: where they have
    eyes and mouth, see `face_geometry.align.Points`; None if unknown. depth: the section without
    its path.
    """
    path = data / "faces" / "dataset.json"
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        appearance = {key: about.get(key) for key in ("size", "framing")} | {"data": about["name"]}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise SketchFaceError(f"{path}: unreadable ({error}); run the faces stage again") from None
    if depth is not None:
        appearance["depth"] = {key: value for key, value in depth.items() if key != "path"}
    return appearance


def _check_names(run: str, task: Task) -> None:
    unknown = [name for name in task.inputs if name not in NEEDS]
    unknown += [task.target] if task.target not in FIELDS else []
    if unknown:
        allowed = FIELDS if STYLE in unknown else NEEDS
        raise SketchFaceError(
            f"systems.{run}.task: {', '.join(unknown)}; allowed: one of {', '.join(allowed)}"
        )


def _channels(name: str, faces: list[Face]) -> int:
    """Return a field's channels; there are as many styles as the largest label says."""
    return max(face[STYLE] for face in faces) if name == STYLE else FIELDS[name].channels


def _index(data: Path, names: list[str]) -> list[Face]:
    """Return every face, sorted by id, with what it lacks of the named fields."""
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
    """Return the ids of the faces that have a picture of the field."""
    field = FIELDS[name]
    paths = shard_paths(data / field.stage)
    return {id for path in paths for id in ids_with(path, field.column)}


def _shows_target(task: Task, faces: Sequence[Face], data: Path) -> bool:
    """Return whether a run that may see its target does: lines may have been drawn beside it."""
    shown = showing(task.target, task.inputs)
    if shown != ["lines"]:
        return True
    ids = {face["id"] for face in faces}
    rows = (
        row
        for path in shard_paths(data / FIELDS["lines"].stage)
        for row in stream_rows(path, ["id", "lines_from"])
    )
    return any(row["lines_from"] != DRAWN for row in rows if row["id"] in ids)


def _write_field(name: str, rows: dict[str, int], size: int, data: Path, out: Path) -> None:
    """Write one field of the faces in `rows` (id -> row), reading its pictures once."""
    field = FIELDS[name]
    shape = (len(rows), field.channels, size, size)
    array = np.lib.format.open_memmap(out, mode="w+", dtype=np.uint8, shape=shape)
    paths = shard_paths(data / field.stage)
    for path in progress(paths, len(paths), f"pack {name}", "shard"):
        wanted = (row for row in stream_rows(path, ["id", field.column]) if row["id"] in rows)
        for id, picture in read_field(name, wanted, size):
            array[rows[id]] = picture
    array.flush()
