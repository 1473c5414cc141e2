"""Outputs appear whole or not at all."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import sketchface_models
from sketchface_models.atomic import atomic_dir, atomic_file

ROOT = Path(sketchface_models.__file__).resolve().parents[1]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_midway(path: Path, error: type[BaseException]) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text("half")
        raise error


def fail_midway_in_folder(path: Path, error: type[BaseException]) -> None:
    with atomic_dir(path) as temporary:
        (temporary / "half").write_text("new")
        raise error


def test_file_appears_at_the_end_with_parents_and_plain_rights(tmp_path: Path):
    path = tmp_path / "a" / "b.txt"
    with atomic_file(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        assert not path.exists()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert names(path.parent) == ["b.txt"]


def test_file_replaces_the_old_one_only_at_the_end(tmp_path: Path):
    path = tmp_path / "b.txt"
    path.write_text("old")
    with atomic_file(str(path)) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]):
    path = tmp_path / "b.txt"
    path.write_text("old")
    with pytest.raises(error):
        fail_midway(path, error)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["b.txt"]


def test_folder_takes_the_place_of_the_old_one_whole(tmp_path: Path):
    path = tmp_path / "out"
    path.mkdir()
    (path / "stale").write_text("old")
    with atomic_dir(path) as temporary:
        (temporary / "fresh").write_text("new")
        (temporary / "deep").mkdir()
        assert names(path) == ["stale"]
    assert names(path) == ["deep", "fresh"]
    assert path.stat().st_mode & 0o777 == 0o755
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path, error: type[BaseException]):
    path = tmp_path / "out"
    path.mkdir()
    (path / "whole").write_text("old")
    with pytest.raises(error):
        fail_midway_in_folder(path, error)
    assert names(path) == ["whole"]
    assert names(tmp_path) == ["out"]


def test_failure_without_an_old_folder_leaves_none(tmp_path: Path):
    with pytest.raises(ValueError):  # noqa: PT011 - raised three lines above
        fail_midway_in_folder(tmp_path / "a" / "out", ValueError)
    assert names(tmp_path / "a") == []


def test_a_killed_process_leaves_nothing_under_the_outputs_name(tmp_path: Path):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from sketchface_models.atomic import atomic_dir\n"
        "with atomic_dir(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "out")], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    assert all(name.startswith(".out.") for name in names(tmp_path))
