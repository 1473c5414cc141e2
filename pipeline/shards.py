"""Sharded Parquet tables keyed by `id`: what travels between stages.

A stage's folder holds

    shards/0000.parquet ...  the rows, sorted by id; a face's shard depends on its id alone
    quarantine.parquet       what was left out: id, stage, reason

Images are encoded bytes in the `{bytes, path}` convention of Hugging Face `datasets`. DVC hashes
a few hundred such files in the time that it takes to list 70,000 loose ones.

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
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import joblib
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from pipeline.codehash import code_hash
from sketchface_models.atomic import atomic_dir, atomic_file
from sketchface_models.errors import SketchFaceError

Row = dict[str, Any]
Result = tuple[list[Row], list[Row]]  # rows, quarantine rows

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
LOCK = "lock"
QUARANTINE = pa.schema([("id", pa.string()), ("stage", pa.string()), ("reason", pa.string())])


def image_cell(data: bytes | None, path: str) -> dict[str, Any] | None:
    """Encoded image bytes as a cell of an `IMAGE` column (None stays None)."""
    return None if data is None else {"bytes": data, "path": path}


def quarantined(id: str, stage: str, reason: str) -> Row:
    """A quarantine row: which face or file, which stage left it out, and why in one line."""
    return {"id": id, "stage": stage, "reason": " ".join(str(reason).split())}


def shard_of(id: str, shards: int) -> int:
    """The shard a face lives in: a function of its id alone."""
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") % shards


def shard_name(number: int) -> str:
    """File name of a shard inside `shards/`."""
    return f"{number:04d}.parquet"


def write_rows(path: Path, rows: Sequence[Row], schema: pa.Schema) -> None:
    """Write rows, sorted by id, as one Parquet file that Hugging Face `datasets` reads too."""
    features = {field.name: {"_type": "Image"} for field in schema if field.type == IMAGE}
    if features:
        info = json.dumps({"info": {"features": _hf_features(schema)}})
        schema = schema.with_metadata({"huggingface": info})
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: row["id"]), schema=schema)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The bytes are compressed images already; zstd takes the repetitive rest.
    pq.write_table(table, path, compression="zstd", row_group_size=64)


def read_rows(path: Path, columns: Sequence[str] | None = None) -> list[Row]:
    """All rows of one Parquet file.

    Raises:
        SketchFaceError: if the file is missing or not a whole Parquet file.
    """
    try:
        return pq.read_table(path, columns=list(columns) if columns else None).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise SketchFaceError(f"{path}: not a readable Parquet shard ({error})") from None


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
    """Every row of a stage's folder, one shard in memory at a time."""
    for path in shard_paths(folder):
        yield from read_rows(path, columns)


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
    """One shard's work: `work(*arguments)` gives its rows and quarantine rows.

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
        _finish_missing(stage, jobs, bases, schema)
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
) -> None:
    """`run_shards` over the shards of the folders `inputs` (same numbering).

    For each shard `work(paths, parameters)` is called, `paths` being one file per folder, in the
    order of `inputs`.
    """
    jobs = []
    for first in shard_paths(inputs[0]):
        paths = tuple(Path(folder, "shards", first.name) for folder in inputs)
        key = hashlib.sha256(b"".join(file_hash(path).encode() for path in paths)).hexdigest()
        jobs.append(ShardJob(int(first.stem), key, work, (paths, parameters)))
    run_shards(stage, jobs, out, schema, parameters, module, finish)


def file_hash(path: Path | str) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def workers(tasks: int) -> int:
    """Processes to use: `SKETCHFACE_JOBS` or all cores, never more than there are cores or tasks.

    Raises:
        SketchFaceError: if `SKETCHFACE_JOBS` is not a whole number >= 1.
    """
    cores = joblib.cpu_count()  # that this process may use
    wanted = os.environ.get("SKETCHFACE_JOBS", str(cores))
    if not re.fullmatch("0*[1-9][0-9]{0,8}", wanted):
        raise SketchFaceError(f"SKETCHFACE_JOBS: {wanted!r}; allowed: a whole number >= 1")
    return max(1, min(tasks, cores, int(wanted)))


def _finish_missing(
    stage: str, jobs: Sequence[ShardJob], bases: dict[int, Path], schema: pa.Schema
) -> None:
    """Run, in parallel, the jobs whose shards are not in the store yet."""
    missing = [job for job in jobs if not bases[job.number].with_suffix(".done").exists()]
    parallel = joblib.Parallel(n_jobs=workers(len(missing)), return_as="generator_unordered")
    tasks = (
        joblib.delayed(_finish_shard)(job, bases[job.number], schema, os.getpid())
        for job in missing
    )
    bar = tqdm(
        parallel(tasks),
        total=len(jobs),
        initial=len(jobs) - len(missing),
        desc=stage,
        unit="shard",
        dynamic_ncols=True,
        disable=None,  # no bar where nobody watches
    )
    for _ in bar:
        pass


def _finish_shard(job: ShardJob, base: Path, schema: pa.Schema, parent: int) -> None:
    if os.getpid() != parent:
        _work_on_one_core()
    rows, left_out = job.work(*job.arguments)
    with atomic_file(base.with_suffix(".parquet")) as path:
        write_rows(path, rows, schema)
    # Written last: only a shard with this file counts as finished.
    with atomic_file(base.with_suffix(".done")) as path:
        path.write_text(json.dumps(left_out))


def _work_on_one_core() -> None:
    """Leave the other cores to the other workers.

    joblib sees to BLAS and OpenMP, and MediaPipe's graph has nothing to do at the same time.
    """
    cv2.setNumThreads(1)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


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
