"""Photos to sketches: prepared one by one, drawn many at a time, written photo by photo."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.common.scored_pictures import BATCH
from pipeline.common.sheets import sheet
from pipeline.translation.inputs import Preparation, PreparedFace, as_picture
from pipeline.translation.output import Output
from pipeline.translation.requirements import Style
from pipeline.translation.trained_generator import Generator
from sketchface_models.errors import SketchFaceError

SHEET_SIDE = 512
"""Largest side of a picture on a sheet, pixels."""


@dataclass
class Result:
    """What was drawn.

    faces: number of faces, or of whole pictures. sketches: number of files. refused: a line for
    each photo or face that could not be drawn. seconds: duration.
    """

    faces: int = 0
    sketches: int = 0
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Translator:
    """Draws photos with one generator.

    Args:
        generator: of the sketches.
        preparation: makes what it reads.
        styles: to draw each face in; one without weights for a generator without styles.
        size: side of the sketches, pixels.
        with_sheet: also write a sheet of inputs and sketches for each photo.
        report: called with each reason why something is not drawn, as it arises.
    """

    def __init__(
        self,
        generator: Generator,
        preparation: Preparation,
        styles: Sequence[Style],
        size: int,
        with_sheet: bool,
        report: Callable[[str], None],
    ) -> None:
        self.generator, self.preparation = generator, preparation
        self.styles, self.size, self.with_sheet = styles, size, with_sheet
        self.report = report

    def __call__(self, photos: Sequence[Path], out: Output) -> Result:
        """Draw photos and write their sketches; what cannot be drawn does not stop the others."""
        result, start = Result(), time.perf_counter()
        for group in self._groups(photos, result):
            prepared = [face for _, faces in group for face in _usable(faces).values()]
            jobs = [(face, style) for face in prepared for style in self.styles]
            sketches = iter(self.generator.sketches(jobs, self.size))
            for photo, faces in group:
                of_face = {n: [next(sketches) for _ in self.styles] for n in _usable(faces)}
                self._write(photo, faces, of_face, out, result)
        result.seconds = time.perf_counter() - start
        return result

    def _groups(
        self, photos: Sequence[Path], result: Result
    ) -> Iterator[list[tuple[Path, list[PreparedFace | str]]]]:
        """Photos with their faces, enough of them to fill a batch."""
        group: list[tuple[Path, list[PreparedFace | str]]] = []
        for photo in tqdm(photos, desc="translate", unit="photo", disable=None, dynamic_ncols=True):
            try:
                faces = self.preparation(photo)
            except SketchFaceError as error:
                self._refuse(str(error), result)
                continue
            group.append((photo, faces))
            if sum(len(each) for _, each in group) * len(self.styles) >= BATCH:
                yield group
                group = []
        if group:
            yield group

    def _write(
        self,
        photo: Path,
        faces: Sequence[PreparedFace | str],
        sketches: dict[int, list[np.ndarray]],
        out: Output,
        result: Result,
    ) -> None:
        """Write the files of one photo, and report its faces that could not be drawn."""
        several = len(faces) > 1
        for number, face in enumerate(faces, 1):
            if isinstance(face, str):
                which = f": face {number} of {len(faces)}" if several else ""
                self._refuse(f"{photo}{which}: {face}", result)
        if out.file and several:
            self._refuse(
                f"{photo}: {len(faces)} faces do not go into one file; give -o a folder, or "
                "--face largest",
                result,
            )
            return
        try:
            for number, pictures in sketches.items():
                marks = [str(number)] if several else []
                for style, picture in zip(self.styles, pictures, strict=True):
                    styled = [style.name] if len(self.styles) > 1 else []
                    out.write(out.path(photo, [*marks, *styled]), picture, photo)
                    result.sketches += 1
                result.faces += 1
            if self.with_sheet and sketches:
                out.write(out.path(photo, ["sheet"]), self._sheet(photo, faces, sketches), photo)
        except SketchFaceError as error:
            self._refuse(str(error), result)

    def _sheet(
        self,
        photo: Path,
        faces: Sequence[PreparedFace | str],
        sketches: dict[int, list[np.ndarray]],
    ) -> np.ndarray:
        """A row for each face: its inputs, then its sketches."""
        side = min(self.size, SHEET_SIDE)
        usable = _usable(faces)
        rows = [
            [*(as_picture(face, name, side) for name in face.raw), *sketches[n]]
            for n, face in usable.items()
        ]
        captions = [photo.name + (f", face {n}" if len(faces) > 1 else "") for n in usable]
        styles = [f"style {style.text}" if style.text else "sketch" for style in self.styles]
        return sheet(rows, captions, [*next(iter(usable.values())).raw, *styles], side)

    def _refuse(self, line: str, result: Result) -> None:
        result.refused.append(line)
        self.report(line)


def _usable(faces: Sequence[PreparedFace | str]) -> dict[int, PreparedFace]:
    """The faces that can be drawn, by their number from 1."""
    return {n: face for n, face in enumerate(faces, 1) if isinstance(face, PreparedFace)}
