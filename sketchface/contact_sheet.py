"""One sheet of the pictures that a stage wrote, or that lie in any folder (`sketchface peek`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from face_geometry.palette import colourise
from pipeline.common.evaluations import GENERATED_FILE
from pipeline.common.images import decode, encode_png, read_image
from pipeline.common.sheets import sheet
from sketchface.sheet_faces import BUILT_IN, Group
from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError, printable
from sketchface_models.training.pack_reader import Domain, Pack


def write_contact_sheet(folder: Path, count: int, out: Path) -> str:
    """Draw the pictures of a folder on one PNG, a group for each face, and say what is on it.

    Args:
        folder: what a stage wrote, a pack, any folder of pictures, or a name in `BUILT_IN`.
        count: most faces to show.
        out: the PNG.

    Raises:
        SketchFaceError: if there is nothing to show, a table is damaged, or `out` is no PNG.
    """
    if out.suffix.lower() != ".png":
        raise SketchFaceError(f"{out}: the sheet is a PNG; give -o a name that ends in .png")
    groups = list(islice(_groups(folder, count), count))
    if not groups:
        raise SketchFaceError(f"{folder}: no pictures in it; give a stage's folder or pictures")
    fields = list(dict.fromkeys(name for _, pictures in groups for name in pictures))
    picture = sheet(
        [[pictures.get(name) for name in fields] for _, pictures in groups],
        [printable(caption) for caption, _ in groups],
        fields,
        side=160,
        columns=max(1, min(len(groups), 8 // len(fields) or 1)),
    )
    try:
        with atomic_file(out) as temporary:
            temporary.write_bytes(encode_png(picture))
    except OSError as error:
        raise SketchFaceError(
            f"{out}: {error.strerror or error}; name another place with -o"
        ) from None
    return f"{out}: {len(groups)} of {folder} ({', '.join(fields)})"


def _groups(folder: Path, count: int) -> Iterator[Group]:
    """Yield what `folder` holds, in the order to take `count` from."""
    if not folder.exists() and folder.as_posix() in BUILT_IN:
        yield from BUILT_IN[folder.as_posix()]()
        return
    if not folder.is_dir():
        raise SketchFaceError(f"{folder}: no such folder; give one or {', '.join(BUILT_IN)}")
    if (folder / "pack.json").exists():
        yield from _from_pack(Pack(folder), count)
    elif list(folder.glob("shards/*.parquet")) or list(folder.glob("*.parquet")):
        yield from _from_tables(folder)
    elif list(folder.glob(f"*/{GENERATED_FILE}")):
        yield from _from_outputs(folder)
    else:
        yield from _from_pictures(folder)


def _from_tables(folder: Path) -> Iterator[Group]:
    """Yield one face of each shard in turn, so that a few of them stand for all."""
    paths = sorted(folder.glob("shards/*.parquet")) or sorted(folder.glob("*.parquet"))
    tables = deque(_from_table(path) for path in paths)
    while tables:
        table = tables.popleft()
        group = next(table, None)
        if group:
            yield group
            tables.append(table)


def _from_outputs(folder: Path) -> Iterator[Group]:
    """Yield the faces that a run generated, with a picture for each of its outputs."""
    paths = sorted(folder.glob(f"*/{GENERATED_FILE}"))
    for faces in zip(*map(_from_table, paths), strict=True):
        pictures = {
            path.parent.name: own["generated"] for path, (_, own) in zip(paths, faces, strict=True)
        }
        yield faces[0][0], pictures


def _from_table(path: Path) -> Iterator[Group]:
    """Yield the faces of one table that have pictures, a few in memory at a time."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=4):
                for row in batch.to_pylist():
                    name = str(row.get("id", path.stem))
                    pictures = _checked_pictures(row, f"{path}: {name}")
                    if pictures:
                        yield name, pictures
    except (OSError, pa.ArrowInvalid) as error:
        reason = " ".join(str(error).split())
        raise SketchFaceError(f"{path}: not a readable Parquet table ({reason})") from None


def _checked_pictures(row: dict[str, Any], where: str) -> dict[str, np.ndarray | None]:
    """Return the pictures of a row of any table.

    Raises:
        SketchFaceError: if a column has a known name but no such content.
    """
    try:
        return _pictures(row)
    except (ValueError, TypeError, OverflowError, cv2.error, SketchFaceError) as error:
        reason = " ".join(str(error).split())
        raise SketchFaceError(f"{where}: not to be shown ({reason})") from None


def _pictures(row: dict[str, Any]) -> dict[str, np.ndarray | None]:
    pictures: dict[str, np.ndarray | None] = {}
    for name, cell in row.items():
        if isinstance(cell, dict) and cell.get("bytes") is not None:
            pictures[name] = displayable(name, decode(cell["bytes"]))
    points = row.get("points") or row.get("landmarks")
    if points is not None:
        pictures["landmarks"] = dots(np.reshape(points, (-1, 2)), pictures.get("photo"))
    return pictures


def displayable(name: str, picture: np.ndarray) -> np.ndarray:
    """Return a stored picture as 8-bit grey or RGB: labels in their palette, depth as grey."""
    if name in ("labels", "parsing"):
        return colourise(picture)
    if picture.dtype == np.uint16:
        return (picture >> 8).astype(np.uint8)
    return picture


def dots(points: np.ndarray, photo: np.ndarray | None) -> np.ndarray:
    """Draw landmarks (n, 2) as dots, on the photo where there is one, else on white."""
    if photo is None:
        side = int(min(4096, max(64, np.ceil(points.max() * 1.1))))
        picture = np.full((side, side, 3), 255, np.uint8)
    else:
        picture = np.array(photo)
    height, width = picture.shape[:2]
    inside = ((points >= 0) & (points < (width, height))).all(axis=1)
    for x, y in np.floor(points[inside]).astype(int):
        picture[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = (220, 0, 60)
    return picture


def _from_pack(pack: Pack, count: int) -> Iterator[Group]:
    """Yield `count` rows of a pack at equal distances, of unpaired domains in turn."""
    share = -(-count // len(pack.domains))
    rows = [
        np.linspace(0, len(each.ids), min(share, len(each.ids)), endpoint=False, dtype=int)
        for each in pack.domains
    ]
    for number in range(max(map(len, rows))):
        for domain, own in zip(pack.domains, rows, strict=True):
            if number < len(own):
                yield _packed_face(pack, domain, own[number])


def _packed_face(pack: Pack, domain: Domain, row: int) -> Group:
    raw = pack.read(np.array([row]), domain.fields)
    pictures = {
        name: displayable(name, np.squeeze(np.moveaxis(tensor[0].numpy(), 0, 2)))
        for name, tensor in raw.items()
        if name in pack.pictures
    }
    return f"{domain.ids[row]} ({domain.splits[row]})", dict(pictures)


def _from_pictures(folder: Path) -> Iterator[Group]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            try:
                yield path.name, {"picture": read_image(path)}
            except SketchFaceError:
                continue  # a stray text file is no reason to show nothing
