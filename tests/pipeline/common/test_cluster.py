"""The data stages on a real Dask cluster: a scheduler and two worker processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from stage_projects import (
    ROOT,
    STAGES,
    contents,
    environment,
    finish,
    finished,
    project,
    set_parallel,
    start,
    wait_until,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("distributed") is None,
        reason="extra `cluster` (dask, distributed) not installed",
    ),
]
HERE = {"backend": "loky", "scheduler": "", "jobs": 1}


@dataclass
class Cluster:
    address: str
    workers: list[subprocess.Popen]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The two commands that the README shows, on free ports, started somewhere else."""
    folder = tmp_path_factory.mktemp("cluster")
    note, elsewhere = folder / "scheduler.json", folder / "elsewhere"
    elsewhere.mkdir()
    dask, quiet = [sys.executable, "-m", "dask"], {"stdout": subprocess.DEVNULL}

    def launch(*arguments: str) -> subprocess.Popen:
        command = [*dask, *arguments]
        log = (folder / f"{arguments[0]}.log").open("ab")
        return subprocess.Popen(
            command, cwd=elsewhere, env=environment(), stderr=log, start_new_session=True, **quiet
        )

    scheduler = launch("scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(note))
    workers = []
    try:
        wait_until(note.exists)
        time.sleep(0.2)
        address = json.loads(note.read_text())["address"]
        options = ("--nworkers", "1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        workers = [launch("worker", address, *options) for _ in range(2)]
        yield Cluster(address, workers)
    finally:
        for process in (*workers, scheduler):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stages make without a cluster."""
    folder = project(tmp_path_factory.mktemp("here") / "here", **HERE)
    for name in STAGES:
        finish(name, folder)
    return folder


def test_the_same_stages_move_to_a_cluster(cluster: Cluster, here: Path, tmp_path: Path):
    there = project(tmp_path / "there", backend="dask", scheduler=cluster.address, jobs=0)
    for name in STAGES:
        finish(name, there)
    made = contents(here)
    assert len(made) > 40
    assert contents(there) == made
    # The two keep one store: what the cluster did is not done again here.
    before = {name: finished(there, name) for name in STAGES}
    for name in STAGES:
        assert sorted(before[name]) == sorted(finished(here, name))
    set_parallel(there, **HERE)
    for name in ("faces", "segment"):
        finish(name, there)
        assert finished(there, name) == before[name]


def test_workers_that_run_other_code_are_refused(cluster: Cluster, here: Path, tmp_path: Path):
    """A worker keeps the code that it began with, whatever is edited afterwards."""
    there = project(tmp_path / "there", backend="dask", scheduler=cluster.address, jobs=0)
    shutil.copytree(here / "data/faces", there / "data/faces")
    copy = tmp_path / "edited"
    for package in ("pipeline", "sketchface_models"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                target = copy / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    with (copy / "pipeline/landmarks/landmarks.py").open("a") as file:
        file.write("# edited\n")
    paths = os.pathsep.join([str(copy), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.landmarks"],
        cwd=there,
        env=environment(PYTHONPATH=paths),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: landmarks: the worker on ")
    assert last.endswith("runs other code than this; start it again")
    assert not (there / "data/landmarks").exists()


def test_a_worker_that_dies_is_replaced_by_the_other(cluster: Cluster, here: Path, tmp_path: Path):
    """The last test: it leaves one worker."""
    there = project(tmp_path / "there", backend="dask", scheduler=cluster.address, jobs=0)
    running = start("faces", there)
    wait_until(lambda: bool(finished(there, "faces")), running)
    os.killpg(cluster.workers[0].pid, signal.SIGKILL)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 0, errors
    faces = {name: made for name, made in contents(here).items() if name.startswith("faces/")}
    assert contents(there) == faces
