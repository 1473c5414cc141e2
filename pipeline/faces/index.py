"""What the `faces` stage says of itself once its shards are made: counts, losses, duplicates.

Every face that was offered is accounted for here, and faces that stand twice are brought into one
split.
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
from pipeline.datasets.base import SPLITS, DataSettings
from pipeline.faces.duplicates import Duplicates, find_duplicates
from pipeline.faces.splits import together
from sketchface_models.errors import SketchFaceError

FIELDS = ("photo", "sketch", "labels", "landmarks", "depth")
"""What a face may have; the columns of these names are null where it does not."""
LOST = pa.schema([*QUARANTINE, ("split", pa.string()), ("style", pa.int8())])
DUPLICATES = pa.schema(
    [
        ("id", pa.string()),
        ("group", pa.string()),  # the first id of those that are one photo
        ("split", pa.string()),
        ("twin", pa.string()),  # the one it is most like
        ("same_bytes", pa.bool_()),
        ("mirrored", pa.bool_()),
        ("distance", pa.int16()),  # bits in which the two hashes differ
    ]
)

Known = dict[str, tuple[str | None, int | None]]  # id -> split, style


@dataclass(frozen=True)
class Books:
    """What was known before any face was read.

    offered: number of faces and files. shared: ids of publisher's test faces whose photo also
    stands in train. known: every face of a known split. drawn: what seeded splits were drawn from,
    see `splits.together`. digests: id -> hash of the bytes it is read from. framing: where the
    photos have eyes and mouth; None where nobody measured it.
    """

    settings: DataSettings
    offered: int
    shared: Sequence[str]
    known: Known
    drawn: Mapping[str, str | None]
    digests: Mapping[str, str]
    framing: Points | None


def close(folder: Path, books: Books, schema: pa.Schema) -> None:
    """Settle the splits and add index, duplicates, quarantine and counts to a folder of shards.

    Raises:
        SketchFaceError: if no face was accepted.
    """
    left_out = read_quarantine(folder)
    rows = [row for path in shard_paths(folder) for row in read_rows(path, ["id", "split", "hash"])]
    if len(rows) + len(left_out) != books.offered:
        raise RuntimeError(
            f"{books.offered} offered, {len(rows)} accepted, {len(left_out)} quarantined"
        )
    if not rows:
        raise SketchFaceError(_nothing_left(books.settings, left_out))
    twice = find_duplicates(
        {row["id"]: row["hash"] for row in rows},
        {row["id"]: books.digests[row["id"]] for row in rows if row["id"] in books.digests},
        books.settings.duplicate_distance,
    )
    _move(folder, together(twice.groups, {r["id"]: r["split"] for r in rows}, books.drawn), schema)
    index = _index(folder)
    pq.write_table(index, folder / "index.parquet", compression="zstd")
    columns = index.to_pydict()
    split_of = dict(zip(columns["id"], columns["split"], strict=True))
    write_rows(folder / "quarantine.parquet", _lost(left_out, books.known, set(split_of)), LOST)
    write_rows(folder / "duplicates.parquet", _duplicate_rows(twice, split_of), DUPLICATES)
    summary = {
        "name": books.settings.name,
        "size": books.settings.size,
        "framing": books.framing,
        "offered": books.offered,
        "accepted": len(rows),
        "quarantined": len(left_out),
        "splits": {split: columns["split"].count(split) for split in SPLITS},
        "styles": _counts(style for style in columns["style"] if style is not None),
        "sources": _counts(columns["source"]),
        "fields": {field: sum(columns[field]) for field in FIELDS if any(columns[field])},
        # Test faces whose photo also stands in train: scored with and without them.
        "shared": [id for id in books.shared if id in split_of],
        "duplicates": _duplicate_counts(twice, split_of),
    }
    text = json.dumps(summary, indent=2) + "\n"
    (folder / "dataset.json").write_text(text, encoding="utf-8")


def _move(folder: Path, moved: Mapping[str, str], schema: pa.Schema) -> None:
    """Write the shards of moved faces again, with their new splits."""
    for path in shard_paths(folder) if moved else []:
        if not moved.keys().isdisjoint(row["id"] for row in read_rows(path, ["id"])):
            rows = (
                row | {"split": moved.get(row["id"], row["split"])} for row in stream_rows(path)
            )
            changed = path.with_suffix(".changed")
            write_rows(changed, rows, schema)
            changed.replace(path)


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
        # Of pictures the paths alone: whether there is one, not what it shows.
        inner = [f"{name}.path" if name != "landmarks" else name for name in FIELDS]
        table = pq.ParquetFile(path).read(columns=["id", "split", "style", "source", *inner])
        part = table.select(["id", "split", "style", "source"])
        part = part.append_column("shard", pa.array([int(path.stem)] * len(table), pa.int16()))
        for field in FIELDS:
            part = part.append_column(field, table[field].is_valid())
        parts.append(part.replace_schema_metadata(None))
    return pa.concat_tables(parts).sort_by("id")


def _duplicate_rows(twice: Duplicates, split_of: Mapping[str, str]) -> list[Row]:
    return [
        {
            "id": id,
            "group": group[0],
            "split": split_of[id],
            "twin": twice.twins[id].id,
            "same_bytes": twice.twins[id].same_bytes,
            "mirrored": twice.twins[id].mirrored,
            "distance": twice.twins[id].distance,
        }
        for group in twice.groups
        for id in group
    ]


def _duplicate_counts(twice: Duplicates, split_of: Mapping[str, str]) -> dict[str, int]:
    """Groups, faces in them, and groups of which a publisher's split tests a part alone.

    Validation is a part of training here: it is drawn from it.
    """
    splits: Iterator[set[str]] = ({split_of[id] for id in group} for group in twice.groups)
    return {
        "groups": len(twice.groups),
        "faces": sum(map(len, twice.groups)),
        "in_train_and_test": sum("test" in found and len(found) > 1 for found in splits),
    }


def _counts(values: Iterable[object]) -> dict[str, int]:
    return {str(value): count for value, count in sorted(Counter(values).items())}


def _nothing_left(settings: DataSettings, left_out: Sequence[Row]) -> str:
    where = f"data.root: {settings.root}"
    if not left_out:
        return f"{where}: holds no face that {settings.name} knows; point it at the data"
    # Reasons begin with the file's name: what follows it is what they have in common.
    kinds = Counter(row["reason"].partition(": ")[2] or row["reason"] for row in left_out)
    reason, count = kinds.most_common(1)[0]
    return f"{where}: none of {len(left_out)} faces can be used; {count} of them: {reason}"
