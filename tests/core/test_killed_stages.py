"""`kill -9` in the middle of every data stage: what comes out is what would have come out."""

import os
import signal
from pathlib import Path

import pytest
from stage_projects import STAGES, contents, finish, finished, project, start, wait_until

pytestmark = pytest.mark.slow
# Stage, finished shards to wait for, and processes: ten kills in all. ALL: while the stage puts its
# folder together.
ALL = 40
KILLS = (
    ("faces", 1, "1"), ("faces", ALL, "2"),
    ("landmarks", 1, "1"), ("landmarks", 4, "2"),
    ("contours", 1, "1"), ("contours", ALL, "1"),
    ("augment", 2, "1"),
    ("segment", 2, "1"),
    ("depth", 1, "1"), ("depth", 5, "2"),
)  # fmt: skip
SLOWLY = ("data.shards=40", "data.count=100", "data.test_count=40", "data.size=64")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stages make when nobody disturbs them."""
    folder = project(tmp_path_factory.mktemp("kills") / "undisturbed", SLOWLY)
    for name in STAGES:
        finish(name, folder)
    return folder


def test_ten_kills_change_no_byte(undisturbed: Path, tmp_path: Path):
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
    made = contents(folder)
    assert made == contents(undisturbed)
    assert len(made) > 240
    left = [path for path in (folder / ".cache").rglob("*") if path.name.startswith(".")]
    assert left == []  # half-written shards were cleared away


def kill(name: str, folder: Path, shards: int, jobs: str) -> None:
    """Kill a stage and its workers as soon as so many of its shards are finished."""
    running = start(name, folder, SKETCHFACE_JOBS=jobs)
    try:
        wait_until(lambda: len(finished(folder, name)) >= shards, running)
        if shards == ALL:
            wait_until(lambda: any((folder / "data").glob(f".{name}.*.tmp/shards/*")), running)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
    assert running.returncode == -signal.SIGKILL
