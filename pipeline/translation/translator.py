"""From pictures to pictures: prepared one by one, drawn many at a time, written one by one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pipeline.common.scored_pictures import BATCH
from pipeline.common.sheets import displayed, sheet
from pipeline.translation.inputs import Preparation, PreparedFace, as_picture
from pipeline.translation.output import Output
from pipeline.translation.requirements import Style
from pipeline.translation.trained_generator import Generator
from sketchface_models.errors import SketchFaceError

SHEET_SIDE = 512
"""Largest side of a picture on a sheet, pixels."""


@dataclass(frozen=True)
class Extras:
    """What is written beside the result.

    sheet: NAME-sheet.png, inputs and results of all faces. inputs: NAME-input.png, what the
    generator read; NAME-input-FIELD.png where that is several fields.
    """

    sheet: bool = False
    inputs: bool = False


@dataclass
class Result:
    """What was drawn.

    faces: number of faces, or of whole pictures. generated: number of pictures made of them.
    refused: a line for each picture or face that could not be drawn. seconds: duration.
    """

    faces: int = 0
    generated: int = 0
    refused: list[str] = field(default_factory=list)
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
    ) -> None:
        self.generator, self.preparation = generator, preparation
        self.styles, self.size, self.extras = styles, size, extras
        self.report, self.note = report, note

    def __call__(self, paths: Sequence[Path], out: Output) -> Result:
        """Draw pictures and write the results; what cannot be drawn does not stop the others."""
        result, start = Result(), time.perf_counter()
        for group in self._groups(paths, result):
            prepared = [face for _, faces in group for face in _usable(faces).values()]
            jobs = [(face, style) for face in prepared for style in self.styles]
            generated = iter(self.generator.generate(jobs, self.size))
            for path, faces in group:
                of_face = {n: [next(generated) for _ in self.styles] for n in _usable(faces)}
                self._write(path, faces, of_face, out, result)
        result.seconds = time.perf_counter() - start
        return result

    def _groups(
        self, paths: Sequence[Path], result: Result
    ) -> Iterator[list[tuple[Path, list[PreparedFace | str]]]]:
        """Pictures with their faces, enough of them to fill a batch."""
        group: list[tuple[Path, list[PreparedFace | str]]] = []
        for path in tqdm(paths, desc="translate", unit="picture", disable=None, dynamic_ncols=True):
            try:
                faces = self.preparation(path)
            except SketchFaceError as error:
                self._refuse(str(error), result)
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
        generated: dict[int, list[np.ndarray]],
        out: Output,
        result: Result,
    ) -> None:
        """Write the files of one picture, and report its faces that could not be drawn."""
        several = len(faces) > 1
        for number, face in enumerate(faces, 1):
            if isinstance(face, str):
                which = f": face {number} of {len(faces)}" if several else ""
                self._refuse(f"{path}{which}: {face}", result)
        if out.file and several:
            self._refuse(
                f"{path}: {len(faces)} faces do not go into one file; give -o a folder, or "
                "--face largest",
                result,
            )
            return
        usable = _usable(faces)
        try:
            for number, pictures in generated.items():
                if usable[number].note:
                    self.note(f"{path}: {usable[number].note}")
                marks = [str(number)] if several else []
                for style, picture in zip(self.styles, pictures, strict=True):
                    styled = [style.name] if len(self.styles) > 1 else []
                    out.write(out.path(path, [*marks, *styled]), picture, path)
                    result.generated += 1
                if self.extras.inputs:
                    self._write_inputs(path, marks, usable[number], out)
                result.faces += 1
            if self.extras.sheet and generated:
                out.write(out.path(path, ["sheet"]), self._sheet(path, faces, generated), path)
        except SketchFaceError as error:
            self._refuse(str(error), result)

    def _write_inputs(
        self, path: Path, marks: Sequence[str], face: PreparedFace, out: Output
    ) -> None:
        """Write what the generator read of one face, at its own size."""
        names = [name for name in self.generator.requirements.inputs if name in face.raw]
        for name in names:
            of_several = [name] if len(names) > 1 else []
            picture = displayed(face.raw[name], name)
            out.write(out.path(path, [*marks, "input", *of_several]), picture, path)

    def _sheet(
        self,
        path: Path,
        faces: Sequence[PreparedFace | str],
        generated: dict[int, list[np.ndarray]],
    ) -> np.ndarray:
        """A row for each face: its inputs, then the results."""
        side = min(self.size, SHEET_SIDE)
        usable = _usable(faces)
        rows = [
            [*(as_picture(face, name, side) for name in face.raw), *generated[n]]
            for n, face in usable.items()
        ]
        captions = [path.name + (f", face {n}" if len(faces) > 1 else "") for n in usable]
        target = self.generator.requirements.target
        styles = [style.caption or target for style in self.styles]
        return sheet(rows, captions, [*next(iter(usable.values())).raw, *styles], side)

    def _refuse(self, line: str, result: Result) -> None:
        result.refused.append(line)
        self.report(line)


def _usable(faces: Sequence[PreparedFace | str]) -> dict[int, PreparedFace]:
    """The faces that can be drawn, by their number from 1."""
    return {n: face for n, face in enumerate(faces, 1) if isinstance(face, PreparedFace)}
