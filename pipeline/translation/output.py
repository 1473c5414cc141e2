"""The photos that paths name, and the files that sketches of them are written to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.common.images import EXTENSIONS, encode_png
from sketchface_models.atomic import atomic_file
from sketchface_models.errors import SketchFaceError

PNG = ".png"


def list_photos(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the photos that paths name, each once, and a line for each folder without any.

    Files are taken whatever they are called; folders with all below them, by the files' endings,
    without hidden files.
    """
    photos: list[Path] = []
    faults = []
    for path in paths:
        # What is wrong with a single file shows when it is read.
        inside = [path]
        if path.is_dir():
            inside = [file for file in sorted(path.rglob("*")) if _is_picture(file, path)]
        if not inside:
            faults.append(f"{path}: no picture in this folder; give photos, or a folder of some")
        photos += inside
    unique = {(os.path.realpath(path), path.name): path for path in reversed(photos)}
    return list(unique.values())[::-1], faults


class Output:
    """Where sketches go: a folder, or one file; nothing is written twice.

    Args:
        out: a folder, made where there is none, or a name that ends in .png for one sketch.
        photos: which must not be overwritten.

    Raises:
        SketchFaceError: if `out` is a picture of another kind, or a file that is no picture.
    """

    def __init__(self, out: Path, photos: Sequence[Path]) -> None:
        ending = out.suffix.lower()
        self.file = out if ending == PNG and not out.is_dir() else None
        if self.file is None and not out.is_dir():
            if ending in EXTENSIONS:
                raise SketchFaceError(f"{out}: drawings are PNG; give -o a folder or a .png file")
            if out.exists():
                raise SketchFaceError(f"{out}: a file; give -o a folder or a .png file")
        self.folder = out.parent if self.file else out
        self.written: dict[str, Path] = {}
        self.photos = {os.path.realpath(photo) for photo in photos}

    def make(self) -> None:
        """Make the folder before any work.

        Raises:
            SketchFaceError: if it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def path(self, photo: Path, marks: Sequence[str]) -> Path:
        """Return the file of a picture: NAME-MARK-MARK.png, NAME the photo's or the file's."""
        stem = photo.stem if self.file is None else self.file.stem
        return self.folder / ("-".join([stem, *marks]) + PNG)

    def write(self, path: Path, picture: np.ndarray, photo: Path) -> None:
        """Write a picture as PNG, whole or not at all.

        Raises:
            SketchFaceError: if it would replace a photo or a picture of another photo, or cannot
                be written.
        """
        real = os.path.realpath(path)
        if real in self.photos:
            raise SketchFaceError(
                f"{photo}: would be drawn over the photo {path}; give -o another folder"
            )
        if real in self.written:
            raise SketchFaceError(
                f"{photo}: would be drawn over {path}, which shows {self.written[real]}; rename "
                "one of the two"
            )
        try:
            with atomic_file(path) as temporary:
                temporary.write_bytes(encode_png(picture))
        except OSError as error:
            raise _unwritable(path, error) from None
        self.written[real] = photo


def _is_picture(path: Path, root: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
    return path.suffix.lower() in EXTENSIONS and not hidden and path.is_file()


def _unwritable(path: Path, error: OSError) -> SketchFaceError:
    return SketchFaceError(f"{path}: {error.strerror or error}; name another place with -o")
