"""The pictures that paths name: files as they are, folders with all that lies below them.

What in a folder is not read is counted and named. Results of `sketchface translate` bear a mark
(`output.is_result`): so a folder may hold photos and what was drawn of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from pipeline.common.images import EXTENSIONS
from pipeline.translation.output import PNG, is_result

OTHER_ENDING = "no picture by its ending", "no pictures by their endings"
HIDDEN = "hidden", "hidden"
RESULT = "result of an earlier run", "results of earlier runs"
RESULTS_FOLDER = "the folder of results", "folders of results"
"""Why something is passed over: of one, and of several."""
_MOST_NAMES = 5

Reason = tuple[str, str]


@dataclass(frozen=True)
class PictureList:
    """The pictures that paths name.

    pictures: each once, in the order of the paths, in a folder by name. folders: where a picture
    lies below the folder that was named; of pictures that were named themselves the empty path.
    faults: a line for each folder without a picture, and for each that cannot be read. notes: a
    line for each path of which something is passed over.
    """

    pictures: list[Path] = field(default_factory=list)
    folders: dict[Path, Path] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def list_pictures(paths: Sequence[Path], out: Path | None = None) -> PictureList:
    """List the pictures that paths name.

    Files are taken whatever they are called. Folders are taken with all below them, through links
    too, by the files' endings, without what is hidden. Results of earlier runs are passed over:
    what lies in `out`, a folder inside one of them; what bears the mark of a result and lies below
    `out`, or in a folder beside other pictures.

    Args:
        paths: of files and folders.
        out: where results go, a folder or a .png file.
    """
    listing = PictureList()
    listed: set[tuple[str, str]] = set()
    several = len(paths) > 1
    for path in paths:
        if path.is_dir():
            pictures = _pictures_in(path, out, listing)
        elif several and is_result(path) and _is_below(path, out):  # as `photos/*` names it
            listing.notes.append(f"{path}: passed over: {RESULT[0]}")
            continue
        else:
            pictures = [path]
        for picture in pictures:
            # A link is a picture of its own, under its own name.
            identity = os.path.realpath(picture.parent), picture.name
            if identity not in listed:
                listed.add(identity)
                listing.pictures.append(picture)
                below = Path() if picture == path else picture.parent.relative_to(path)
                listing.folders[picture] = below
    if not listing.pictures and not listing.faults:
        listing.faults.append(f"{paths[0]}: nothing but results of earlier runs; give pictures")
    return listing


def _pictures_in(folder: Path, out: Path | None, listing: PictureList) -> list[Path]:
    """Return the pictures below a folder; add to the listing what is to be said of the others."""
    passed: dict[Reason, list[Path]] = {}
    pictures = []
    for path, reason in sorted(
        _files(folder, _results_folder(out), listing.faults), key=itemgetter(0)
    ):
        if reason:
            passed.setdefault(reason, []).append(path)
        else:
            pictures.append(path)
    if not pictures:
        listing.faults.append(
            f"{folder}: no picture in this folder; give pictures, or a folder of some"
        )
    results = [path for path in pictures if is_result(path)]
    if len(results) == len(pictures):  # a folder of results alone was named to be read
        results = [path for path in results if _is_below(path, out)]
    if results:
        passed[RESULT] = results
    if passed:
        listing.notes.append(_note(folder, passed))
    return [path for path in pictures if path not in set(results)]


def _files(
    folder: Path, results: str | None, faults: list[str]
) -> Iterator[tuple[Path, Reason | None]]:
    """Yield all that lies below a folder, and why it is passed over; None for pictures."""

    def unreadable(error: OSError) -> None:
        faults.append(f"{error.filename}: {error.strerror}; make the folder readable")

    visited: set[str] = set()
    for place, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.realpath(place)
        if real in visited:  # links may go round in a circle
            folders.clear()
            continue
        visited.add(real)
        for name in sorted(folders):
            path = Path(place, name)
            is_results = os.path.realpath(path) == results
            if is_results or name.startswith("."):
                folders.remove(name)
                yield path, RESULTS_FOLDER if is_results else HIDDEN
        folders.sort()
        for name in files:
            # What is wrong with a picture (a dead link, a pipe) shows when it is read.
            known = Path(name).suffix.lower() in EXTENSIONS
            if not name.startswith("."):
                yield Path(place, name), None if known else OTHER_ENDING
            elif known:
                yield Path(place, name), HIDDEN


def _results_folder(out: Path | None) -> str | None:
    """Return the folder that holds nothing but results; None where there is none."""
    return None if out is None or _is_file(out) else os.path.realpath(out)


def _is_below(path: Path, out: Path | None) -> bool:
    """Return whether a picture lies in the folder that results are written to, or below it."""
    if out is None:
        return False
    folder = Path(os.path.realpath(out.parent if _is_file(out) else out))
    return folder in Path(os.path.realpath(path)).parents


def _is_file(out: Path) -> bool:
    return out.suffix.lower() == PNG and not out.is_dir()


def _note(folder: Path, passed: dict[Reason, list[Path]]) -> str:
    """Return one line that counts and names what is passed over in a folder."""
    parts = []
    for reason, paths in passed.items():
        names = [str(path.relative_to(folder)) for path in paths[:_MOST_NAMES]]
        more = f" and {len(paths) - len(names)} more" if len(paths) > len(names) else ""
        count = reason[0] if len(paths) == 1 else f"{len(paths)} {reason[1]}"
        parts.append(f"{count} ({', '.join(names)}{more})")
    return f"{folder}: passed over: {'; '.join(parts)}"
