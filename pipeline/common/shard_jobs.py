"""Run a stage's work on each shard: in parallel, and only where the result is not stored yet.

`run_shards` is the one loop that all data stages share. Each finished shard is kept in
`.cache/shards/STAGE`, under a hash of its input, the parameters and the code, so that a stage that
was killed, or whose data grew, works only on the shards that are missing.
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
from pathlib import Path
from typing import Any

import cv2
import joblib
import pyarrow as pa

from pipeline.common.code_hash import code_hash
from pipeline.common.parallel import pool
from pipeline.common.progress import ProgressBar
from pipeline.common.shards import (
    QUARANTINE,
    QuarantineRow,
    Row,
    file_hash,
    shard_name,
    shard_paths,
    write_rows,
)
from sketchface_models.atomic import atomic_dir, atomic_file
from sketchface_models.errors import SketchFaceError

Result = tuple[Sequence[Row], Sequence[Row]] | Iterator[Row]
"""What a shard's work returns: its rows and its quarantine rows; or an iterator over both, in the
order of their ids."""

LOCK = "lock"


@dataclass(frozen=True)
class ShardJob:
    """One shard's work: `work(*arguments)` returns its rows and quarantine rows (`Result`).

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
    """Run all jobs whose results are not stored yet, and write `out` atomically.

    Args:
        stage: name shown on the progress bar and used as the folder in the shard store.
        jobs: one per shard.
        out: the stage's folder.
        schema: of the rows.
        parameters: anything with a stable `repr` that the results depend on.
        module: the stage's module name; its import closure is part of the store's key.
        finish: called with the folder before it replaces `out`, to add more files.
    """
    store = Path(os.environ.get("DVC_ROOT", "."), ".cache", "shards", stage)
    context = f"{parameters!r}\0{code_hash(module)}\0{schema}"
    bases = {
        job.number: store / hashlib.sha256(f"{job.key}\0{context}".encode()).hexdigest()
        for job in jobs
    }
    with _locked(store):
        _finish_missing(stage, jobs, bases, schema, module)
        remove_unfinished(Path(out))
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
    """Run `run_shards` over the shards of the folders `inputs`, which are numbered alike.

    For each shard `work(paths, parameters)` is called, where `paths` has one file per folder, in
    the order of `inputs`. Work that reads other files too passes `also`: its result `also(paths)`
    becomes a third argument, and its `repr` must name the bytes of those files.
    """
    jobs = []
    for first in shard_paths(inputs[0]):
        paths = tuple(Path(folder, "shards", first.name) for folder in inputs)
        more = (also(paths),) if also else ()
        content = "".join([*map(file_hash, paths), *map(repr, more)])
        key = hashlib.sha256(content.encode()).hexdigest()
        jobs.append(ShardJob(int(first.stem), key, work, (paths, parameters, *more)))
    run_shards(stage, jobs, out, schema, parameters, module, finish)


@dataclass(frozen=True)
class _Origin:
    """The process and folder in which a stage was started, and its code; sent to its workers."""

    process: tuple[str, int]
    folder: Path
    module: str
    code: str

    @classmethod
    def of(cls, module: str) -> _Origin:
        return cls((platform.node(), os.getpid()), Path.cwd(), module, code_hash(module))


def _finish_missing(
    stage: str, jobs: Sequence[ShardJob], bases: dict[int, Path], schema: pa.Schema, module: str
) -> None:
    """Run, in parallel, the jobs whose shards are not in the store yet."""
    missing = [job for job in jobs if not bases[job.number].with_suffix(".done").exists()]
    origin = _Origin.of(module)
    tasks = (
        joblib.delayed(_finish_shard)(job, bases[job.number], schema, origin) for job in missing
    )
    bar = ProgressBar(len(jobs), stage, "shard", len(jobs) - len(missing))
    start, faces = time.monotonic(), 0
    with bar, pool(len(missing)) as parallel:
        for count in parallel(tasks):
            faces += count
            rate = faces / max(time.monotonic() - start, 1e-9)
            bar.update(note=f"{rate:.1f} faces/s")
    for job in missing:
        if not bases[job.number].with_suffix(".done").exists():
            raise SketchFaceError(
                f"{bases[job.number].parent}: a worker finished shard {job.number}, but it is not "
                "here; start the workers where they share this folder"
            )


_one_shard = threading.Lock()
"""A worker with several threads takes one shard at a time: detectors are not thread-safe."""


def _finish_shard(job: ShardJob, base: Path, schema: pa.Schema, origin: _Origin) -> int:
    """Work on one shard and store it; return how many faces it had, with those left out."""
    with _one_shard:
        if origin.process != (platform.node(), os.getpid()):
            _set_up_worker(origin)
        left_out: list[Row] = []
        with atomic_file(base.with_suffix(".parquet")) as path:
            rows = _without_quarantine(job.work(*job.arguments), left_out)
            written = write_rows(path, rows, schema)
        # Written last: only a shard with this file counts as finished.
        with atomic_file(base.with_suffix(".done")) as path:
            path.write_text(json.dumps(left_out))
    return written + len(left_out)


def _without_quarantine(result: Result, left_out: list[Row]) -> Iterable[Row]:
    """Return the rows to write; the quarantine rows are moved to `left_out` on the way."""
    if isinstance(result, tuple):
        left_out += result[1]
        return result[0]
    return _move_quarantine(result, left_out)


def _move_quarantine(result: Iterator[Row], left_out: list[Row]) -> Iterator[Row]:
    for row in result:
        if isinstance(row, QuarantineRow):
            left_out.append(row)
        else:
            yield row


def _set_up_worker(origin: _Origin) -> None:
    """Give this worker process the folder of the stage's own process, and one thread.

    joblib limits BLAS and OpenMP; MediaPipe's graph runs one node at a time here anyway.

    Raises:
        SketchFaceError: if it runs other code than the stage.
    """
    os.chdir(origin.folder)
    cv2.setNumThreads(1)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    # Hashed once in a process, at its first shard: after an edit it still runs the old code.
    if code_hash(origin.module) != origin.code:
        raise SketchFaceError(
            f"the worker on {platform.node()} runs other code than this; start it again"
        )


def remove_unfinished(out: Path) -> None:
    """Remove half-written copies of `out` that a killed stage left behind."""
    for path in out.parent.glob(f".{out.name}.*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def _prune(store: Path, keep: Iterable[str]) -> None:
    for path in store.glob("*"):
        if path.stem not in keep and path.name != LOCK:
            path.unlink(missing_ok=True)


@contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Lock a stage's store; wait while another process holds it.

    Queued experiments share the store, and pruning by one would delete the other's shards.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
