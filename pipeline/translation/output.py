"""The files that results are written to, and the mark that tells them from other pictures."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipeline.common.images import EXTENSIONS, encode_png
from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError

PNG = ".png"
_FIRST_CHUNK = 33  # bytes of a PNG before the second of its chunks: signature and header
_OTHER_FORMATS = EXTENSIONS | {".svg", ".pdf", ".eps", ".ps", ".ai", ".psd", ".ppm", ".pgm"}
"""Endings of files that somebody may want and that are not written."""


def _text_chunk(text: bytes) -> bytes:
    """Return a PNG's chunk that holds a text, as the keyword `Software`."""
    body = b"tEXt" + b"Software\0" + text
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


_MARK = _text_chunk(b"sketchface translate")
"""The second chunk of every result."""


def is_result(path: Path) -> bool:
    """Return whether a file is a PNG that `Output` wrote; False where it cannot be read."""
    try:
        if path.suffix.lower() != PNG or not path.is_file():  # a pipe would keep us waiting
            return False
        with path.open("rb") as file:
            file.seek(_FIRST_CHUNK)
            return file.read(len(_MARK)) == _MARK
    except OSError:
        return False


class Output:
    """Where results go: a folder, or one file; nothing is written twice.

    Args:
        out: a folder, made where there is none, or a name that ends in .png for one result.
        sources: pictures which must not be overwritten.
        names: of results that are not called like their source, by source.
        folders: below the folder of results, by source; empty for results that lie in it.

    Raises:
        SketchFaceError: if `out` is a picture of another kind, or a file that is no picture.
    """

    def __init__(
        self,
        out: Path,
        sources: Sequence[Path],
        names: Mapping[Path, str] | None = None,
        folders: Mapping[Path, Path] | None = None,
    ) -> None:
        ending = out.suffix.lower()
        self.file = out if ending == PNG and not out.is_dir() else None
        if self.file is None and not out.is_dir():
            if ending in _OTHER_FORMATS:
                raise SketchFaceError(f"{out}: results are PNG; give -o a folder or a .png file")
            if out.exists():
                raise SketchFaceError(f"{out}: a file; give -o a folder or a .png file")
        self.folder = out.parent if self.file else out
        self.names, self.folders = names or {}, folders or {}
        self.written: dict[str, Path] = {}
        self.sources = {os.path.realpath(source) for source in sources}

    @property
    def label(self) -> str:
        """The folder of results, the one file, or what all files are called that stand for it."""
        if self.file is None:
            return str(self.folder)
        alone = not self.written or os.path.realpath(self.file) in self.written
        return str(self.file if alone else self.file.with_name(f"{self.file.stem}-*{PNG}"))

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
        """Return the file of a picture: FOLDER/NAME-MARK-MARK.png, NAME the source's or the file's.

        FOLDER is the source's own below the folder that was named.
        """
        if self.file:
            return self.folder / ("-".join([self.file.stem, *marks]) + PNG)
        name = "-".join([self.names.get(source, source.stem), *marks]) + PNG
        return self.folder / self.folders.get(source, Path()) / name

    def write(self, path: Path, picture: np.ndarray, source: Path) -> None:
        """Write a picture as PNG with the mark of a result, whole or not at all.

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
                "one of the two, or give the folder that holds both of their folders"
            )
        try:
            with atomic_file(path) as temporary:
                data = encode_png(picture)
                temporary.write_bytes(data[:_FIRST_CHUNK] + _MARK + data[_FIRST_CHUNK:])
        except OSError as error:
            raise _unwritable(path, error) from None
        self.written[real] = source


def _unwritable(path: Path, error: OSError) -> SketchFaceError:
    return SketchFaceError(f"{path}: {error.strerror or error}; name another place with -o")
