"""A `data` folder whose every picture tells whose it is, as the stages before `pack` write it.

A picture is 8 x 8 blocks of random values, drawn for (face, field) alone. Blocks of even size stay
exact when sizes are halved or doubled, so what must come out can be said without any resizing.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.common.edit_table import ABOUT_FILE
from pipeline.common.fields import DERIVED, DRAWN, FIELDS
from pipeline.common.images import encode_depth, encode_png
from pipeline.common.shards import IMAGE, QUARANTINE, image_cell, shard_name, shard_of, write_rows

SIZE = 64
SHARDS = 3
BLOCKS = 8
SPLITS = {"train": 7, "val": 2, "test": 8}
IDS = tuple(f"face-{number:02d}" for number in range(sum(SPLITS.values())))
# Interleaved, as in a real index, which is sorted by id.
SPLIT = dict(
    zip(
        IDS,
        np.random.default_rng(5).permutation(np.repeat(list(SPLITS), list(SPLITS.values()))),
        strict=True,
    )
)
STYLE = {id: 1 + number % 3 for number, id in enumerate(IDS)}
TRAIT = {id: f"pose {'turned' if number % 2 else 'frontal'}" for number, id in enumerate(IDS)}
TRAIN, TEST = (tuple(id for id in IDS if SPLIT[id] == split) for split in ("train", "test"))


Pictures = Mapping[tuple[str, str], np.ndarray]
"""(Face, field) -> (C, SIZE, SIZE) uint8."""


def block_values(id: str, field: str) -> np.ndarray:
    """(C, 8, 8) uint8 that nothing else in the data has; labels stay below 19."""
    draw = np.random.default_rng([IDS.index(id), list(FIELDS).index(field)])
    highest = 19 if field == "parsing" else 256
    shape = (FIELDS[field].channels, BLOCKS, BLOCKS)
    return draw.integers(0, highest, shape).astype(np.uint8)


def face_picture(id: str, field: str, size: int = SIZE) -> np.ndarray:
    """(C, size, size) uint8: what a pack or a reader must hold of this face."""
    return np.kron(block_values(id, field), np.ones((1, size // BLOCKS, size // BLOCKS), np.uint8))


def pictures_of(ids: tuple[str, ...], field: str, size: int = SIZE) -> np.ndarray:
    return np.stack([face_picture(id, field, size) for id in ids])


def encoded(id: str, field: str, pictures: Pictures | None = None) -> bytes:
    """The picture as a stage would store it."""
    picture = (pictures or {}).get((id, field), face_picture(id, field))
    if field == "depth":
        return encode_depth(picture[0] / 255)
    return encode_png(picture[0] if len(picture) == 1 else np.moveaxis(picture, 0, 2))


def landmarks_of(id: str) -> np.ndarray:
    """(68, 2) points somewhere in the picture."""
    return np.random.default_rng(IDS.index(id)).uniform(4, SIZE - 4, (68, 2))


def write_tables(
    data: Path,
    lacking: dict[str, list[str]] | None = None,
    swap: dict[str, str] | None = None,
    pictures: Pictures | None = None,
    with_rough: Collection[str] = (),
) -> Path:
    """All five stages' folders, and a table of edits that has none.

    lacking: field -> faces that have no picture of it. swap: id -> whose pictures it has instead
    of its own. pictures: those that are not the usual ones. with_rough: faces whose rough
    lines are the data set's own, and not made from the sketch.
    """
    lacking, swap = lacking or {}, swap or {}
    for stage in {field.stage for field in FIELDS.values()}:
        names = [name for name, field in FIELDS.items() if field.stage == stage]
        schema = pa.schema(
            [
                ("id", pa.string()),
                ("split", pa.string()),
                *((FIELDS[name].column, IMAGE) for name in names),
                *([("lines_from", pa.string())] if "lines" in names else []),
            ]
        )
        for number in range(SHARDS):
            rows = [
                {"id": id, "split": SPLIT[id]}
                | (
                    {"lines_from": DRAWN if id in with_rough else DERIVED}
                    if "lines" in names
                    else {}
                )
                | {
                    FIELDS[name].column: image_cell(
                        encoded(swap.get(id, id), name, pictures), f"{id}.png"
                    )
                    for name in names
                    if id not in lacking.get(name, ())
                }
                for id in IDS
                if shard_of(id, SHARDS) == number
            ]
            write_rows(data / stage / "shards" / shard_name(number), rows, schema)
        write_rows(data / stage / "quarantine.parquet", [], QUARANTINE)
    schema = pa.schema([("id", pa.string()), ("points", pa.list_(pa.float32()))])
    for number in range(SHARDS):
        own = [id for id in IDS if shard_of(id, SHARDS) == number]
        rows = [{"id": id, "points": landmarks_of(id).ravel().tolist()} for id in own]
        write_rows(data / "landmarks" / "shards" / shard_name(number), rows, schema)
    index = {"id": IDS, "split": [SPLIT[id] for id in IDS], "style": [STYLE[id] for id in IDS]}
    index |= {"source": ["made" for _ in IDS], "traits": [[TRAIT[id]] for id in IDS]}
    pq.write_table(pa.table(index), data / "faces" / "index.parquet")
    about = {"name": "made", "size": SIZE, "shared": [TEST[0]], "splits": SPLITS}
    (data / "faces" / "dataset.json").write_text(json.dumps(about))
    (data / "edits").mkdir(exist_ok=True)
    (data / "edits" / ABOUT_FILE).write_text(json.dumps({"note": "there are none"}))
    return data
