"""`kill -9` in the middle of every data stage: what comes out is what would have come out."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stage_projects import STAGES, contents, finish, finished, project, start, wait_until

pytestmark = pytest.mark.slow
# Stage, finished shards to wait for, and processes; ALL: while the stage puts its folder together.
# A pack, which has no shards, is killed twice.
ALL = 40
KILLS = (
    ("faces", 1, "1"),
    ("faces", ALL, "2"),
    ("landmarks", 4, "2"),
    ("contours", ALL, "1"),
    ("augment", 2, "1"),
    ("segment", 2, "1"),
    ("depth", 5, "2"),
)
PACK = "pack@pix2pix"
FIELDS = ("lines", "sketch")  # in the order in which it packs them
SLOWLY = ("data.shards=40", "data.count=100", "data.test_count=40", "data.size=64")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stages make when nobody disturbs them."""
    folder = project(tmp_path_factory.mktemp("kills") / "undisturbed", SLOWLY)
    for name in (*STAGES, PACK):
        finish(name, folder)
    return folder


def test_kills_change_no_byte(undisturbed: Path, tmp_path: Path):
    folder = project(tmp_path / "killed", SLOWLY)
    for name in STAGES:
        for _, shards, jobs in [kill for kill in KILLS if kill[0] == name]:
            kill(name, folder, shards, jobs)
            assert not (folder / "data" / name).exists()
        before = finished(folder, name)
        assert before
        finish(name, folder)
        after = finished(folder, name)
        assert before.items() <= after.items()  # what was finished was not done again
        assert len(after) == ALL
        assert not [path for path in (folder / "data").iterdir() if path.name.startswith(".")]
    for field in FIELDS:
        kill_pack(folder, field)
        assert [path.name[:9] for path in (folder / "data/pack").iterdir()] == [".pix2pix."]
    finish(PACK, folder)
    assert [path.name for path in (folder / "data/pack").iterdir()] == ["pix2pix"]
    made = contents(folder)
    assert made == contents(undisturbed)
    assert len(made) > 240
    left = [path for path in (folder / ".cache").rglob("*") if path.name.startswith(".")]
    assert left == []  # half-written shards were cleared away


def kill(name: str, folder: Path, shards: int, jobs: str) -> None:
    """Kill a stage and its workers as soon as so many of its shards are finished."""
    running = start(name, folder, SKETCHFACE_JOBS=jobs)
    with killed(running):
        wait_until(lambda: len(finished(folder, name)) >= shards, running, seconds=600)
        if shards == ALL:
            wait_until(lambda: any((folder / "data").glob(f".{name}.*.tmp/shards/*")), running)


def kill_pack(folder: Path, field: str) -> None:
    """Kill the pack while it fills the array of a field."""
    running = start(PACK, folder)
    with killed(running):
        # A killed one's remains go before the next one begins.
        wait_until(lambda: any((folder / "data/pack").glob(f".pix2pix.*.tmp/{field}.npy")), running)


@contextmanager
def killed(running: subprocess.Popen) -> Iterator[None]:
    """After the block the process and its workers are dead by SIGKILL, and were not done."""
    try:
        yield
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    assert running.returncode == -signal.SIGKILL
