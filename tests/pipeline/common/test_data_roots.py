"""What DVC could not hash, below `data.root`: named in one line, and nothing is opened."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.common.data_roots import check_files, check_roots, unreadable_files
from sketchface_models.errors import SketchFaceError

NO_TEXT = os.fsdecode(b"caf\xe9.png")  # Latin-1, as old archives have it


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder as users have them: hidden files, links to files and folders, odd names."""
    for name in ("a.jpg", "in/b.jpg", ".hidden", "été (1) [2] 50%.png", "line\nbreak.png"):
        path = tmp_path / "faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "faces/link.jpg").symlink_to("a.jpg")
    (tmp_path / "faces/again").symlink_to("in")
    (tmp_path / "faces/in/loop").symlink_to(tmp_path / "faces")
    return tmp_path / "faces"


def bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path may have 108 bytes
        listening.bind(path.name)
        os.chdir(here)


PLANTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "photos/gone.jpg": (
        lambda path: path.symlink_to("nowhere.jpg"),
        "a link to 'nowhere.jpg', which is not there",
    ),
    ".thumbs/gone": (
        lambda path: path.symlink_to("/no/where"),
        "a link to '/no/where', which is not there",
    ),
    "me.jpg": (
        lambda path: path.symlink_to("me.jpg"),
        "a link that leads nowhere (Too many levels of symbolic links)",
    ),
    "pipe.jpg": (os.mkfifo, "a pipe"),
    "sub/zero.png": (lambda path: path.symlink_to("/dev/zero"), "a link to a device"),
    "socket.png": (bind, "a socket"),
    NO_TEXT: (Path.touch, "a name that is no valid UTF-8"),
}


def test_a_healthy_folder_passes(root: Path) -> None:
    assert list(unreadable_files(root)) == []
    check_files({"data.root": str(root)})


@pytest.mark.parametrize("name", PLANTED)
def test_what_cannot_be_read_is_named(root: Path, name: str) -> None:
    plant, reason = PLANTED[name]
    (root / name).parent.mkdir(exist_ok=True)
    plant(root / name)
    assert list(unreadable_files(root)) == [(name, reason)]
    with pytest.raises(SketchFaceError) as error:
        check_files({"data.root": str(root)})
    shown = name if name.isprintable() else "caf\\udce9.png"
    assert str(error.value) == f"data.root: {root}/{shown}: {reason}; move it out of the data"


def test_more_of_them_are_counted(root: Path) -> None:
    for number in range(3):
        os.mkfifo(root / f"pipe{number}")
    with pytest.raises(SketchFaceError, match=r"pipe0: a pipe; .* \(2 more like it\)$"):
        check_files({"data.root": str(root)})


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_closed_folder_is_named(root: Path) -> None:
    (root / "in").chmod(0)
    assert [path for path, _ in unreadable_files(root)] == ["again", "in"]
    (root / "in").chmod(0o755)


@pytest.mark.parametrize("missing", ["/nope", "no/where", "\0", "a" * 5000, ""])
def test_a_root_that_is_no_folder(missing: str) -> None:
    with pytest.raises(SketchFaceError) as error:
        check_roots({"data.root": missing}, "fs2k")
    assert str(error.value) == f"data.root: {missing!r} is no folder; set it to where fs2k lies"


def test_a_root_that_is_a_file_or_begins_with_a_tilde(root: Path) -> None:
    with pytest.raises(SketchFaceError, match=r"a\.jpg' is no folder; set it to where cufs lies"):
        check_roots({"data.root": str(root / "a.jpg")}, "cufs")
    with pytest.raises(SketchFaceError, match="`~` is the shell's; write the whole path"):
        check_roots({"data.root": "~/faces"}, "cufs")
