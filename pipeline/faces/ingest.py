"""The `faces` stage: whatever a data set offers, in one canonical form.

`ingest` writes

    shards/*.parquet    one row a face (`SCHEMA`): aligned square pictures and what is known of it

and `index.close` beside them

    quarantine.parquet  what was left out, with the reason; split and style of faces lost by it
    index.parquet       one line a face: split, style, source, shard and which fields it has
    duplicates.parquet  photos that stand more than once, byte for byte or as far as one can see
    dataset.json        name, size, framing and counts

A face is offered, and then accepted or quarantined; nothing is lost between the three.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from tqdm import tqdm

from face_geometry import align
from face_geometry.palette import CLASSES
from pipeline.common.images import encode_depth, encode_jpeg, encode_png, plain_bytes
from pipeline.common.parallel import workers
from pipeline.common.shard_jobs import ShardJob, run_shards
from pipeline.common.shards import (
    IMAGE,
    Row,
    file_hash,
    image_cell,
    quarantined,
    shard_of,
)
from pipeline.datasets.base import DataSettings, Face, Item, Owner
from pipeline.faces import index, splits
from pipeline.faces.duplicates import photo_hash
from pipeline.landmarks.detector import find_face
from sketchface_models.errors import SketchFaceError

STAGE = "faces"
FIELDS = index.FIELDS
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
        ("hash", pa.binary()),  # of the photo, see `duplicates`
    ]
)

LeftOut = tuple[str, str]  # id, reason
_FILES = 1024  # hashed at once


def ingest(adapter: ModuleType, settings: DataSettings, out: Path | str) -> None:
    """Write `out` from what the adapter finds under `settings.root`.

    Raises:
        SketchFaceError: if the data set cannot be read at all, or no face of it can be used.
    """
    offer = adapter.find(settings)
    items, left_out = _without_duplicates(offer.items, offer.left_out)
    test_fraction = getattr(settings, "test_fraction", 0.0)
    given = {item.id: item.split for item in items}
    whole = splits.sources_with_val(items)
    items = splits.assign(items, settings.seed, settings.val_fraction, test_fraction)
    items = splits.limited(items, settings.seed, settings.limit)
    digests = _digests(items)
    books = index.Books(
        settings=settings,
        offered=len(items) + len(left_out),
        shared=sorted(getattr(adapter, "SHARED", {})),
        known={id: (split, None) for id, split in offer.splits.items()}
        | {item.id: (item.split, item.style) for item in items},
        drawn={
            item.id: given[item.id]
            for item in items
            if given[item.id] is None or (given[item.id] == "train" and item.source not in whole)
        },
        digests={item.id: _content(item, digests) for item in items if _content(item, digests)},
        framing=_framing(adapter, items, settings),
    )
    run_shards(
        STAGE,
        _jobs(adapter.__name__, items, left_out, settings, digests),
        out,
        SCHEMA,
        (adapter.__name__, settings),
        f"pipeline.{STAGE}",
        functools.partial(index.close, books=books, schema=SCHEMA),
    )


def ingest_shard(
    adapter_name: str, items: Sequence[Item], left_out: Sequence[LeftOut], settings: DataSettings
) -> Iterator[Row]:
    """One shard's rows and quarantine rows, as they are made; runs in a worker process."""
    cv2.setNumThreads(1)  # the workers share the cores among themselves
    adapter = importlib.import_module(adapter_name)
    yield from (quarantined(_printable(id), STAGE, _printable(why)) for id, why in left_out)
    for item in sorted(items, key=lambda item: item.id):
        try:
            yield _row(adapter, item, settings)
        except SketchFaceError as error:
            reason = str(error)
            for root in _roots(adapter, settings):
                reason = reason.replace(f"{Path(root)}/", "")
            yield quarantined(item.id, STAGE, _printable(reason))


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


def _digests(items: Sequence[Item]) -> dict[Path, str]:
    """Hashes of all files of all items, each read once."""
    paths = sorted({path for item in items for path in item.files.values()})
    digests: dict[Path, str] = {}
    bar = tqdm(total=len(paths), desc=f"{STAGE}: hash", unit="file", leave=False, disable=None)
    with ThreadPoolExecutor(workers(len(paths))) as threads, bar:
        for start in range(0, len(paths), _FILES):  # every file that waits takes memory
            part = paths[start : start + _FILES]
            digests.update(zip(part, threads.map(_digest, part), strict=True))
            bar.update(len(part))
    return digests


def _digest(path: Path) -> str:
    try:
        # A pipe would keep us waiting for ever; reading the face will say what is wrong.
        return file_hash(path) if path.is_file() else ""
    except OSError:
        return ""


def _content(item: Item, digests: Mapping[Path, str]) -> str:
    """What two copies of a face, or of a drawing, have in common; empty where unknown."""
    if item.content:
        return item.content
    sketch = item.files.get("sketch")
    path = sketch if item.kind == "drawing" else item.files.get("photo", sketch)
    return "" if path is None else digests[path]


def _jobs(
    adapter_name: str,
    items: Sequence[Item],
    left_out: Sequence[LeftOut],
    settings: DataSettings,
    digests: Mapping[Path, str],
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
            _key(item_groups[number], left_out_groups[number], digests),
            ingest_shard,
            (adapter_name, item_groups[number], left_out_groups[number], settings),
        )
        for number in range(settings.shards)
    ]


def _key(items: Sequence[Item], left_out: Sequence[LeftOut], digests: Mapping[Path, str]) -> str:
    """Names what a shard is made from: its items' fields and the bytes of their files."""
    described = [
        (
            *(item.id, item.source, item.split, item.style, item.content),
            [(field, str(path), digests[path]) for field, path in sorted(item.files.items())],
        )
        for item in items
    ]
    return hashlib.sha256(json.dumps([described, left_out]).encode()).hexdigest()


def _row(adapter: ModuleType, item: Item, settings: DataSettings) -> Row:
    size = settings.size
    owner = _owner(adapter, item, settings)
    face = owner.adapter.read(owner.item, owner.settings)
    height, width = _shape(face, item)
    transform = _transform(owner, face.photo, (width, height), size)
    untouched = np.array_equal(transform, align.fit(size, size, size)) and width == height == size
    face = face if untouched else align_face(face, transform, size)
    face = dataclasses.replace(face, **dict.fromkeys(set(FIELDS) - owner.fields))
    path = owner.item.files.get("photo") if untouched and face.photo is not None else None
    own = None if path is None else plain_bytes(path, size)
    compared = face.photo if settings.duplicate_distance >= 0 else None
    return {
        "id": item.id,
        "split": item.split,
        "style": item.style,
        "source": item.source,
        "transform": transform.astype(np.float32).ravel().tolist(),
        "hash": None if compared is None else photo_hash(compared),
        **_cells(item.id, face, own),
    }


def _framing(
    adapter: ModuleType, items: Sequence[Item], settings: DataSettings
) -> align.Points | None:
    """Where the photos of a data set, all of one owner, end up with eyes and mouth."""
    photo = next((item for item in items if item.kind != "drawing"), None)
    if photo is None:
        return None
    owner = _owner(adapter, photo, settings).adapter
    unknown = None if getattr(owner, "ALIGNED", False) else align.PORTRAIT
    framing: align.Framing | None = getattr(owner, "FRAMING", unknown)
    return None if framing is None else framing.points


def _roots(adapter: ModuleType, settings: DataSettings) -> list[str]:
    return list(adapter.roots(settings).values()) if hasattr(adapter, "roots") else [settings.root]


def _owner(adapter: ModuleType, item: Item, settings: DataSettings) -> Owner:
    if hasattr(adapter, "owner"):
        owner: Owner = adapter.owner(item, settings)
        return owner
    return Owner(adapter, item, settings, frozenset(FIELDS))


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
    """Height and width that all pictures of a face share; its labels must be known classes."""
    if face.labels is not None and face.labels.max(initial=0) >= len(CLASSES):
        known = f"0 to {len(CLASSES) - 1}"
        raise SketchFaceError(f"{item.id}: label {face.labels.max()}; allowed: {known}; mend it")
    pictures = {name: getattr(face, name) for name in ("photo", "sketch", "labels", "depth")}
    shapes = {name: p.shape[:2] for name, p in pictures.items() if p is not None}
    if len(set(shapes.values())) == 1:
        return next(iter(shapes.values()))
    sizes = ", ".join(f"{name} {w} x {h}" for name, (h, w) in shapes.items()) or "none"
    raise SketchFaceError(f"{item.id}: pictures of different sizes ({sizes}); crop them alike")


def _transform(
    owner: Owner, photo: np.ndarray | None, extent: tuple[int, int], size: int
) -> np.ndarray:
    """What brings a face to its data set's framing: (2, 3), source pixels -> aligned pixels."""
    item = owner.item
    framing = getattr(owner.adapter, "FRAMING", align.PORTRAIT)
    aligned = getattr(owner.adapter, "ALIGNED", False) or item.source in framing.native
    if (aligned or photo is None) and extent[0] == extent[1]:
        return align.fit(*extent, size)
    if photo is None:
        raise SketchFaceError(f"{item.id}: a drawing that is not square; pad or crop it")
    landmarks = find_face(_face_mesh(), photo)
    points: np.ndarray | None = framing.stand_in(item.source, *extent)
    if landmarks is not None:
        points = align.eyes_and_mouth(landmarks)
    if points is None:
        name = item.files["photo"].name
        raise SketchFaceError(f"{name}: no face found; crop it nearer to the face or remove it")
    return align.similarity(points, framing.target(size))


@functools.cache
def _face_mesh() -> Any:
    """This process's detector; imported here because only unaligned faces need MediaPipe."""
    from pipeline.landmarks.face_mesh import FaceMesh

    return FaceMesh()


def _printable(text: str) -> str:
    """Text that UTF-8 can hold: file names need not be valid Unicode."""
    return text.encode("utf-8", "replace").decode()
