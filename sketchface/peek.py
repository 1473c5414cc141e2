"""`sketchface peek DIR`: see what a stage wrote, or what lies in any folder of pictures."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer

from face_geometry.palette import colourise
from pipeline.common.images import decode, encode_png, read_image
from pipeline.common.sheets import sheet
from sketchface.builtin import SHOWS, Group
from sketchface.plain import plain
from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError
from sketchface_models.training.pack import Pack


def peek(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="a stage's folder, a pack, a folder of pictures, or one of " + ", ".join(SHOWS),
        ),
    ],
    count: Annotated[int, typer.Option("-n", min=1, max=1000, help="how many to show")] = 16,
    out: Annotated[Path, typer.Option("-o", help="the PNG to write")] = Path("sheet.png"),
) -> None:
    """Draw the pictures of DIR on one sheet.

    DIR is what a stage wrote (data/faces, data/contours, data/evaluate/RUN/SEED ...), a pack, or
    any folder of pictures. Labels are shown in their palette, landmarks as dots on the photo. The
    faces shown come from all over a table or pack, the same ones each time. The names
    synthetic, synthetic/edits and synthetic/doodles show what the built-in faces consist of.
    """
    if out.suffix.lower() != ".png":
        raise SketchFaceError(f"{out}: the sheet is a PNG; give -o a name that ends in .png")
    groups = list(islice(_groups(folder, count), count))
    if not groups:
        raise SketchFaceError(f"{folder}: no pictures in it; give a stage's folder or pictures")
    fields = list(dict.fromkeys(name for _, pictures in groups for name in pictures))
    columns = max(1, min(len(groups), 8 // len(fields) or 1))
    picture = sheet(
        [[pictures.get(name) for name in fields] for _, pictures in groups],
        [plain(caption) for caption, _ in groups],
        fields,
        side=160,
        columns=columns,
    )
    try:
        with atomic_file(out) as temporary:
            temporary.write_bytes(encode_png(picture))
    except OSError as error:
        raise SketchFaceError(
            f"{out}: {error.strerror or error}; name another place with -o"
        ) from None
    print(plain(f"{out}: {len(groups)} of {folder} ({', '.join(fields)})"))


def _groups(folder: Path, count: int) -> Iterator[Group]:
    """What there is to see in whatever `folder` is, in the order to take `count` from."""
    if not folder.exists() and folder.as_posix() in SHOWS:
        yield from SHOWS[folder.as_posix()]()
        return
    if not folder.is_dir():
        raise SketchFaceError(f"{folder}: no such folder; give one or {', '.join(SHOWS)}")
    if (folder / "pack.json").exists():
        yield from _from_pack(Pack(folder), count)
    elif list(folder.glob("shards/*.parquet")) or list(folder.glob("*.parquet")):
        yield from _from_tables(folder)
    else:
        yield from _from_pictures(folder)


def _from_tables(folder: Path) -> Iterator[Group]:
    """One face of each shard in turn, so that a few of them stand for all."""
    paths = sorted(folder.glob("shards/*.parquet")) or sorted(folder.glob("*.parquet"))
    tables = deque(_from_table(path) for path in paths)
    while tables:
        table = tables.popleft()
        group = next(table, None)
        if group:
            yield group
            tables.append(table)


def _from_table(path: Path) -> Iterator[Group]:
    """The faces of one table that have pictures, a few in memory at a time."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=4):
                for row in batch.to_pylist():
                    name = str(row.get("id", path.stem))
                    pictures = _shown(row, f"{path}: {name}")
                    if pictures:
                        yield name, pictures
    except (OSError, pa.ArrowInvalid) as error:
        reason = " ".join(str(error).split())
        raise SketchFaceError(f"{path}: not a readable Parquet table ({reason})") from None


def _shown(row: dict[str, Any], where: str) -> dict[str, np.ndarray | None]:
    """The pictures of a row of any table.

    Raises:
        SketchFaceError: if a column has a known name but no such content.
    """
    try:
        return _pictures(row)
    except (ValueError, TypeError, OverflowError, cv2.error, SketchFaceError) as error:
        reason = " ".join(str(error).split())
        raise SketchFaceError(f"{where}: not to be shown ({reason})") from None


def _pictures(row: dict[str, Any]) -> dict[str, np.ndarray | None]:
    found: dict[str, np.ndarray | None] = {}
    for name, cell in row.items():
        if isinstance(cell, dict) and cell.get("bytes") is not None:
            found[name] = displayable(name, decode(cell["bytes"]))
    points = row.get("points") or row.get("landmarks")
    if points is not None:
        found["landmarks"] = dots(np.reshape(points, (-1, 2)), found.get("photo"))
    return found


def displayable(name: str, picture: np.ndarray) -> np.ndarray:
    """A stored picture as 8-bit grey or RGB that shows what is in it."""
    if name in ("labels", "parsing"):
        return colourise(picture)
    if picture.dtype == np.uint16:
        return (picture >> 8).astype(np.uint8)
    return picture


def dots(points: np.ndarray, photo: np.ndarray | None) -> np.ndarray:
    """Landmarks (n, 2) as dots, on the photo where there is one, else on white around them."""
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
    """`count` rows of a pack at equal distances."""
    for row in np.linspace(0, len(pack.ids), min(count, len(pack.ids)), endpoint=False, dtype=int):
        raw = pack.read(np.array([row]))
        pictures = {
            name: displayable(name, np.squeeze(np.moveaxis(tensor[0].numpy(), 0, 2)))
            for name, tensor in raw.items()
            if name in pack.pictures
        }
        yield f"{pack.ids[row]} ({pack.splits[row]})", dict(pictures)


def _from_pictures(folder: Path) -> Iterator[Group]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            try:
                yield path.name, {"picture": read_image(path)}
            except SketchFaceError:
                continue  # a stray text file is no reason to show nothing
