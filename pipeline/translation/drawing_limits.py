"""What a picture must have to be read as a drawing of a face, whatever it was said to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.translation.line_drawing import LEAST_CONTRAST, TRACED_INK, LineDrawing
from sketchface_models.errors import SketchFaceError


@dataclass(frozen=True)
class DrawingLimits:
    """The least that drawings of one kind have.

    name, full_name: of the kind, in messages. least_side: shorter side, pixels. least_length: of
    all lines, in longer sides of the box about them; an oval has 2.8, half an oval 1.4. remedy: for
    a picture that strokes would cover.
    """

    name: str
    full_name: str
    least_side: int
    least_length: float
    remedy: str

    def check(self, drawing: LineDrawing, path: Path) -> None:
        """Refuse a drawing that is too small, blank, covered with ink or has hardly any lines.

        Raises:
            SketchFaceError: naming `path`, what is wrong, and the remedy.
        """
        if min(drawing.width, drawing.height) < self.least_side:
            raise SketchFaceError(
                f"{path}: {drawing.width} x {drawing.height} pixels; a {self.name} has at least "
                f"{self.least_side} a side"
            )
        if drawing.contrast < LEAST_CONTRAST:
            raise SketchFaceError(f"{path}: blank; draw a face on it")
        self.check_ink(drawing.ink, TRACED_INK, path)
        if drawing.length < self.least_length:
            raise SketchFaceError(f"{path}: hardly any lines; draw a whole face")

    def check_ink(self, ink: float, most: float, path: Path) -> None:
        """Refuse a drawing of which strokes would cover more than a part, both 0 to 1.

        Raises:
            SketchFaceError: naming `path`, the part, and the remedy.
        """
        if ink > most:
            raise SketchFaceError(
                f"{path}: no {self.full_name}, strokes would cover {ink:.0%} of it; {self.remedy}"
            )


CONTOUR = DrawingLimits("drawing", "line drawing", 24, 2.0, "say --from photo of a photo")
DOODLE = DrawingLimits("doodle", "doodle", 16, 1.5, "draw a face with a few lines")
