"""Folders that data are read from: refuse those that are not there or that DVC cannot hash.

DVC hashes every file below `data.root` before the `faces` stage runs. At a link that leads nowhere
it stops with an error number, and at a pipe it waits for ever; `check` names the file before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping

from sketchface_models.errors import SketchFaceError, printable

UNREADABLE = "move it out of the data"
"""The remedy for a file that cannot be read."""
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_roots(roots: Mapping[str, str], name: str) -> None:
    """Refuse folders that do not exist.

    Args:
        roots: by their keys in the parameters.
        name: of the data set.

    Raises:
        SketchFaceError: naming the first one.
    """
    for key, root in roots.items():
        if not os.path.isdir(root):  # noqa: PTH112 - says no where Path raises
            raise SketchFaceError(f"{key}: {root!r} is no folder; {_remedy(root, name)}")


def check_files(roots: Mapping[str, str]) -> None:
    """Refuse folders in which something lies that cannot be read: dead links, pipes, devices.

    Args:
        roots: existing folders, by their keys in the parameters.

    Raises:
        SketchFaceError: naming the first such file, and how many more there are.
    """
    for key, root in roots.items():
        files = list(unreadable_files(root))
        if files:
            more = f" ({len(files) - 1} more like it)" if len(files) > 1 else ""
            path, reason = files[0]
            whole = printable(os.path.join(root, path))  # noqa: PTH118
            raise SketchFaceError(f"{key}: {whole}: {reason}; {UNREADABLE}{more}")


def unreadable_files(root: str | os.PathLike[str]) -> Iterator[tuple[str, str]]:
    """Yield the path inside `root`, and what is wrong, of whatever is no regular file or folder.

    Folders are searched through links too, each real folder once; files are not opened.
    """
    yield from _in_folder(os.fspath(root), "", set())


def _in_folder(root: str, inside: str, visited: set[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    folder = os.path.join(root, inside)  # noqa: PTH118
    try:
        about = os.stat(folder)  # noqa: PTH116
        if (about.st_dev, about.st_ino) in visited:
            return
        visited.add((about.st_dev, about.st_ino))
        with os.scandir(folder) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        yield inside or ".", f"a folder that cannot be read ({error.strerror})"
        return
    for entry in entries:
        path = os.path.join(inside, entry.name)  # noqa: PTH118
        if _is_broken_text(entry.name):
            yield path, "a name that is no valid UTF-8"
            continue
        reason = _reason(entry)
        if reason is None:
            yield from _in_folder(root, path, visited)
        elif reason:
            yield path, reason


def _reason(entry: os.DirEntry[str]) -> str | None:
    """Return what is wrong with a directory entry: nothing with a file, None with a folder."""
    try:
        if entry.is_file():
            return ""
        if entry.is_dir():
            return None
        kind = _KINDS.get(stat.S_IFMT(entry.stat().st_mode), "no regular file")
    except FileNotFoundError:
        target = os.readlink(entry.path)  # noqa: PTH115
        return f"a link to {target!r}, which is not there"
    except OSError as error:  # a link to itself, or into a closed folder
        return f"a link that leads nowhere ({error.strerror})"
    return f"a link to {kind}" if entry.is_symlink() else kind


def _remedy(root: str, name: str) -> str:
    if root.startswith("~"):
        return "`~` is the shell's; write the whole path"
    return f"set it to where {name} lies"


def _is_broken_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return False
