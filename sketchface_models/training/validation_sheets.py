"""Validation sheets: pictures that show how far training has come, as PNG files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor

from sketchface_models.atomic import atomic_file
from sketchface_models.labels import COLOURS, PARSING
from sketchface_models.pixels import from_signed
from sketchface_models.styles import STYLE
from sketchface_models.systems.base import System
from sketchface_models.training.pack_reader import Pack, normalise

SHEET_FACES = 8
"""Validation faces on a sheet."""
SHEET_SAMPLES = 2
"""Samples of each face, of systems that have random codes."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRUE_COLOUR = 2
"""PNG specification, section 11.2.2: colour type of RGB pixels."""

SheetObserver = Callable[[int, Path], None]
"""Called with each validation sheet: steps done, and its PNG file."""


class SheetWriter:
    """Writes validation sheets into a folder and calls observers; rank zero alone does.

    Args:
        folder: for the PNG files.
        fabric: of the run.
        observers: called with each sheet.
    """

    def __init__(
        self, folder: Path, fabric: Fabric, observers: tuple[SheetObserver, ...] = ()
    ) -> None:
        self.folder, self.fabric, self.observers = folder, fabric, observers

    def write(self, step: int, sheet: np.ndarray) -> None:
        """Write the sheet after `step` steps, (H, W, 3) uint8."""
        if not self.fabric.is_global_zero:
            return
        path = self.folder / f"step-{step:07d}.png"
        write_png(path, sheet)
        for observer in self.observers:
            observer(step, path)


@torch.no_grad()
def validation_sheet(system: System, pack: Pack, device: torch.device) -> np.ndarray | None:
    """Return the first validation faces side by side, in lines.

    A line for each input; then, for each output, one for what is generated and one for its field;
    then `SHEET_SAMPLES` for each output that the system samples with random codes.

    Returns:
        (lines x size, faces x size, 3) uint8; None if there are no validation faces.
    """
    rows = [domain.rows("val") for domain in pack.domains]
    faces = min(SHEET_FACES, *map(len, rows))
    if not faces:
        return None
    raw = pack.read_domains([each[:faces] for each in rows])
    batch = normalise(raw, device)

    fields = {name: output.field for name, output in system.outputs.items()}
    lines = [(name, raw[name]) for name in pack.inputs if name != STYLE]
    for name, image in system.generate_all(batch).items():
        lines += [(fields[name], _levels(image)), (fields[name], raw[fields[name]])]
    generator = torch.Generator(device).manual_seed(0)
    for _ in range(SHEET_SAMPLES):
        samples = system.sample(batch, generator)
        lines += [(fields[name], _levels(image)) for name, image in samples.items()]
        if not samples:
            break
    size = pack.size
    return torch.cat([_side_by_side(name, _fit(each, size)) for name, each in lines]).numpy()


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write a picture as PNG, atomically, with the standard library alone.

    Args:
        path: of the file.
        pixels: (H, W, 3) uint8, RGB.

    Raises:
        ValueError: for any other shape or type.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f"{pixels.dtype} {pixels.shape}: not an RGB picture of bytes")
    height, width, _ = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, TRUE_COLOUR, 0, 0, 0)
    # Every line starts with the number of its filter: 0, none.
    lines = np.zeros((height, 1 + 3 * width), np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    data = zlib.compress(lines.tobytes())
    with atomic_file(path) as temporary:
        temporary.write_bytes(
            PNG_SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
        )


def _chunk(kind: bytes, content: bytes) -> bytes:
    length, check = len(content), zlib.crc32(kind + content)
    return struct.pack(">I", length) + kind + content + struct.pack(">I", check)


def _levels(image: Tensor) -> Tensor:
    """(B, C, S, S) in [-1, 1] -> uint8, on the CPU."""
    return from_signed(image).to(torch.uint8).cpu()


def _fit(pictures: Tensor, size: int) -> Tensor:
    """Pictures of another side, (B, C, S, S), by their nearest pixels at `size`."""
    if pictures.shape[-1] == size:
        return pictures
    return F.interpolate(pictures, (size, size), mode="nearest-exact")


def _side_by_side(name: str, pictures: Tensor) -> Tensor:
    """(B, C, S, S) uint8 of a field -> (S, B x S, 3).

    Labels get their colours; three channels are colours, of others the first is shown.
    """
    if name == PARSING:
        table = torch.tensor(COLOURS, dtype=torch.uint8)
        pictures = table[pictures[:, 0].long().clamp(max=len(table) - 1)].permute(0, 3, 1, 2)
    coloured = pictures if pictures.shape[1] == 3 else pictures[:, :1].expand(-1, 3, -1, -1)
    return coloured.permute(2, 0, 3, 1).flatten(1, 2)
