"""What the adapters' `validate` functions share.

They give lines for people to read; the ones that begin with `FAULT` make the command fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from pipeline.common.images import read_image
from sketchface_models.errors import SketchFaceError

FAULT = "fault: "
_SHOWN = 20


def faults(lines: Sequence[str], kind: str) -> list[str]:
    """Fault lines, the first 20 in full and the rest as a number of `kind`."""
    shown = [FAULT + line for line in lines[:_SHOWN]]
    more = len(lines) - _SHOWN
    return shown if more <= 0 else [*shown, f"{FAULT}and {more} more {kind}"]


def counted(what: str, count: int, promised: int, kind: str) -> str:
    """How many there are of something; a fault where its publisher promises another number."""
    line = f"{what}: {count} {kind}"
    return line if count == promised else f"{FAULT}{line} of {promised}"


def undecodable(paths: Sequence[Path], root: Path) -> list[str]:
    """One line for each picture that cannot be decoded whole."""
    lines = []
    for path in tqdm(paths, desc="decode", unit="file", leave=False, disable=None):
        try:
            read_image(path)
        except SketchFaceError as error:
            lines.append(str(error).replace(f"{root}/", ""))
    return lines
