"""Ingest a data set: decode, align and store each face of an offer, a shard at a time.

`ingest` writes the shards (`SCHEMA`), and `index.write_index` the tables beside them.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
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
from pipeline.datasets.base import (
    FACE_FIELDS,
    Adapter,
    DataSettings,
    Face,
    Item,
    Origin,
    Rejection,
)
from pipeline.faces.duplicates import photo_hash
from pipeline.faces.index import Offered, write_index
from pipeline.faces.plan import plan
from pipeline.landmarks.detector import find_face
from sketchface_models.errors import SketchFaceError

STAGE = "faces"
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("style", pa.int8()),
        ("source", pa.string()),
        ("photo", IMAGE),
        ("sketch", IMAGE),
        ("rough", IMAGE),
        ("doodle", IMAGE),
        ("labels", IMAGE),
        ("landmarks", pa.list_(pa.float32())),
        ("visible", pa.list_(pa.bool_())),
        ("depth", IMAGE),
        ("parameters", pa.string()),
        ("traits", pa.list_(pa.string())),
        ("transform", pa.list_(pa.float32())),
        ("hash", pa.binary()),
    ]
)
COLUMNS = {
    "id": "key of the face in every table",
    "split": "train, val or test",
    "style": "drawing style, counted from 1; null where unknown",
    "source": "part of the data set that the face comes from",
    "photo": "aligned photo, JPEG or PNG, (size, size, 3) uint8 RGB; null without a photo",
    "sketch": "aligned sketch, PNG, (size, size) uint8, 255 is paper; null without a sketch",
    "rough": "the data set's own rough lines, PNG, (size, size) uint8, 255 is paper; or null",
    "doodle": "the data set's own doodle, PNG, (size, size) uint8, 255 is paper; or null",
    "labels": "the data set's own parsing map, PNG, (size, size) uint8, classes 0 to 18; or null",
    "landmarks": "the data set's own 68 iBUG landmarks, x and y in pixels, 136 numbers; or null",
    "visible": "whether nothing hides each landmark, 68 values; or null",
    "depth": "the data set's own depth, 16-bit PNG, (size, size), 1 nearest, 0 background; or null",
    "parameters": "what a built-in face was made from, JSON by dotted name; else null",
    "traits": "what is known of the face beside style and source, such as `pose turned`",
    "transform": "2 x 3 matrix, row by row: source pixels to aligned pixels",
    "hash": "perceptual hash of the photo, 255 bits in 32 bytes; null where none is compared",
}

_FILES = 1024  # hashed at once


def ingest(
    adapter: Adapter[Any],
    settings: DataSettings,
    out: Path | str,
    wanted: Sequence[str] = (),
) -> None:
    """Ingest the data set under `settings.root` into the folder `out`.

    Args:
        adapter: of the data set.
        settings: the `data` section.
        out: the folder.
        wanted: splits that must have a face, of an unpaired set a photo and a drawing.

    Raises:
        SketchFaceError: if the data set cannot be read at all, no face of it can be used, or a
            wanted split stays empty.
    """
    planned = plan(adapter, settings)
    items, rejected = planned.items, planned.rejected
    digests = _digests(items)
    offered = Offered(
        settings=settings,
        count=len(items) + len(rejected),
        shared=sorted(adapter.shared_photos),
        labels={id: (split, None) for id, split in planned.lost.items()}
        | {item.id: (item.split, item.style) for item in items},
        seeded_from=planned.seeded_from,
        digests={item.id: _content(item, digests) for item in items if _content(item, digests)},
        kinds={item.id: item.kind for item in items},
        wanted=wanted,
        framing=_framing(adapter, items, settings),
    )
    run_shards(
        STAGE,
        _jobs(adapter, items, rejected, settings, digests),
        out,
        SCHEMA,
        (adapter.name, settings),
        "pipeline.faces.__main__",
        functools.partial(write_index, offered=offered, schema=SCHEMA),
    )


def ingest_shard(
    adapter: Adapter[Any],
    items: Sequence[Item],
    rejected: Sequence[Rejection],
    settings: DataSettings,
) -> Iterator[Row]:
    """Yield one shard's rows and quarantine rows as they are made; runs in a worker process."""
    cv2.setNumThreads(1)  # the workers share the cores among themselves
    yield from (quarantined(_printable(id), STAGE, _printable(why)) for id, why in rejected)
    for item in sorted(items, key=lambda item: item.id):
        try:
            yield _row(adapter, item, settings)
        except SketchFaceError as error:
            reason = _printable(reason_of(error, adapter, settings))
            yield quarantined(item.id, STAGE, reason)


def reason_of(error: SketchFaceError, adapter: Adapter[Any], settings: DataSettings) -> str:
    """Return why a face is left out: what was raised, with paths inside the data set's folder."""
    reason = str(error)
    for root in adapter.roots(settings).values():
        reason = reason.replace(f"{Path(root)}/", "")
    return reason


def read_aligned(
    adapter: Adapter[Any], item: Item, settings: DataSettings
) -> tuple[Face, np.ndarray, bytes | None]:
    """Read one face and bring it to its data set's framing.

    Returns:
        The face, `settings.size` a side; the (2, 3) transform, source pixels -> aligned pixels; and
        the photo file's own bytes, where they are the aligned photo.

    Raises:
        SketchFaceError: saying why it is left out.
    """
    size = settings.size
    origin = adapter.origin(item, settings)
    face = origin.adapter.read(origin.item, origin.settings)
    height, width = _shape(face, item)
    transform = _transform(origin, face.photo, (width, height), size)
    untouched = np.array_equal(transform, align.fit(size, size, size)) and width == height == size
    face = face if untouched else align_face(face, transform, size)
    unused: dict[str, Any] = dict.fromkeys(set(FACE_FIELDS) - origin.fields)
    face = dataclasses.replace(face, **unused)
    path = origin.item.files.get("photo") if untouched and face.photo is not None else None
    return face, transform, None if path is None else plain_bytes(path, size)


def align_face(face: Face, transform: np.ndarray, size: int) -> Face:
    """Return a face with all its pictures and landmarks under one transform, `size` x `size`."""

    def warped(warp: Any, field: np.ndarray | None) -> np.ndarray | None:
        return None if field is None else warp(field, transform, size)

    landmarks = face.landmarks
    if landmarks is not None:
        landmarks = align.transform_points(landmarks, transform)
    return Face(
        photo=warped(align.warp, face.photo),
        sketch=warped(align.warp, face.sketch),
        rough=warped(align.warp, face.rough),
        doodle=warped(align.warp, face.doodle),
        labels=warped(align.warp_labels, face.labels),
        landmarks=landmarks,
        visible=face.visible,
        depth=warped(align.warp_depth, face.depth),
        parameters=face.parameters,
        traits=face.traits,
    )


def _digests(items: Sequence[Item]) -> dict[Path, str]:
    """Hash all files of all items, each once."""
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
    """Return the hash that two copies of a face, or of a drawing, share; empty where unknown."""
    if item.content:
        return item.content
    sketch = item.files.get("sketch")
    path = sketch if item.kind == "drawing" else item.files.get("photo", sketch)
    return "" if path is None else digests[path]


def _jobs(
    adapter: Adapter[Any],
    items: Sequence[Item],
    rejected: Sequence[Rejection],
    settings: DataSettings,
    digests: Mapping[Path, str],
) -> list[ShardJob]:
    item_groups: dict[int, list[Item]] = defaultdict(list)
    rejected_groups: dict[int, list[Rejection]] = defaultdict(list)
    for item in items:
        item_groups[shard_of(item.id, settings.shards)].append(item)
    for id, reason in rejected:
        number = shard_of(_printable(id), settings.shards)
        rejected_groups[number].append((id, reason))
    return [
        ShardJob(
            number,
            _key(item_groups[number], rejected_groups[number], digests),
            ingest_shard,
            (adapter, item_groups[number], rejected_groups[number], settings),
        )
        for number in range(settings.shards)
    ]


def _key(items: Sequence[Item], rejected: Sequence[Rejection], digests: Mapping[Path, str]) -> str:
    """Hash what a shard is made from: its items' fields and the bytes of their files."""
    described = [
        (
            *(item.id, item.source, item.split, item.style, item.content, item.traits),
            [(field, str(path), digests[path]) for field, path in sorted(item.files.items())],
        )
        for item in items
    ]
    return hashlib.sha256(json.dumps([described, rejected]).encode()).hexdigest()


def _row(adapter: Adapter[Any], item: Item, settings: DataSettings) -> Row:
    face, transform, published = read_aligned(adapter, item, settings)
    compared = face.photo if settings.duplicate_distance >= 0 else None
    return {
        "id": item.id,
        "split": item.split,
        "style": item.style,
        "source": item.source,
        "traits": list(face.traits),
        "transform": transform.astype(np.float32).ravel().tolist(),
        "hash": None if compared is None else photo_hash(compared),
        **_cells(item.id, face, published),
    }


def _framing(
    adapter: Adapter[Any], items: Sequence[Item], settings: DataSettings
) -> align.Points | None:
    """Return where the photos of a data set, all of one origin, have eyes and mouth."""
    photo = next((item for item in items if item.kind != "drawing"), None)
    if photo is None:
        return None
    framing = adapter.origin(photo, settings).adapter.framing
    return None if framing is None else framing.points


def _cells(id: str, face: Face, published_photo: bytes | None) -> Row:
    """Encode a face's fields; `published_photo`: the publisher's bytes where they can stay."""
    landmarks, photo, visible = face.landmarks, published_photo, face.visible
    parameters = None if face.parameters is None else json.dumps(dict(face.parameters))
    if face.photo is not None and photo is None:
        photo = encode_jpeg(face.photo)
    ending = "png" if photo is not None and photo.startswith(b"\x89PNG") else "jpg"
    return {
        "photo": image_cell(photo, f"{id}.{ending}"),
        "sketch": image_cell(None if face.sketch is None else encode_png(face.sketch), f"{id}.png"),
        "rough": image_cell(None if face.rough is None else encode_png(face.rough), f"{id}.png"),
        "doodle": image_cell(None if face.doodle is None else encode_png(face.doodle), f"{id}.png"),
        "labels": image_cell(None if face.labels is None else encode_png(face.labels), f"{id}.png"),
        "depth": image_cell(None if face.depth is None else encode_depth(face.depth), f"{id}.png"),
        "landmarks": None if landmarks is None else landmarks.astype(np.float32).ravel().tolist(),
        "visible": None if visible is None else visible.tolist(),
        "parameters": parameters,
    }


def _shape(face: Face, item: Item) -> tuple[int, int]:
    """Return the height and width of all pictures of a face, whose labels must be known classes.

    Raises:
        SketchFaceError: if pictures differ in size, or a label is unknown.
    """
    if face.labels is not None and face.labels.max(initial=0) >= len(CLASSES):
        known = f"0 to {len(CLASSES) - 1}"
        raise SketchFaceError(f"{item.id}: label {face.labels.max()}; allowed: {known}; mend it")
    names = ("photo", "sketch", "rough", "doodle", "labels", "depth")
    pictures = {name: getattr(face, name) for name in names}
    shapes = {name: p.shape[:2] for name, p in pictures.items() if p is not None}
    if len(set(shapes.values())) == 1:
        return next(iter(shapes.values()))
    sizes = ", ".join(f"{name} {w} x {h}" for name, (h, w) in shapes.items()) or "none"
    raise SketchFaceError(f"{item.id}: pictures of different sizes ({sizes}); crop them alike")


def _transform(
    origin: Origin, photo: np.ndarray | None, extent: tuple[int, int], size: int
) -> np.ndarray:
    """Return the (2, 3) transform, source pixels -> aligned pixels, to the data set's framing.

    Raises:
        SketchFaceError: if it takes a face to align by, and the photo has none.
    """
    item, adapter = origin.item, origin.adapter
    framing = adapter.framing or align.PORTRAIT
    aligned = adapter.aligned or item.source in framing.native
    if (aligned or photo is None) and extent[0] == extent[1]:
        return align.fit(*extent, size)
    if photo is None:
        raise SketchFaceError(f"{item.id}: a drawing that is not square; pad or crop it")
    landmarks = find_face(_face_mesh(), photo)
    points: np.ndarray | None = framing.usual_points(item.source, *extent)
    if landmarks is not None:
        points = align.eyes_and_mouth(landmarks)
    if points is None:
        name = item.files["photo"].name
        raise SketchFaceError(f"{name}: no face found; crop it nearer to the face or remove it")
    return align.similarity(points, framing.target(size))


@functools.cache
def _face_mesh() -> Any:
    """Return this process's detector; imported here: only unaligned faces need MediaPipe."""
    from pipeline.landmarks.face_mesh import FaceMesh

    return FaceMesh()


def _printable(text: str) -> str:
    """Replace what UTF-8 cannot hold: file names need not be valid Unicode."""
    return text.encode("utf-8", "replace").decode()
