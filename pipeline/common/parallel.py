"""Where shards are worked on: in processes of this machine, or on a Dask cluster.

The `parallel` section decides when and where work is done, and never changes a result. So it is in
no stage's parameters and in no shard's key; `run_stage` sets it for the stage that it runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import joblib

from sketchface_models.config import at_least
from sketchface_models.errors import SketchFaceError

PATIENCE = 10
"""Seconds to wait for a scheduler's answer, and for its first worker."""


@dataclass(frozen=True)
class ParallelSettings:
    """The `parallel` section."""

    backend: Literal["loky", "dask"] = "loky"
    """loky: processes of this machine. dask: the workers of a cluster that share its folders."""
    scheduler: str = ""
    """dask: the scheduler's address, such as tcp://10.0.0.1:8786."""
    jobs: Annotated[int, at_least(0)] = 0
    """loky: processes, never more than cores; 0 = all cores. On a cluster its workers decide."""

    def __post_init__(self) -> None:
        if self.backend == "dask" and not self.scheduler:
            raise ValueError("scheduler: ''; allowed: with backend dask the scheduler's address")


_DEFAULT = ParallelSettings()
_settings: ContextVar[ParallelSettings] = ContextVar("parallel", default=_DEFAULT)


@contextmanager
def parallel_as(settings: ParallelSettings) -> Iterator[None]:
    """Apply the settings to all work within the block."""
    token = _settings.set(settings)
    try:
        yield
    finally:
        _settings.reset(token)


def workers(tasks: int) -> int:
    """Return the number of processes to use: never more than there are cores or tasks.

    `SKETCHFACE_JOBS` comes before `parallel.jobs`.

    Raises:
        SketchFaceError: if `SKETCHFACE_JOBS` is not a whole number >= 1.
    """
    cores = joblib.cpu_count()  # that this process may use
    jobs = os.environ.get("SKETCHFACE_JOBS", str(_settings.get().jobs or cores))
    if not re.fullmatch("0*[1-9][0-9]{0,8}", jobs):
        raise SketchFaceError(f"SKETCHFACE_JOBS: {jobs!r}; allowed: a whole number >= 1")
    return max(1, min(tasks, cores, int(jobs)))


@contextmanager
def pool(tasks: int, threads: bool = False) -> Iterator[joblib.Parallel]:
    """Yield a `joblib.Parallel` for so many tasks, which returns results in any order.

    Args:
        tasks: number of them.
        threads: of this process instead of new ones, which would first have to import torch.

    Raises:
        SketchFaceError: if the cluster cannot be used, in one line.
    """
    settings = _settings.get()
    if settings.backend == "loky":
        backend = "threading" if threads else None
        yield joblib.Parallel(workers(tasks), backend, return_as="generator_unordered")
    elif not tasks:
        yield joblib.Parallel(n_jobs=1, return_as="generator_unordered")
    else:
        with (
            _client(settings.scheduler) as client,
            joblib.parallel_config("dask", client=client),
        ):
            # One task a message: a worker that dies takes no other shard with it.
            yield joblib.Parallel(batch_size=1, return_as="generator_unordered")


@contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError:
        raise SketchFaceError(
            "parallel.backend: dask needs Dask; install it with: pip install 'sketchface[cluster]'"
        ) from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError):
        raise SketchFaceError(
            f"parallel.scheduler: {address!r} does not answer; start one with: dask scheduler"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise SketchFaceError(
                f"parallel.scheduler: {address!r} has no workers; start some with: "
                f"dask worker {address} --nworkers auto --nthreads 1"
            ) from None
        yield client
