"""From pictures to pictures: prepared one by one, drawn many at a time, written one by one."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.common.images import MAX_SIDE
from pipeline.common.scored_pictures import BATCH
from pipeline.common.sheets import GAP, displayed, sheet, tile
from pipeline.translation.inputs import Preparation, PreparedFace, as_picture
from pipeline.translation.output import Output
from pipeline.translation.paper import Paper, on_white
from pipeline.translation.recognition import Target
from pipeline.translation.requirements import Style
from pipeline.translation.trained_generator import Generator
from sketchface_models.errors import SketchFaceError

SHEET_SIDE = 512
"""Largest side of a picture on a sheet, pixels; smaller where a sheet would be wider than what is
read again."""


@dataclass(frozen=True)
class Extras:
    """What is written beside the result.

    sheet: NAME-sheet.png, inputs and results of all faces. inputs: NAME-input.png, what the
    generator read; NAME-input-FIELD.png where that is several fields.
    """

    sheet: bool = False
    inputs: bool = False

    def marks(self, inputs: Sequence[str]) -> list[str]:
        """Return the marks of these files' names, of a generator that reads the inputs."""
        of_inputs = ["input", *(f"input-{name}" for name in inputs)] if self.inputs else []
        return [*(["sheet"] if self.sheet else []), *of_inputs]


@dataclass
class Result:
    """What was drawn.

    target: what was made of the faces. faces: number of faces, or of whole pictures. generated:
    number of pictures made of them. seconds: duration.
    """

    target: Target
    faces: int = 0
    generated: int = 0
    seconds: float = 0.0


class Translator:
    """Draws pictures with one generator.

    Args:
        generator: of what is drawn.
        preparation: makes what it reads.
        styles: to draw each face in; one without weights for a generator without styles.
        size: side of what is drawn, pixels.
        extras: what else to write of each picture.
        report: called with each reason why something is not drawn, as it arises.
        note: called with each line on how a picture that is drawn was read.
        paper: of sketches.

    Raises:
        SketchFaceError: if results in a style would be called like what else is written.
    """

    def __init__(
        self,
        generator: Generator,
        preparation: Preparation,
        styles: Sequence[Style],
        size: int,
        extras: Extras,
        report: Callable[[str], None],
        note: Callable[[str], None],
        paper: Paper = "white",
    ) -> None:
        self.whitens = paper == "white" and generator.requirements.target == "sketch"
        self.generator, self.preparation = generator, preparation
        self.styles, self.size, self.extras = styles, size, extras
        self.report, self.note = report, note
        marks = extras.marks(generator.requirements.inputs) if len(styles) > 1 else []
        for style in styles:
            if style.name in marks:
                raise SketchFaceError(
                    f"style {style.name}: NAME-{style.name}.png is what --sheet or --show-input "
                    "writes; rename its photo"
                )

    def __call__(self, paths: Sequence[Path], out: Output) -> Result:
        """Draw pictures and write the results; what cannot be drawn does not stop the others."""
        result, start = Result(self.generator.requirements.target), time.perf_counter()
        for group in self._groups(paths):
            prepared = [face for _, faces in group for face in _usable(faces).values()]
            jobs = [(face, style) for face in prepared for style in self.styles]
            generated = self.generator.pictures(jobs, self.size)
            generated = map(on_white, generated) if self.whitens else generated
            for path, faces in group:
                share = itertools.islice(generated, len(_usable(faces)) * len(self.styles))
                self._write(path, faces, share, out, result)
                for _ in share:
                    pass  # of a picture whose results cannot be written
        result.seconds = time.perf_counter() - start
        return result

    def _groups(
        self, paths: Sequence[Path]
    ) -> Iterator[list[tuple[Path, list[PreparedFace | str]]]]:
        """Pictures with their faces, enough of them to fill a batch."""
        group: list[tuple[Path, list[PreparedFace | str]]] = []
        for path in tqdm(paths, desc="translate", unit="picture", disable=None, dynamic_ncols=True):
            try:
                faces = self.preparation(path)
            except SketchFaceError as error:
                self.report(str(error))
                continue
            group.append((path, faces))
            if sum(len(each) for _, each in group) * len(self.styles) >= BATCH:
                yield group
                group = []
        if group:
            yield group

    def _write(
        self,
        path: Path,
        faces: Sequence[PreparedFace | str],
        generated: Iterator[np.ndarray],
        out: Output,
        result: Result,
    ) -> None:
        """Write the files of one picture, and report its faces that could not be drawn.

        `generated` gives, of each face that can be drawn, its results in all styles.
        """
        several = len(faces) > 1
        for number, face in enumerate(faces, 1):
            if isinstance(face, str):
                which = f": face {number} of {len(faces)}" if several else ""
                self.report(f"{path}{which}: {face}")
        if out.file and several:
            self.report(
                f"{path}: {len(faces)} faces do not go into one file; give -o a folder, or "
                "--face largest"
            )
            return
        rows: list[list[np.ndarray]] = []
        for number, face in _usable(faces).items():
            if face.note:
                self.note(f"{path}: {face.note}")
            marks = [str(number)] if several else []
            side = self._sheet_side(face)
            rows.append([as_picture(face, name, side) for name in face.raw])
            for style, picture in zip(self.styles, generated, strict=False):
                styled = [style.name] if len(self.styles) > 1 else []
                if not self._save(out, path, [*marks, *styled], picture):
                    return
                result.generated += 1
                if self.extras.sheet:
                    rows[-1].append(tile(picture, side))
            for name, picture in self._inputs(face).items():
                if not self._save(out, path, [*marks, name], picture):
                    return
            result.faces += 1
        if self.extras.sheet and rows:
            self._save(out, path, ["sheet"], self._sheet(path, faces, rows))

    def _save(self, out: Output, path: Path, marks: Sequence[str], picture: np.ndarray) -> bool:
        """Write one file, or report why it cannot be written."""
        try:
            out.write(out.path(path, marks), picture, path)
        except SketchFaceError as error:
            self.report(str(error))
            return False
        return True

    def _inputs(self, face: PreparedFace) -> dict[str, np.ndarray]:
        """Return what the generator read of one face, by the marks of the files; if asked for."""
        names = [name for name in self.generator.requirements.inputs if name in face.raw]
        marks = [f"input-{name}" for name in names] if len(names) > 1 else ["input"]
        pictures = [displayed(face.raw[name], name) for name in names]
        return dict(zip(marks, pictures, strict=True)) if self.extras.inputs else {}

    def _sheet(
        self,
        path: Path,
        faces: Sequence[PreparedFace | str],
        rows: Sequence[Sequence[np.ndarray]],
    ) -> np.ndarray:
        """A row for each face: its inputs, then the results."""
        usable = _usable(faces)
        captions = [path.name + (f", face {n}" if len(faces) > 1 else "") for n in usable]
        target = self.generator.requirements.target
        styles = [style.caption or target for style in self.styles]
        face = next(iter(usable.values()))
        return sheet(rows, captions, [*face.raw, *styles], self._sheet_side(face))

    def _sheet_side(self, face: PreparedFace) -> int:
        """Return the side of the pictures on a sheet, pixels."""
        columns = len(face.raw) + len(self.styles)
        return min(self.size, SHEET_SIDE, MAX_SIDE // columns - GAP)


def _usable(faces: Sequence[PreparedFace | str]) -> dict[int, PreparedFace]:
    """The faces that can be drawn, by their number from 1."""
    return {n: face for n, face in enumerate(faces, 1) if isinstance(face, PreparedFace)}
