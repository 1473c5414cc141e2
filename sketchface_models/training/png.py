"""Writing PNG files with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from sketchface_models.atomic import atomic_file

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TRUE_COLOUR = 2
"""PNG specification, section 11.2.2: colour type of RGB pixels."""


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write a picture atomically.

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
            SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")
        )


def _chunk(kind: bytes, content: bytes) -> bytes:
    length, check = len(content), zlib.crc32(kind + content)
    return struct.pack(">I", length) + kind + content + struct.pack(">I", check)
