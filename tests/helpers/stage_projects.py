"""Small projects to run the data stages in, as commands of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from pipeline.compose import compose

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("faces", "landmarks", "contours", "augment", "segment", "depth")


def environment(**more: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "SKETCHFACE_JOBS": "1", "DVC_ROOT": "", **more}


def project(folder: Path, overrides: tuple[str, ...] = (), **parallel: object) -> Path:
    """A folder to run stages in: 24 built-in faces in 8 shards."""
    folder.mkdir()
    root = ROOT / "synthetic_faces"
    sizes = ("data.size=96", "data.shards=8", "data.count=18", "data.test_count=6")
    compose([f"data.root={root}", *sizes, *overrides], folder / "params.yaml")
    set_parallel(folder, **parallel)
    return folder


def set_parallel(folder: Path, **parallel: object) -> None:
    path = folder / "params.yaml"
    values = yaml.safe_load(path.read_text()) | {"parallel": parallel}
    path.write_text(yaml.safe_dump(values))


def start(name: str, folder: Path, **more: str) -> subprocess.Popen:
    """A stage (of one run: `pack@RUN`), leader of a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", *f"pipeline.{name}".split("@")],
        cwd=folder,
        env=environment(**more),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(name: str, folder: Path, **more: str) -> None:
    running = start(name, folder, **more)
    _, errors = running.communicate(timeout=300)
    assert running.returncode == 0, errors


def contents(folder: Path) -> dict[str, bytes]:
    """Every file that the stages wrote."""
    data = folder / "data"
    return {str(p.relative_to(data)): p.read_bytes() for p in data.rglob("*") if p.is_file()}


def finished(folder: Path, name: str) -> dict[str, int]:
    """The finished shards of a stage, and when they were finished."""
    store = folder / ".cache/shards" / name
    return {path.name: path.stat().st_mtime_ns for path in store.glob("[!.]*.done")}


def wait_until(
    done: Callable[[], bool], running: subprocess.Popen | None = None, seconds: float = 120
) -> None:
    """Until `done()`; fails when `running` ends before."""
    end = time.monotonic() + seconds
    while not done():
        assert running is None or running.poll() is None, (
            "it ended before there was anything to see"
        )
        assert time.monotonic() < end, "nothing to see in time"
        time.sleep(0.001)
