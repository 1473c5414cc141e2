"""QuickDraw: drawings that people made of a word in 20 seconds, as the publisher's files hold them.

    numpy_bitmap/face.npy       (N, 784) uint8, 28 x 28, white strokes on black
    simplified/face.ndjson      one drawing a line, strokes [x, y] in a frame of 256
    raw/face.ndjson             the same, strokes [x, y, t] in the pixels of the player's screen

Drawings alone, of nobody, on white paper (the bitmaps are inverted). Strokes are drawn the way the
publisher renders its bitmaps: fitted to the frame, centred, round pens 16 wide, a margin as wide.
A drawing's id is its `key_id`, a bitmap's the hash of its pixels, so the order of a file has
no say in the splits.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
from tqdm import tqdm

from pipeline.common.images import resize
from pipeline.datasets.base import (
    FAULT,
    Adapter,
    DataSettings,
    Face,
    Item,
    Offer,
    Rejection,
    Spare,
)
from sketchface_models.config import NonEmpty, above, between
from sketchface_models.errors import SketchFaceError

SIDE = 28  # of a bitmap
FRAME = 255  # largest coordinate of a simplified drawing
MARGIN = 16  # around the frame, in its units; half a pen is added on every side
PEN = 16.0  # width of the publisher's pen

Strokes = list[np.ndarray]
"""Each (n, 2) float: x right, y down."""

_KEY = re.compile("[A-Za-z0-9]{1,80}")
_SUBPIXEL = 4  # bits of a pixel's fraction in OpenCV's coordinates
_FINE = 1024  # least side of the canvas that is averaged down


@dataclass(frozen=True)
class QuickDrawSettings(DataSettings):
    """The `data` section for QuickDraw."""

    file: Annotated[str, NonEmpty()]
    """One category's file below `root`, ending in .npy or .ndjson."""
    recognized: bool
    """Only drawings that the game recognised; bitmaps do not say, and all of them count."""
    pen: Annotated[float, above(0)]
    """Width of the strokes where they are drawn here, in units of the frame of 256."""
    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the drawings that becomes the test split."""


@dataclass(frozen=True)
class Drawing(Item):
    """One row of a bitmap file, or the line at one byte of an ndjson file."""

    path: Path = Path()
    position: int = 0


class QuickDraw(Adapter[QuickDrawSettings]):
    """QuickDraw: drawings alone, of nobody."""

    name = "quickdraw"
    Settings = QuickDrawSettings
    aligned = True
    framing = None
    signs = ("*.ndjson", "*.npy")

    def find(self, settings: QuickDrawSettings) -> Offer:
        """Return every drawing of the file, and a reason for each that is not used.

        Raises:
            SketchFaceError: if the file is missing or of neither form.
        """
        path = Path(settings.root, settings.file)
        if path.suffix == ".npy":
            return Offer(*_bitmaps(path))
        if path.suffix == ".ndjson":
            return Offer(*_lines(path, settings.recognized))
        raise SketchFaceError(
            f"data.file: {settings.file!r}; allowed: a name ending in .npy or .ndjson"
        )

    def read(self, item: Item, settings: QuickDrawSettings) -> Face:
        """Decode or draw one drawing, (size, size), 255 = paper.

        Raises:
            SketchFaceError: if the file changed since it was listed.
        """
        assert isinstance(item, Drawing)
        if item.path.suffix == ".npy":
            bitmaps = _load(item.path)
            if item.position >= len(bitmaps):
                raise SketchFaceError(f"{item.path}: changed since it was listed; run faces again")
            bitmap = bitmaps[item.position].reshape(SIDE, SIDE)
            drawing = resize(255 - bitmap, (settings.size, settings.size))
            return Face(sketch=drawing, doodle=drawing)
        try:
            with item.path.open("rb") as file:
                file.seek(item.position)
                strokes, _ = _parse(file.readline())
        except OSError as error:
            raise SketchFaceError(f"{item.path}: {error.strerror}; run faces again") from None
        drawing = draw(strokes, settings.size, settings.pen)
        return Face(sketch=drawing, doodle=drawing)

    def fields(self, settings: QuickDrawSettings) -> set[str]:
        """Return drawings alone, which runs read as doodles or as sketches."""
        return {"sketch", "doodle"}

    def field_sets(self, settings: QuickDrawSettings) -> list[set[str]]:
        """Return that a drawing is either, not both: a run would read its own target."""
        return [{field} for field in sorted(self.fields(settings))]

    def variants(self, root: Path) -> list[QuickDrawSettings]:
        """Return settings of each file of drawings that can be read."""
        return [
            self.minimal_settings(
                root,
                file=path.relative_to(root).as_posix(),
                recognized=False,
                pen=PEN,
                test_fraction=0.1,
            )
            for path in _files(root)
            if _is_readable(path)
        ]

    def validate(self, root: Path | str) -> list[str]:
        """Count the drawings of every .npy and .ndjson file below a folder."""
        root = Path(root)
        lines: list[str] = []
        for path in _files(root):
            try:
                items = (_bitmaps(path) if path.suffix == ".npy" else _lines(path, False))[0]
            except SketchFaceError as error:
                lines.append(f"{FAULT}{error}")
                continue
            again = len(items) - len({item.id for item in items})
            name = path.relative_to(root)
            lines.append(f"{name}: {len(items)} drawings, {again} of them a second time")
        return lines or [f"{FAULT}{root}: no .npy or .ndjson file in it"]


def draw(strokes: Strokes, size: int, pen: float = PEN) -> np.ndarray:
    """Draw strokes as the publisher does, black on white.

    The drawing is shifted to the frame's corner, scaled until its longer side fills the frame
    (which simplified ones do already), and centred.

    Args:
        strokes: of one drawing, in any units.
        size: side of the picture in pixels.
        pen: width of the lines, in units of the frame.

    Returns:
        (size, size) uint8, 255 = paper, antialiased.
    """
    points = np.concatenate(strokes)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    fit = FRAME / max(float(extent.max()), 1e-9) if extent.max() > 0 else 1.0
    whole = FRAME + 1 + 2 * MARGIN + PEN
    fine = size * max(2, -(-_FINE // size))
    scale = fine / whole
    offset = (whole - extent * fit) / 2
    canvas = np.zeros((fine, fine), np.uint8)
    for stroke in strokes:
        # OpenCV's whole numbers are pixel centres; here they are pixels' edges.
        points = ((stroke - low) * fit + offset) * scale - 0.5
        fixed = np.rint(points * 2**_SUBPIXEL).astype(np.int32)
        width = max(1, round(pen * scale))
        fixed = fixed if len(fixed) > 1 else np.repeat(fixed, 2, axis=0)  # a dot is a line too
        cv2.polylines(canvas, [fixed], False, (255,), width, cv2.LINE_8, _SUBPIXEL)
    return 255 - cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)


def _files(root: Path) -> list[Path]:
    return sorted({*root.rglob("*.npy"), *root.rglob("*.ndjson")})


def _is_readable(path: Path) -> bool:
    try:
        return _load(path).ndim == 2 if path.suffix == ".npy" else path.is_file()
    except SketchFaceError:
        return False


def _bitmaps(path: Path) -> tuple[list[Item], list[Rejection]]:
    items: list[Item] = []
    seen: Counter[str] = Counter()
    rejected: list[Rejection] = []
    for row, bitmap in enumerate(_load(path)):
        content = hashlib.sha256(bitmap.tobytes()).hexdigest()
        id = f"{path.stem}-{content[:16]}"
        seen[id] += 1
        if seen[id] > 1:
            reason = Spare(f"{path.name}: row {row} is a drawing that it has already")
            rejected.append((id, reason))
        else:
            items.append(Drawing(id, path.stem, content=content, path=path, position=row))
    return items, rejected


def _load(path: Path) -> np.ndarray:
    """Map a bitmap file into memory, (N, 784) uint8.

    Raises:
        SketchFaceError: if it is missing or holds anything else.
    """
    _check_there(path)
    try:
        bitmaps = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception:  # numpy answers damaged headers with exceptions of every kind
        raise SketchFaceError(f"{path}: not a readable .npy file; fetch it again") from None
    if not isinstance(bitmaps, np.ndarray) or bitmaps.dtype != np.uint8 or bitmaps.ndim != 2:
        raise SketchFaceError(f"{path}: not QuickDraw's bitmaps (N x 784 bytes); fetch it again")
    if bitmaps.shape[1] != SIDE * SIDE:
        raise SketchFaceError(f"{path}: rows of {bitmaps.shape[1]} bytes, not 784; fetch it again")
    return bitmaps


def _lines(path: Path, only_recognized: bool) -> tuple[list[Item], list[Rejection]]:
    items: list[Item] = []
    rejected = []
    for number, (position, line) in enumerate(_numbered_lines(path), start=1):
        try:
            _, entry = _parse(line)
            content = hashlib.sha256(json.dumps(entry["drawing"]).encode()).hexdigest()
        except (SketchFaceError, RecursionError) as error:
            rejected.append((f"{path.stem}-line-{number}", f"{path.name}: line {number}: {error}"))
            continue
        id = str(entry["key_id"])
        if only_recognized and entry.get("recognized") is False:
            rejected.append((id, Spare(f"{id}: not recognised by the game (data.recognized)")))
            continue
        items.append(Drawing(id, path.stem, content=content, path=path, position=position))
    return items, rejected


def _check_there(path: Path) -> None:
    try:
        exists = path.is_file()  # of a pipe no end would be seen
    except (OSError, ValueError):
        exists = False
    if not exists:
        raise SketchFaceError(f"data.file: {path} is not there; fetch it or name another")


def _numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank after the byte at which it begins."""
    _check_there(path)
    position = 0
    try:
        with path.open("rb") as file:
            bar = tqdm(file, desc=path.name, unit=" drawings", leave=False, disable=None)
            for line in bar:
                if line.strip():
                    yield position, line
                position += len(line)
    except OSError as error:
        raise SketchFaceError(
            f"data.file: {path}: {error.strerror}; fetch it or name another"
        ) from None


def _parse(line: bytes) -> tuple[Strokes, dict[str, Any]]:
    """Parse one line: its strokes, and its whole record.

    Raises:
        SketchFaceError: saying what is wrong with it.
    """
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        raise SketchFaceError("not JSON") from None
    key = entry.get("key_id") if isinstance(entry, dict) else None
    if not isinstance(key, str | int) or not _KEY.fullmatch(str(key)):
        raise SketchFaceError("no key_id of at most 80 letters and digits")
    strokes = entry.get("drawing")
    if not isinstance(strokes, list) or not strokes:
        raise SketchFaceError(f"drawing {key}: no strokes")
    return [_stroke(stroke, key) for stroke in strokes], entry


def _stroke(stroke: Any, id: object) -> np.ndarray:
    """Return one stroke's x and y, (n, 2); time and the like are ignored."""
    try:
        x, y = (np.array(part, float) for part in _first_two(stroke))
    except (TypeError, ValueError, OverflowError):
        raise SketchFaceError(f"drawing {id}: a stroke that is not [[x, ...], [y, ...]]") from None
    points = np.stack([x, y], axis=1) if x.shape == y.shape and x.ndim == 1 else np.empty(0)
    if not points.size or not np.isfinite(points).all() or np.abs(points).max() > 1e6:
        raise SketchFaceError(f"drawing {id}: a stroke that is empty, uneven or beyond all bounds")
    return points


def _first_two(stroke: Sequence[Any]) -> Sequence[Any]:
    if not isinstance(stroke, list) or len(stroke) < 2:
        raise TypeError
    return stroke[:2]
