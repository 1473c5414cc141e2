"""Sharded Parquet tables keyed by `id`: what travels between stages.

A stage's folder holds

    shards/0000.parquet ...  the rows, sorted by id; a face's shard depends on its id alone
    quarantine.parquet       what was left out: id, stage, reason

Images are encoded bytes in the `{bytes, path}` convention of Hugging Face `datasets`. DVC hashes
a few hundred such files in the time that it takes to list 70,000 loose ones. They are read and
written a row group at a time (`stream_rows`, and work that yields its rows), so that memory does
not grow with the number of faces.

`run_shards` is the one loop all data stages share: parallel over shards, with a progress bar, and
each finished shard kept in `.cache/shards` (by hash of its input, parameters and code) so that a
stage that was killed, or whose data grew, redoes only what it must.

The bytes that `write_rows` makes of rows, and the number that `shard_of` gives an id, are part of
every stage's result: DVC hashes the files. Whoever changes them changes all stages' outputs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import joblib
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from pipeline.common.code_hash import code_hash
from pipeline.common.parallel import pool
from sketchface_models.atomic import atomic_dir, atomic_file
from sketchface_models.errors import SketchFaceError

Row = dict[str, Any]


class LeftOut(Row):
    """A quarantine row among the rows that a shard's work yields."""


Result = tuple[Sequence[Row], Sequence[Row]] | Iterator[Row]
"""What a shard's work gives: its rows and its quarantine rows; or one after the other, in the
order of their ids, as it makes them."""

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
LOCK = "lock"
QUARANTINE = pa.schema([("id", pa.string()), ("stage", pa.string()), ("reason", pa.string())])
GROUP = 64
"""Rows that are in memory at a time."""


def image_cell(data: bytes | None, path: str) -> dict[str, Any] | None:
    """Encoded image bytes as a cell of an `IMAGE` column (None stays None)."""
    return None if data is None else {"bytes": data, "path": path}


def quarantined(id: str, stage: str, reason: str) -> LeftOut:
    """A quarantine row: which face or file, which stage left it out, and why in one line."""
    return LeftOut(id=id, stage=stage, reason=" ".join(str(reason).split()))


def shard_of(id: str, shards: int) -> int:
    """The shard a face lives in: a function of its id alone."""
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") % shards


def shard_name(number: int) -> str:
    """File name of a shard inside `shards/`."""
    return f"{number:04d}.parquet"


def write_rows(path: Path, rows: Iterable[Row], schema: pa.Schema) -> int:
    """Write rows as one Parquet file that Hugging Face `datasets` reads too; their number.

    A sequence is sorted by id; rows that come one after the other must come in that order.
    """
    features = {field.name: {"_type": "Image"} for field in schema if field.type == IMAGE}
    if features:
        info = json.dumps({"info": {"features": _hf_features(schema)}})
        schema = schema.with_metadata({"huggingface": info})
    waiting = iter(sorted(rows, key=_id) if isinstance(rows, Sequence) else _in_order(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    # The bytes are compressed images already; zstd takes the repetitive rest.
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while (group := list(islice(waiting, GROUP))) or not written:
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
    """All rows of one Parquet file.

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
    """The rows of one Parquet file in order, `GROUP` of them in memory at a time.

    arrays: lists of numbers come as read-only arrays, which a mesh is read as twenty times faster.

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
        for row, there, part in zip(rows, column.is_valid(), pairwise(ends), strict=True):
            row[name] = values[slice(*part)] if there.as_py() else None
    return rows


def shard_paths(folder: Path | str) -> list[Path]:
    """The shards of a stage's folder, in order.

    Raises:
        SketchFaceError: if there are none.
    """
    paths = sorted(Path(folder, "shards").glob("*.parquet"))
    if not paths:
        raise SketchFaceError(f"{folder}: no shards in it; run the stage that writes it first")
    return paths


def iter_rows(folder: Path | str, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """Every row of a stage's folder, in order of shards, a row group in memory at a time."""
    for path in shard_paths(folder):
        yield from stream_rows(path, columns)


def ids_of(path: Path) -> list[str]:
    """Ids of the rows of a shard."""
    ids: list[str] = pq.read_table(path, columns=["id"])["id"].to_pylist()
    return ids


def ids_with(path: Path, column: str) -> set[str]:
    """Ids of the rows of a shard whose picture `column` is not null, without reading pictures."""
    table = pq.ParquetFile(path).read(columns=["id", f"{column}.path"])
    return set(table["id"].filter(table[column].is_valid()).to_pylist())


def read_quarantine(folder: Path | str) -> list[Row]:
    """The quarantine rows of a stage's folder."""
    path = Path(folder, "quarantine.parquet")
    return read_rows(path) if path.exists() else []


@dataclass(frozen=True)
class ShardJob:
    """One shard's work: `work(*arguments)` gives its rows and quarantine rows (`Result`).

    `key` names the bytes of the inputs; equal keys under equal parameters and code mean equal
    results.
    """

    number: int
    key: str
    work: Callable[..., Result]
    arguments: tuple[Any, ...]


def run_shards(
    stage: str,
    jobs: Sequence[ShardJob],
    out: Path | str,
    schema: pa.Schema,
    parameters: object,
    module: str,
    finish: Callable[[Path], None] | None = None,
) -> None:
    """Run all jobs and write `out` atomically.

    Args:
        stage: name shown on the progress bar and used as the folder in the shard store.
        jobs: one per shard.
        out: the stage's folder.
        schema: of the rows.
        parameters: anything with a stable `repr` that the results depend on.
        module: the stage's module name; its import closure is part of the store's key.
        finish: called with the folder before it takes its place, to add files of its own.
    """
    store = Path(os.environ.get("DVC_ROOT", "."), ".cache", "shards", stage)
    context = f"{parameters!r}\0{code_hash(module)}\0{schema}"
    bases = {
        job.number: store / hashlib.sha256(f"{job.key}\0{context}".encode()).hexdigest()
        for job in jobs
    }
    with _locked(store):
        _finish_missing(stage, jobs, bases, schema, module)
        clear_remains(Path(out))
        with atomic_dir(out) as folder:
            (folder / "shards").mkdir()
            left_out: list[Row] = []
            for number, base in bases.items():
                finished = base.with_suffix(".parquet")
                shutil.copyfile(finished, folder / "shards" / shard_name(number))
                left_out += json.loads(base.with_suffix(".done").read_text())
            write_rows(folder / "quarantine.parquet", left_out, QUARANTINE)
            if finish:
                finish(folder)
        _prune(store, keep={base.name for base in bases.values()})


def map_shards(
    stage: str,
    inputs: Sequence[Path | str],
    work: Callable[..., Result],
    out: Path | str,
    schema: pa.Schema,
    parameters: object,
    module: str,
    finish: Callable[[Path], None] | None = None,
    also: Callable[[tuple[Path, ...]], object] | None = None,
) -> None:
    """`run_shards` over the shards of the folders `inputs` (same numbering).

    For each shard `work(paths, parameters)` is called, `paths` being one file per folder, in the
    order of `inputs`. Work that reads other files too is called with `also(paths)` as well, whose
    `repr` must name their bytes.
    """
    jobs = []
    for first in shard_paths(inputs[0]):
        paths = tuple(Path(folder, "shards", first.name) for folder in inputs)
        more = (also(paths),) if also else ()
        named = "".join([*map(file_hash, paths), *map(repr, more)])
        key = hashlib.sha256(named.encode()).hexdigest()
        jobs.append(ShardJob(int(first.stem), key, work, (paths, parameters, *more)))
    run_shards(stage, jobs, out, schema, parameters, module, finish)


def file_hash(path: Path | str) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class _Home:
    """Where a stage was started, for the processes that work for it elsewhere."""

    process: tuple[str, int]
    folder: Path
    module: str
    code: str

    @classmethod
    def of(cls, module: str) -> _Home:
        return cls((platform.node(), os.getpid()), Path.cwd(), module, code_hash(module))


def _finish_missing(
    stage: str, jobs: Sequence[ShardJob], bases: dict[int, Path], schema: pa.Schema, module: str
) -> None:
    """Run, in parallel, the jobs whose shards are not in the store yet."""
    missing = [job for job in jobs if not bases[job.number].with_suffix(".done").exists()]
    home = _Home.of(module)
    tasks = (joblib.delayed(_finish_shard)(job, bases[job.number], schema, home) for job in missing)
    bar = tqdm(
        total=len(jobs),
        initial=len(jobs) - len(missing),
        desc=stage,
        unit="shard",
        dynamic_ncols=True,
        disable=None,  # no bar where nobody watches
    )
    start, faces = time.monotonic(), 0
    with bar, pool(len(missing)) as parallel:
        for count in parallel(tasks):
            faces += count
            rate = faces / max(time.monotonic() - start, 1e-9)
            bar.set_postfix_str(f"{rate:.1f} faces/s", refresh=False)
            bar.update()
    for job in missing:
        if not bases[job.number].with_suffix(".done").exists():
            raise SketchFaceError(
                f"{bases[job.number].parent}: a worker finished shard {job.number}, but it is not "
                "here; start the workers where they share this folder"
            )


_one_shard = threading.Lock()
"""A worker with several threads takes its shards in turn: detectors are no good to two at once."""


def _finish_shard(job: ShardJob, base: Path, schema: pa.Schema, home: _Home) -> int:
    """Work on one shard and store it; the number of faces that it offered."""
    with _one_shard:
        if home.process != (platform.node(), os.getpid()):
            _settle(home)
        left_out: list[Row] = []
        with atomic_file(base.with_suffix(".parquet")) as path:
            written = write_rows(path, _sifted(job.work(*job.arguments), left_out), schema)
        # Written last: only a shard with this file counts as finished.
        with atomic_file(base.with_suffix(".done")) as path:
            path.write_text(json.dumps(left_out))
    return written + len(left_out)


def _sifted(result: Result, left_out: list[Row]) -> Iterable[Row]:
    """The rows of a shard, to be written; its quarantine rows are added to `left_out`."""
    if isinstance(result, tuple):
        left_out += result[1]
        return result[0]
    return _kept(result, left_out)


def _kept(result: Iterable[Row], left_out: list[Row]) -> Iterator[Row]:
    for row in result:
        if isinstance(row, LeftOut):
            left_out.append(row)
        else:
            yield row


def _settle(home: _Home) -> None:
    """Make this worker process work as the stage's own process would, on one core.

    joblib sees to BLAS and OpenMP, and MediaPipe's graph has nothing to do at the same time.

    Raises:
        SketchFaceError: if it runs other code than the stage.
    """
    os.chdir(home.folder)
    cv2.setNumThreads(1)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    # Hashed once in a process, with its first shard: what it goes on running after an edit.
    if code_hash(home.module) != home.code:
        raise SketchFaceError(
            f"the worker on {platform.node()} runs other code than this; start it again"
        )


def clear_remains(out: Path) -> None:
    """Remove what a stage that was killed while it put its folder together left of it."""
    for path in out.parent.glob(f".{out.name}.*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def _prune(store: Path, keep: Iterable[str]) -> None:
    for path in store.glob("*"):
        if path.stem not in keep and path.name != LOCK:
            path.unlink(missing_ok=True)


@contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Hold a stage's store; wait for any other process that does.

    Queued experiments share it, and pruning would take shards from under the other's hands.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _hf_features(schema: pa.Schema) -> dict[str, Any]:
    def feature(kind: pa.DataType) -> Any:
        if kind == IMAGE:
            return {"_type": "Image"}
        if pa.types.is_list(kind):
            return {"feature": feature(kind.value_type), "_type": "List"}
        names = {"float": "float32", "double": "float64"}
        return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}

    return {field.name: feature(field.type) for field in schema}
