"""Photos to sketches: prepared one by one, drawn many at a time, written photo by photo."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from pipeline.common.sheets import sheet
from pipeline.evaluate.draw import BATCH
from pipeline.translation.drawing import draw
from pipeline.translation.files import Output
from pipeline.translation.inputs import Preparation, Prepared, pictured
from pipeline.translation.recipe import Style
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import System

SHEET_SIDE = 512
"""Largest side of a picture on a sheet, pixels."""


@dataclass
class Account:
    """What came of the photos.

    faces: drawn, or pictures as a whole. sketches: files of them. refused: why photos or faces
    could not be drawn, each a line. seconds: all of it took.
    """

    faces: int = 0
    sketches: int = 0
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Translator:
    """Draws photos with one generator.

    Args:
        system: in eval mode.
        device: that it stands on.
        preparation: makes what it reads.
        styles: to draw each face in; one without weights for a generator without styles.
        size: side of the drawings, pixels.
        with_sheet: also write a sheet of inputs and drawings for each photo.
        refuse: told each reason why something is not drawn, as it is found.
    """

    def __init__(
        self,
        system: System,
        device: torch.device,
        preparation: Preparation,
        styles: Sequence[Style],
        size: int,
        with_sheet: bool,
        refuse: Callable[[str], None],
    ) -> None:
        self.system, self.device, self.preparation = system, device, preparation
        self.styles, self.size, self.with_sheet = styles, size, with_sheet
        self.refuse = refuse

    def __call__(self, photos: Sequence[Path], out: Output) -> Account:
        """Draw photos and write what was drawn; what cannot be drawn holds up nothing else."""
        account, start = Account(), time.perf_counter()
        for group in self._groups(photos, account):
            faces = [face for _, found in group for face in found if isinstance(face, Prepared)]
            jobs = [(face, style) for face in faces for style in self.styles]
            source = self.preparation.recipe.source
            drawings = iter(draw(self.system, self.device, source, jobs, self.size))
            for photo, found in group:
                mine = {
                    number: [next(drawings) for _ in self.styles]
                    for number, face in enumerate(found, 1)
                    if isinstance(face, Prepared)
                }
                self._write(photo, found, mine, out, account)
        account.seconds = time.perf_counter() - start
        return account

    def _groups(
        self, photos: Sequence[Path], account: Account
    ) -> Iterator[list[tuple[Path, list[Prepared | str]]]]:
        """Photos with their faces, so many that they fill a batch."""
        group: list[tuple[Path, list[Prepared | str]]] = []
        for photo in tqdm(photos, desc="translate", unit="photo", disable=None, dynamic_ncols=True):
            try:
                found = self.preparation(photo)
            except SketchFaceError as error:
                self._refuse(str(error), account)
                continue
            group.append((photo, found))
            if sum(len(faces) for _, faces in group) * len(self.styles) >= BATCH:
                yield group
                group = []
        if group:
            yield group

    def _write(
        self,
        photo: Path,
        found: Sequence[Prepared | str],
        drawn: dict[int, list[np.ndarray]],
        out: Output,
        account: Account,
    ) -> None:
        """The files of one photo, and what is to be said of its faces that could not be drawn."""
        several = len(found) > 1
        for number, face in enumerate(found, 1):
            if isinstance(face, str):
                which = f": face {number} of {len(found)}" if several else ""
                self._refuse(f"{photo}{which}: {face}", account)
        if out.file and several:
            self._refuse(
                f"{photo}: {len(found)} faces do not go into one file; give -o a folder, or "
                "--face largest",
                account,
            )
            return
        try:
            for number, pictures in drawn.items():
                marks = [str(number)] if several else []
                for style, picture in zip(self.styles, pictures, strict=True):
                    styled = [style.name] if len(self.styles) > 1 else []
                    out.write(out.path(photo, [*marks, *styled]), picture, photo)
                    account.sketches += 1
                account.faces += 1
            if self.with_sheet and drawn:
                out.write(out.path(photo, ["sheet"]), self._sheet(photo, found, drawn), photo)
        except SketchFaceError as error:
            self._refuse(str(error), account)

    def _sheet(
        self,
        photo: Path,
        found: Sequence[Prepared | str],
        drawn: dict[int, list[np.ndarray]],
    ) -> np.ndarray:
        """A row for each face: its inputs, then its drawings."""
        side = min(self.size, SHEET_SIDE)
        faces = {n: face for n, face in enumerate(found, 1) if isinstance(face, Prepared)}
        rows = [
            [*(pictured(face, name, side) for name in face.raw), *drawn[n]]
            for n, face in faces.items()
        ]
        captions = [photo.name + (f", face {n}" if len(found) > 1 else "") for n in faces]
        styles = [f"style {style.text}" if style.text else "sketch" for style in self.styles]
        return sheet(rows, captions, [*next(iter(faces.values())).raw, *styles], side)

    def _refuse(self, line: str, account: Account) -> None:
        account.refused.append(line)
        self.refuse(line)
