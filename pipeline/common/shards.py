"""Sharded Parquet tables keyed by `id`: what travels between stages.

A stage's folder holds

    shards/0000.parquet ...  the rows, sorted by id; a face's shard depends on its id alone
    quarantine.parquet       what was left out: id, stage, reason

Images are encoded bytes in the `{bytes, path}` convention of Hugging Face `datasets`. DVC hashes
a few hundred such files in the time that it takes to list 70,000 loose ones. They are read and
written a row group at a time (`stream_rows`, and work that yields its rows), so that memory does
not grow with the number of faces.

The bytes that `write_rows` makes of rows, and the number that `shard_of` gives an id, are part of
every stage's result: DVC hashes the files. Whoever changes them changes all stages' outputs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sketchface_models.errors import SketchFaceError

Row = dict[str, Any]


class QuarantineRow(Row):
    """A quarantine row among the rows that a shard's work yields."""


IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
QUARANTINE = pa.schema([("id", pa.string()), ("stage", pa.string()), ("reason", pa.string())])
QUARANTINE_COLUMNS = {
    "id": "face that was left out",
    "stage": "stage that left it out",
    "reason": "why, in one line",
}
GROUP = 64
"""Rows that are in memory at a time."""


def image_cell(data: bytes | None, path: str) -> dict[str, Any] | None:
    """Return encoded image bytes as a cell of an `IMAGE` column (None stays None)."""
    return None if data is None else {"bytes": data, "path": path}


def quarantined(id: str, stage: str, reason: str) -> QuarantineRow:
    """Return a quarantine row: the face or file, the stage that left it out, and why (one line)."""
    return QuarantineRow(id=id, stage=stage, reason=" ".join(str(reason).split()))


def shard_of(id: str, shards: int) -> int:
    """Return the number of the shard that holds a face, which depends on its id alone."""
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") % shards


def shard_name(number: int) -> str:
    """Return the file name of a shard inside `shards/`."""
    return f"{number:04d}.parquet"


def write_rows(path: Path, rows: Iterable[Row], schema: pa.Schema) -> int:
    """Write rows as one Parquet file that Hugging Face `datasets` can read; return their number.

    A sequence is sorted by id here; an iterator must already yield its rows in that order.
    """
    features = {field.name: {"_type": "Image"} for field in schema if field.type == IMAGE}
    if features:
        info = json.dumps({"info": {"features": _hf_features(schema)}})
        schema = schema.with_metadata({"huggingface": info})
    remaining = iter(sorted(rows, key=_id) if isinstance(rows, Sequence) else _in_order(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    # The bytes are compressed images already; zstd takes the repetitive rest.
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while (group := list(islice(remaining, GROUP))) or not written:
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            if not group:  # an empty table has one empty group
                break
            written += len(group)
    return written


def _id(row: Row) -> str:
    id: str = row["id"]
    return id


def _in_order(rows: Iterable[Row]) -> Iterator[Row]:
    last = ""
    for row in rows:
        if row["id"] < last:
            raise RuntimeError(f"{row['id']} came after {last}")
        last = row["id"]
        yield row


def read_rows(path: Path, columns: Sequence[str] | None = None) -> list[Row]:
    """Return all rows of one Parquet file.

    Raises:
        SketchFaceError: if the file is missing or not a whole Parquet file.
    """
    try:
        return pq.read_table(path, columns=list(columns) if columns else None).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise SketchFaceError(f"{path}: not a readable Parquet shard ({error})") from None


def stream_rows(
    path: Path, columns: Sequence[str] | None = None, arrays: bool = False
) -> Iterator[Row]:
    """Yield the rows of one Parquet file in order, with `GROUP` of them in memory at a time.

    Args:
        path: the file.
        columns: to read; None for all.
        arrays: return lists of numbers as read-only arrays, which is twenty times faster for a
            mesh.

    Raises:
        SketchFaceError: if the file is missing or not a whole Parquet file.
    """
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(GROUP, columns=list(columns) if columns else None):
                yield from _with_arrays(batch) if arrays else batch.to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise SketchFaceError(f"{path}: not a readable Parquet shard ({error})") from None


def _with_arrays(batch: pa.RecordBatch) -> list[Row]:
    lists = [field.name for field in batch.schema if pa.types.is_list(field.type)]
    rows: list[Row] = batch.drop_columns(lists).to_pylist()
    for name in lists:
        column = batch[name]
        values, ends = column.values.to_numpy(zero_copy_only=False), column.offsets.to_pylist()
        for row, valid, bounds in zip(rows, column.is_valid(), pairwise(ends), strict=True):
            row[name] = values[slice(*bounds)] if valid.as_py() else None
    return rows


def shard_paths(folder: Path | str) -> list[Path]:
    """Return the shards of a stage's folder, in order.

    Raises:
        SketchFaceError: if there are none.
    """
    paths = sorted(Path(folder, "shards").glob("*.parquet"))
    if not paths:
        raise SketchFaceError(f"{folder}: no shards in it; run the stage that writes it first")
    return paths


def iter_rows(folder: Path | str, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """Yield every row of a stage's folder, shard by shard, with a row group in memory at a time."""
    for path in shard_paths(folder):
        yield from stream_rows(path, columns)


def ids_of(path: Path) -> list[str]:
    """Return the ids of the rows of a shard."""
    ids: list[str] = pq.read_table(path, columns=["id"])["id"].to_pylist()
    return ids


def ids_with(path: Path, column: str) -> set[str]:
    """Return the ids of the rows whose image `column` is not null, without reading any image."""
    table = pq.ParquetFile(path).read(columns=["id", f"{column}.path"])
    return set(table["id"].filter(table[column].is_valid()).to_pylist())


def read_quarantine(folder: Path | str) -> list[Row]:
    """Return the quarantine rows of a stage's folder."""
    path = Path(folder, "quarantine.parquet")
    return read_rows(path) if path.exists() else []


def file_hash(path: Path | str) -> str:
    """Return the SHA-256 (hex) of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hf_features(schema: pa.Schema) -> dict[str, Any]:
    def feature(kind: pa.DataType) -> Any:
        if kind == IMAGE:
            return {"_type": "Image"}
        if pa.types.is_list(kind):
            return {"feature": feature(kind.value_type), "_type": "List"}
        names = {"float": "float32", "double": "float64"}
        return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}

    return {field.name: feature(field.type) for field in schema}
