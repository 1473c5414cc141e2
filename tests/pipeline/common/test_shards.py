"""Sharded tables: their bytes, their order, and what reading them needs in memory."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_shards import SCHEMA, row
from PIL import Image

from pipeline.common.shards import (
    ids_of,
    ids_with,
    image_cell,
    read_quarantine,
    read_rows,
    shard_of,
    shard_paths,
    stream_rows,
    write_rows,
)
from sketchface_models.errors import SketchFaceError


def test_a_face_stays_in_its_shard_whoever_else_is_there():
    ids = [f"face-{i}" for i in range(2000)]
    numbers = [shard_of(id, 16) for id in ids]
    assert set(numbers) == set(range(16))
    assert max(numbers.count(n) for n in range(16)) < 2 * 2000 / 16
    assert [shard_of("face-0", 16), shard_of("face-1", 16), shard_of("face-2", 9999)] == [
        15,
        0,
        3963,
    ]


def test_images_carry_the_metadata_that_hugging_face_reads(tmp_path: Path):
    write_rows(tmp_path / "a.parquet", [row("a", 9)], SCHEMA)
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert json.loads(schema.metadata[b"huggingface"])["info"]["features"] == {
        "id": {"dtype": "string", "_type": "Value"},
        "photo": {"_type": "Image"},
        "points": {"feature": {"dtype": "float32", "_type": "Value"}, "_type": "List"},
        "depth": {"dtype": "float64", "_type": "Value"},
        "style": {"dtype": "int64", "_type": "Value"},
    }
    (cell,) = pq.read_table(tmp_path / "a.parquet")["photo"].to_pylist()
    assert np.array_equal(Image.open(io.BytesIO(cell["bytes"])), np.full((4, 4, 3), 9))


def test_equal_rows_give_equal_bytes_in_any_order(tmp_path: Path):
    rows = [row(f"f{i}", i) for i in range(5)]
    write_rows(tmp_path / "a.parquet", rows, SCHEMA)
    write_rows(tmp_path / "b.parquet", rows[::-1], SCHEMA)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_rows_that_come_one_by_one_make_the_same_file(tmp_path: Path):
    """And it is the file that pyarrow writes of all of them at once."""
    for count in (0, 1, 64, 65, 200):
        rows = [row(f"f{i:03d}", i % 7) for i in range(count)]
        assert write_rows(tmp_path / "a.parquet", rows, SCHEMA) == count
        assert write_rows(tmp_path / "b.parquet", iter(rows), SCHEMA) == count
        assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
        features = pq.read_schema(tmp_path / "a.parquet").metadata[b"huggingface"]
        schema = SCHEMA.with_metadata({"huggingface": features})
        table = pa.Table.from_pylist(rows, schema=schema)
        pq.write_table(table, tmp_path / "c.parquet", compression="zstd", row_group_size=64)
        assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "c.parquet").read_bytes()
        assert list(stream_rows(tmp_path / "a.parquet")) == rows
        assert ids_of(tmp_path / "a.parquet") == [row["id"] for row in rows]
    with pytest.raises(RuntimeError, match="a came after b"):
        write_rows(tmp_path / "d.parquet", iter([row("b"), row("a")]), SCHEMA)


def test_rows_are_read_a_group_at_a_time(tmp_path: Path):
    path = tmp_path / "a.parquet"
    write_rows(path, [row(f"f{i:03d}") for i in range(200)], SCHEMA)
    data = bytearray(path.read_bytes())
    middle = pq.ParquetFile(path).metadata.row_group(2).column(0).data_page_offset
    data[middle : middle + 200] = b"x" * 200
    path.write_bytes(data)
    rows = stream_rows(path, ["id"])
    assert [next(rows)["id"] for _ in range(128)] == [f"f{i:03d}" for i in range(128)]
    with pytest.raises(SketchFaceError, match=r"a\.parquet: not a readable Parquet shard"):
        list(rows)


def test_a_missing_picture_stays_missing(tmp_path: Path):
    assert image_cell(None, "x.png") is None
    write_rows(tmp_path / "a.parquet", [row("a") | {"photo": None}], SCHEMA)
    write_rows(tmp_path / "b.parquet", [row("a"), row("b") | {"photo": None}, row("c")], SCHEMA)
    assert read_rows(tmp_path / "a.parquet")[0]["photo"] is None
    assert ids_with(tmp_path / "b.parquet", "photo") == {"a", "c"}


def test_unreadable_tables_are_named(tmp_path: Path):
    path = tmp_path / "a.parquet"
    with pytest.raises(SketchFaceError, match=r"a\.parquet: not a readable Parquet shard"):
        read_rows(path)
    write_rows(path, [row("a")], SCHEMA)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SketchFaceError, match=r"a\.parquet: not a readable Parquet shard"):
        read_rows(path)
    with pytest.raises(SketchFaceError, match="no shards in it; run the stage that writes it"):
        shard_paths(tmp_path)
    assert read_quarantine(tmp_path) == []


def test_lists_stream_as_arrays(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("mesh", pa.list_(pa.float32())), ("n", pa.int8())])
    rows = [
        {"id": f"{n:03d}", "mesh": None if n % 7 == 3 else [n + 0.5] * (n % 5), "n": n % 3}
        for n in range(150)  # several row groups, with empty lists and none
    ]
    write_rows(tmp_path / "a.parquet", rows, schema)
    streamed = list(stream_rows(tmp_path / "a.parquet", ["id", "mesh", "n"], arrays=True))
    assert all(row["mesh"] is None or row["mesh"].dtype == np.float32 for row in streamed)
    plain = [
        row | {"mesh": None if row["mesh"] is None else row["mesh"].tolist()} for row in streamed
    ]
    assert plain == rows
