"""The tables beside the shards of the `faces` stage: index, quarantine, duplicates and counts.

Every face offered is accepted or quarantined, and counted here; copies of one photo are brought
into one split.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from face_geometry.align import Points
from pipeline.common.shards import (
    QUARANTINE,
    Row,
    read_quarantine,
    read_rows,
    shard_paths,
    stream_rows,
    write_rows,
)
from pipeline.datasets.base import FACE_FIELDS, SPLITS, DataSettings
from pipeline.faces.duplicates import Duplicates, find_duplicates
from pipeline.faces.splits import together
from pipeline.faces.whole_sets import check_any, check_splits

INDEX_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("style", pa.int8()),
        ("source", pa.string()),
        ("shard", pa.int16()),
        ("traits", pa.list_(pa.string())),
        *((field, pa.bool_()) for field in FACE_FIELDS),
    ]
)
INDEX_COLUMNS = {
    "id": "key of the face in every table",
    "split": "train, val or test",
    "style": "drawing style, counted from 1; null where unknown",
    "source": "part of the data set that the face comes from",
    "shard": "number of the file in shards/ that holds its row",
    "traits": "what is known of the face beside style and source, such as `pose turned`",
    **{field: f"whether the face has its data set's own {field}" for field in FACE_FIELDS},
}
QUARANTINE_SCHEMA = pa.schema([*QUARANTINE, ("split", pa.string()), ("style", pa.int8())])
QUARANTINE_COLUMNS = {
    "id": "face or file that was left out",
    "stage": "stage that left it out: faces",
    "reason": "why, in one line",
    "split": "split of a face that is missing from it; null for files, and for repeated ids",
    "style": "drawing style, counted from 1; null where unknown",
}
DUPLICATES_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("group", pa.string()),
        ("split", pa.string()),
        ("twin", pa.string()),
        ("same_bytes", pa.bool_()),
        ("mirrored", pa.bool_()),
        ("distance", pa.int16()),
    ]
)
DUPLICATES_COLUMNS = {
    "id": "a face whose photo occurs more than once",
    "group": "first id of the faces with that photo",
    "split": "train, val or test",
    "twin": "id of the photo that is most like it",
    "same_bytes": "whether the two are equal byte for byte",
    "mirrored": "whether the two are nearer when one is mirrored",
    "distance": "bits in which their hashes differ, 0 to 255",
}

Labels = dict[str, tuple[str | None, int | None]]
"""id -> split and style, None where unknown."""


@dataclass(frozen=True)
class Offered:
    """What is known of a data set before any face is read.

    count: number of faces and files. shared: ids of publisher's test faces whose photo also stands
    in train. labels: of every face of a known split. seeded_from: see `splits.together`. digests:
    id -> hash of the bytes it is read from. kinds: id -> `Item.kind`. wanted: splits that must have
    a face of each kind. framing: where the photos have eyes and mouth; None where that was not
    measured.
    """

    settings: DataSettings
    count: int
    shared: Sequence[str]
    labels: Labels
    seeded_from: Mapping[str, str | None]
    digests: Mapping[str, str]
    kinds: Mapping[str, str]
    wanted: Sequence[str]
    framing: Points | None


def write_index(folder: Path, offered: Offered, schema: pa.Schema) -> None:
    """Settle the splits and add index, duplicates, quarantine and counts to a folder of shards.

    Raises:
        SketchFaceError: if no face was accepted, or none in a wanted split.
    """
    quarantine = read_quarantine(folder)
    rows = [row for path in shard_paths(folder) for row in read_rows(path, ["id", "split", "hash"])]
    if len(rows) + len(quarantine) != offered.count:
        raise RuntimeError(
            f"{offered.count} offered, {len(rows)} accepted, {len(quarantine)} quarantined"
        )
    check_any(rows, offered.settings, [row["reason"] for row in quarantine])
    duplicates = find_duplicates(
        {row["id"]: row["hash"] for row in rows},
        {row["id"]: offered.digests[row["id"]] for row in rows if row["id"] in offered.digests},
        offered.settings.duplicate_distance,
    )
    splits = {row["id"]: row["split"] for row in rows}
    changes = together(duplicates.groups, splits, offered.seeded_from)
    check_splits(
        [(offered.kinds[id], split) for id, split in (splits | changes).items()],
        offered.settings,
        offered.wanted,
        duplicates.note(offered.settings.duplicate_distance) if changes else "",
    )
    _change_splits(folder, changes, schema)
    index = _index(folder)
    pq.write_table(index, folder / "index.parquet", compression="zstd")
    columns = index.to_pydict()
    splits = dict(zip(columns["id"], columns["split"], strict=True))
    quarantine = _labelled(quarantine, offered.labels, set(splits))
    write_rows(folder / "quarantine.parquet", quarantine, QUARANTINE_SCHEMA)
    write_rows(
        folder / "duplicates.parquet", _duplicate_rows(duplicates, splits), DUPLICATES_SCHEMA
    )
    summary = {
        "name": offered.settings.name,
        "size": offered.settings.size,
        "framing": offered.framing,
        "offered": offered.count,
        "accepted": len(rows),
        "quarantined": len(quarantine),
        "splits": {split: columns["split"].count(split) for split in SPLITS},
        "styles": _counts(style for style in columns["style"] if style is not None),
        "sources": _counts(columns["source"]),
        "fields": {field: sum(columns[field]) for field in FACE_FIELDS if any(columns[field])},
        # Test faces whose photo also stands in train: scored with and without them.
        "shared": [id for id in offered.shared if id in splits],
        "duplicates": _duplicate_counts(duplicates, splits),
    }
    text = json.dumps(summary, indent=2) + "\n"
    (folder / "dataset.json").write_text(text, encoding="utf-8")


def _change_splits(folder: Path, changes: Mapping[str, str], schema: pa.Schema) -> None:
    """Write the shards of faces with another split again."""
    for path in shard_paths(folder) if changes else []:
        if not changes.keys().isdisjoint(row["id"] for row in read_rows(path, ["id"])):
            rows = (
                row | {"split": changes.get(row["id"], row["split"])} for row in stream_rows(path)
            )
            changed = path.with_suffix(".changed")
            write_rows(changed, rows, schema)
            changed.replace(path)


def _labelled(quarantine: Sequence[Row], labels: Labels, accepted: set[str]) -> list[Row]:
    """Return the quarantine rows with split and style, each face's once.

    They are null for what is no face of a split, and for a second row of one id: so whoever scores
    a split can count what is missing from it.
    """
    missing = {id: label for id, label in labels.items() if id not in accepted}
    rows = []
    for row in quarantine:
        split, style = missing.pop(row["id"], (None, None))
        rows.append(row | {"split": split, "style": style})
    return rows


def _index(folder: Path) -> pa.Table:
    """Return the index of a folder of shards, sorted by id (`INDEX_SCHEMA`)."""
    parts = []
    for path in shard_paths(folder):
        # Of pictures the paths alone: whether there is one, not what it shows.
        inner = [f"{name}.path" if name != "landmarks" else name for name in FACE_FIELDS]
        own = ["id", "split", "style", "source", "traits"]
        table = pq.ParquetFile(path).read(columns=[*own, *inner])
        part = table.select(["id", "split", "style", "source"])
        part = part.append_column("shard", pa.array([int(path.stem)] * len(table), pa.int16()))
        part = part.append_column("traits", table["traits"])
        for field in FACE_FIELDS:
            part = part.append_column(field, table[field].is_valid())
        parts.append(part.replace_schema_metadata(None).cast(INDEX_SCHEMA))
    return pa.concat_tables(parts).sort_by("id")


def _duplicate_rows(duplicates: Duplicates, splits: Mapping[str, str]) -> list[Row]:
    return [
        {
            "id": id,
            "group": group[0],
            "split": splits[id],
            "twin": duplicates.twins[id].id,
            "same_bytes": duplicates.twins[id].same_bytes,
            "mirrored": duplicates.twins[id].mirrored,
            "distance": duplicates.twins[id].distance,
        }
        for group in duplicates.groups
        for id in group
    ]


def _duplicate_counts(duplicates: Duplicates, splits: Mapping[str, str]) -> dict[str, int]:
    """Return the numbers of groups, of faces in them, and of groups in train and test alike.

    Validation counts as training here, of which it is a part.
    """
    split_sets: Iterator[set[str]] = ({splits[id] for id in group} for group in duplicates.groups)
    return {
        "groups": len(duplicates.groups),
        "faces": sum(map(len, duplicates.groups)),
        "in_train_and_test": sum("test" in names and len(names) > 1 for names in split_sets),
    }


def _counts(values: Iterable[object]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}
