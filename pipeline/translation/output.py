"""The pictures that paths name, and the files that what is drawn of them is written to."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipeline.common.images import EXTENSIONS, encode_png
from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError

PNG = ".png"
_OTHER_FORMATS = EXTENSIONS | {".svg", ".pdf", ".eps", ".ps", ".ai", ".psd", ".ppm", ".pgm"}
"""Endings of files that somebody may want and that are not written."""


def list_pictures(paths: Sequence[Path], out: Path | None = None) -> tuple[list[Path], list[str]]:
    """Return the pictures that paths name, each once, and a line for each folder without any.

    Files are taken whatever they are called; folders with all below them, by the files' endings,
    without hidden files. What lies below `out`, a folder inside one of them, is the result of an
    earlier run and never read.
    """
    pictures: list[Path] = []
    results = None if out is None else Path(os.path.realpath(out))
    faults = []
    for path in paths:
        # What is wrong with a single file shows when it is read.
        inside = [path]
        if path.is_dir():
            inside = [file for file in sorted(path.rglob("*")) if _is_picture(file, path)]
            if results and Path(os.path.realpath(path)) in results.parents:
                inside = [
                    file for file in inside if results not in Path(os.path.realpath(file)).parents
                ]
        if not inside:
            faults.append(f"{path}: no picture in this folder; give pictures, or a folder of some")
        pictures += inside
    unique = {(os.path.realpath(path), path.name): path for path in reversed(pictures)}
    return list(unique.values())[::-1], faults


class Output:
    """Where results go: a folder, or one file; nothing is written twice.

    Args:
        out: a folder, made where there is none, or a name that ends in .png for one result.
        sources: pictures which must not be overwritten.
        names: of results that are not called like their source, by source.

    Raises:
        SketchFaceError: if `out` is a picture of another kind, or a file that is no picture.
    """

    def __init__(
        self, out: Path, sources: Sequence[Path], names: Mapping[Path, str] | None = None
    ) -> None:
        ending = out.suffix.lower()
        self.file = out if ending == PNG and not out.is_dir() else None
        if self.file is None and not out.is_dir():
            if ending in _OTHER_FORMATS:
                raise SketchFaceError(f"{out}: results are PNG; give -o a folder or a .png file")
            if out.exists():
                raise SketchFaceError(f"{out}: a file; give -o a folder or a .png file")
        self.folder = out.parent if self.file else out
        self.names = names or {}
        self.written: dict[str, Path] = {}
        self.sources = {os.path.realpath(source) for source in sources}

    def make(self) -> None:
        """Make the folder before any work.

        Raises:
            SketchFaceError: if it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def path(self, source: Path, marks: Sequence[str]) -> Path:
        """Return the file of a picture: NAME-MARK-MARK.png, NAME the source's or the file's."""
        stem = self.file.stem if self.file else self.names.get(source, source.stem)
        return self.folder / ("-".join([stem, *marks]) + PNG)

    def write(self, path: Path, picture: np.ndarray, source: Path) -> None:
        """Write a picture as PNG, whole or not at all.

        Raises:
            SketchFaceError: if it would replace a source or the result of another one, or cannot
                be written.
        """
        real = os.path.realpath(path)
        if real in self.sources:
            raise SketchFaceError(
                f"{source}: would be drawn over the picture {path}; give -o another folder"
            )
        if real in self.written:
            raise SketchFaceError(
                f"{source}: would be drawn over {path}, which shows {self.written[real]}; rename "
                "one of the two"
            )
        try:
            with atomic_file(path) as temporary:
                temporary.write_bytes(encode_png(picture))
        except OSError as error:
            raise _unwritable(path, error) from None
        self.written[real] = source


def _is_picture(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.suffix.lower() in EXTENSIONS and not hidden and path.is_file()


def _unwritable(path: Path, error: OSError) -> SketchFaceError:
    return SketchFaceError(f"{path}: {error.strerror or error}; name another place with -o")
