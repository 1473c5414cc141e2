"""The `faces` stage: whatever a data set offers, in one canonical form.

`ingest` writes

    shards/*.parquet    one row a face (`SCHEMA`): aligned square pictures and what is known of it
    quarantine.parquet  what was left out, with the reason; split and style of faces lost by it
    index.parquet       one line a face: split, style, source, shard and which fields it has
    dataset.json        name, size and counts

A face is offered, and then accepted or quarantined; nothing is lost between the three.
"""

from __future__ import annotations

import functools
import importlib
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.datasets.base import SPLITS, DataSettings, Face, Item
from pipeline.faces import align, splits
from pipeline.images import encode_depth, encode_jpeg, encode_png, plain_bytes
from pipeline.shards import (
    IMAGE,
    QUARANTINE,
    Result,
    Row,
    ShardJob,
    file_hash,
    image_cell,
    quarantined,
    read_quarantine,
    run_shards,
    shard_of,
    shard_paths,
    write_rows,
)
from sketchface_models.errors import SketchFaceError

STAGE = "faces"
FIELDS = ("photo", "sketch", "labels", "landmarks", "depth")
"""What a face may have; the columns of these names are null where it does not."""
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("style", pa.int8()),
        ("source", pa.string()),
        ("photo", IMAGE),
        ("sketch", IMAGE),
        ("labels", IMAGE),
        ("landmarks", pa.list_(pa.float32())),  # x, y of 68 points, aligned pixels
        ("visible", pa.list_(pa.bool_())),  # of the landmarks
        ("depth", IMAGE),
        ("parameters", pa.string()),  # of a built-in face: JSON, by dotted name
        ("transform", pa.list_(pa.float32())),  # 2 x 3, row by row: source -> aligned pixels
    ]
)
LOST = pa.schema([*QUARANTINE, ("split", pa.string()), ("style", pa.int8())])

LeftOut = tuple[str, str]  # id, reason
Known = dict[str, tuple[str | None, int | None]]  # id -> split, style


def ingest(adapter: ModuleType, settings: DataSettings, out: Path | str) -> None:
    """Write `out` from what the adapter finds under `settings.root`.

    Raises:
        SketchFaceError: if the data set cannot be read at all, or no face of it can be used.
    """
    offer = adapter.find(settings)
    items, left_out = _without_duplicates(offer.items, offer.left_out)
    test_fraction = getattr(settings, "test_fraction", 0.0)
    items = splits.assign(items, settings.seed, settings.val_fraction, test_fraction)
    items = splits.limited(items, settings.seed, settings.limit)
    run_shards(
        STAGE,
        _jobs(adapter.__name__, items, left_out, settings),
        out,
        SCHEMA,
        (adapter.__name__, settings),
        f"pipeline.stages.{STAGE}",
        functools.partial(
            _finish,
            settings=settings,
            offered=len(items) + len(left_out),
            shared=sorted(getattr(adapter, "SHARED", {})),
            known={id: (split, None) for id, split in offer.splits.items()}
            | {item.id: (item.split, item.style) for item in items},
        ),
    )


def ingest_shard(
    adapter_name: str, items: Sequence[Item], left_out: Sequence[LeftOut], settings: DataSettings
) -> Result:
    """One shard's rows and quarantine rows; runs in a worker process."""
    cv2.setNumThreads(1)  # the workers share the cores among themselves
    adapter = importlib.import_module(adapter_name)
    rows = []
    quarantine = [quarantined(_printable(id), STAGE, _printable(why)) for id, why in left_out]
    for item in items:
        try:
            rows.append(_row(adapter, item, settings))
        except SketchFaceError as error:
            reason = str(error).replace(f"{Path(settings.root)}/", "")
            quarantine.append(quarantined(item.id, STAGE, _printable(reason)))
    return rows, quarantine


def align_face(face: Face, transform: np.ndarray, size: int) -> Face:
    """Every picture of a face, and its landmarks, under one transform: `size` x `size` pixels."""

    def moved(warp: Any, field: np.ndarray | None) -> np.ndarray | None:
        return None if field is None else warp(field, transform, size)

    landmarks = face.landmarks
    if landmarks is not None:
        landmarks = align.transform_points(landmarks, transform)
    return Face(
        photo=moved(align.warp, face.photo),
        sketch=moved(align.warp, face.sketch),
        labels=moved(align.warp_labels, face.labels),
        landmarks=landmarks,
        visible=face.visible,
        depth=moved(align.warp_depth, face.depth),
        parameters=face.parameters,
    )


def _without_duplicates(
    items: Sequence[Item], left_out: Sequence[LeftOut]
) -> tuple[list[Item], list[LeftOut]]:
    unique: dict[str, Item] = {}
    repeated: list[LeftOut] = []
    for item in items:
        if item.id in unique:
            repeated.append((item.id, f"{item.id}: another face has this id; rename one"))
        else:
            unique[item.id] = item
    return list(unique.values()), [*left_out, *repeated]


def _jobs(
    adapter_name: str, items: Sequence[Item], left_out: Sequence[LeftOut], settings: DataSettings
) -> list[ShardJob]:
    item_groups: dict[int, list[Item]] = defaultdict(list)
    left_out_groups: dict[int, list[LeftOut]] = defaultdict(list)
    for item in items:
        item_groups[shard_of(item.id, settings.shards)].append(item)
    for id, reason in left_out:
        number = shard_of(_printable(id), settings.shards)
        left_out_groups[number].append((id, reason))
    return [
        ShardJob(
            number,
            _key(item_groups[number], left_out_groups[number]),
            ingest_shard,
            (adapter_name, item_groups[number], left_out_groups[number], settings),
        )
        for number in range(settings.shards)
    ]


def _key(items: Sequence[Item], left_out: Sequence[LeftOut]) -> str:
    """Names what a shard is made from: its items' fields and the bytes of their files."""
    described = [
        (
            *(item.id, item.source, item.split, item.style),
            [(field, str(path), _digest(path)) for field, path in sorted(item.files.items())],
        )
        for item in items
    ]
    return json.dumps([described, left_out])


def _digest(path: Path) -> str:
    try:
        return file_hash(path)
    except OSError:
        return "unreadable"  # reading the face will say why


def _row(adapter: ModuleType, item: Item, settings: DataSettings) -> Row:
    size = settings.size
    face = adapter.read(item, settings)
    height, width = _shape(face, item)
    transform = _transform(adapter, item, face.photo, (width, height), size)
    untouched = np.array_equal(transform, align.fit(size, size, size)) and width == height == size
    own = plain_bytes(item.files["photo"], size) if untouched and "photo" in item.files else None
    face = face if untouched else align_face(face, transform, size)
    return {
        "id": item.id,
        "split": item.split,
        "style": item.style,
        "source": item.source,
        "transform": transform.astype(np.float32).ravel().tolist(),
        **_cells(item.id, face, own),
    }


def _cells(id: str, face: Face, own_photo: bytes | None) -> Row:
    """A face's fields, encoded; `own_photo` are the publisher's bytes where they can stay."""
    landmarks, photo, visible = face.landmarks, own_photo, face.visible
    made_from = None if face.parameters is None else json.dumps(dict(face.parameters))
    if face.photo is not None and photo is None:
        photo = encode_jpeg(face.photo)
    ending = "png" if photo is not None and photo.startswith(b"\x89PNG") else "jpg"
    return {
        "photo": image_cell(photo, f"{id}.{ending}"),
        "sketch": image_cell(None if face.sketch is None else encode_png(face.sketch), f"{id}.png"),
        "labels": image_cell(None if face.labels is None else encode_png(face.labels), f"{id}.png"),
        "depth": image_cell(None if face.depth is None else encode_depth(face.depth), f"{id}.png"),
        "landmarks": None if landmarks is None else landmarks.astype(np.float32).ravel().tolist(),
        "visible": None if visible is None else visible.tolist(),
        "parameters": made_from,
    }


def _shape(face: Face, item: Item) -> tuple[int, int]:
    """Height and width that all pictures of a face share."""
    pictures = {name: getattr(face, name) for name in ("photo", "sketch", "labels", "depth")}
    shapes = {name: p.shape[:2] for name, p in pictures.items() if p is not None}
    if len(set(shapes.values())) == 1:
        return next(iter(shapes.values()))
    sizes = ", ".join(f"{name} {w} x {h}" for name, (h, w) in shapes.items()) or "none"
    raise SketchFaceError(f"{item.id}: pictures of different sizes ({sizes}); crop them alike")


def _transform(
    adapter: ModuleType,
    item: Item,
    photo: np.ndarray | None,
    extent: tuple[int, int],
    size: int,
) -> np.ndarray:
    """What brings a face to its data set's framing: (2, 3), source pixels -> aligned pixels."""
    framing = getattr(adapter, "FRAMING", align.PORTRAIT)
    aligned = getattr(adapter, "ALIGNED", False) or item.source in framing.native
    if aligned and extent[0] == extent[1]:
        return align.fit(*extent, size)
    if photo is None:
        raise SketchFaceError(f"{item.id}: a drawing that is not square; pad or crop it")
    detection = _face_mesh().detect(photo)
    points: np.ndarray | None = framing.stand_in(item.source, *extent)
    if detection is not None:
        points = align.eyes_and_mouth(detection.landmarks)
    if points is None:
        name = item.files["photo"].name
        raise SketchFaceError(f"{name}: no face found; crop it nearer to the face or remove it")
    return align.similarity(points, framing.target(size))


@functools.cache
def _face_mesh() -> Any:
    """This process's detector; imported here because only unaligned faces need MediaPipe."""
    from pipeline.faces.detector import FaceMesh

    return FaceMesh()


def _finish(
    folder: Path, settings: DataSettings, offered: int, shared: list[str], known: Known
) -> None:
    """Add the index and the counts; refuse to finish with nothing accepted or something lost."""
    left_out = read_quarantine(folder)
    index = _index(folder)
    accepted = index.num_rows
    if accepted + len(left_out) != offered:
        raise RuntimeError(f"{offered} offered, {accepted} accepted, {len(left_out)} quarantined")
    if not accepted:
        raise SketchFaceError(_nothing_left(settings, left_out))
    pq.write_table(index, folder / "index.parquet", compression="zstd")
    columns = index.to_pydict()
    lost = _lost(left_out, known, set(columns["id"]))
    write_rows(folder / "quarantine.parquet", lost, LOST)
    summary = {
        "name": settings.name,
        "size": settings.size,
        "offered": offered,
        "accepted": accepted,
        "quarantined": len(left_out),
        "splits": {split: columns["split"].count(split) for split in SPLITS},
        "styles": _counts(style for style in columns["style"] if style is not None),
        "sources": _counts(columns["source"]),
        "fields": {field: sum(columns[field]) for field in FIELDS if any(columns[field])},
        # Test faces whose photo also stands in train: scored with and without them.
        "shared": [id for id in shared if id in set(columns["id"])],
    }
    text = json.dumps(summary, indent=2) + "\n"
    (folder / "dataset.json").write_text(text, encoding="utf-8")


def _lost(left_out: Sequence[Row], known: Known, accepted: set[str]) -> list[Row]:
    """The quarantine rows with split and style, which stand once for each face that was lost.

    They are null for what is no face of a split, and for a second one of an id that is counted
    already: so whoever scores a split can count what is missing from it.
    """
    faces = {id: face for id, face in known.items() if id not in accepted}
    marked = []
    for row in left_out:
        split, style = faces.pop(row["id"], (None, None))
        marked.append(row | {"split": split, "style": style})
    return marked


def _index(folder: Path) -> pa.Table:
    """id, split, style, source, shard, and one boolean for each of `FIELDS`, sorted by id."""
    parts = []
    for path in shard_paths(folder):
        table = pq.read_table(path)
        part = table.select(["id", "split", "style", "source"])
        part = part.append_column("shard", pa.array([int(path.stem)] * len(table), pa.int16()))
        for field in FIELDS:
            part = part.append_column(field, table[field].is_valid())
        parts.append(part.replace_schema_metadata(None))
    return pa.concat_tables(parts).sort_by("id")


def _counts(values: Any) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}


def _nothing_left(settings: DataSettings, left_out: Sequence[Row]) -> str:
    where = f"data.root: {settings.root}"
    if not left_out:
        return f"{where}: holds no face that {settings.name} knows; point it at the data"
    # Reasons begin with the file's name: what follows it is what they have in common.
    kinds = Counter(row["reason"].partition(": ")[2] or row["reason"] for row in left_out)
    reason, count = kinds.most_common(1)[0]
    return f"{where}: none of {len(left_out)} faces can be used; {count} of them: {reason}"


def _printable(text: str) -> str:
    """Text that UTF-8 can hold: file names need not be valid Unicode."""
    return text.encode("utf-8", "replace").decode()
