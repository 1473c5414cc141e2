"""Read a pack: what a run learns from, one memory-mapped array a field.

    pack.json       size, fields {name: channels}, inputs, target, ids, splits, styles, and `faces`:
                    how the photos were framed, so that others can be brought to the same form
    FIELD.npy       (N, C, S, S) uint8, rows in the order of `ids`

The field `style` has no file: its C planes, 255 at the plane of the face's style and 0 elsewhere,
follow from `styles`, and its arrays are (N, C).

`train` depends on this folder alone, and it is what travels to a GPU machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.styles import STYLE, style_planes
from sketchface_models.systems.base import Batch

UNCENTRED = ("depth", STYLE)
"""Fields that stay in [0, 1]; all others go to [-1, 1]."""


class Pack:
    """A pack folder, opened for reading.

    Raises:
        SketchFaceError: if the folder is no whole pack.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        try:
            about = json.loads((self.folder / "pack.json").read_text(encoding="utf-8"))
            self.size: int = about["size"]
            self.channels: dict[str, int] = dict(about["fields"])
            self.inputs: list[str] = about["inputs"]
            self.target: str = about["target"]
            self.ids: list[str] = about["ids"]
            self.splits: list[str] = about["splits"]
            self.styles: list[int | None] = about["styles"]
            self.faces: dict[str, Any] = dict(about.get("faces", {}))
            if not len(self.ids) == len(self.splits) == len(self.styles):
                raise ValueError("ids, splits and styles differ in length")
            # Still mapped, but without the bookkeeping that np.memmap adds to every slice.
            self.arrays = {
                name: np.asarray(np.load(self.folder / f"{name}.npy", mmap_mode="r"))
                for name in self.channels
                if name != STYLE
            }
            if STYLE in self.channels:
                self.arrays[STYLE] = style_planes(self.styles, self.channels[STYLE])
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SketchFaceError(
                f"{folder}: not a whole pack ({error}); rerun its pack stage"
            ) from None
        for name in self.pictures:
            array = self.arrays[name]
            expected = (len(self.ids), self.channels[name], self.size, self.size)
            if array.shape != expected or array.dtype != np.uint8:
                raise SketchFaceError(
                    f"{self.folder / name}.npy: {array.dtype} {array.shape}, expected uint8 "
                    f"{expected}; rerun its pack stage"
                )

    @property
    def pictures(self) -> list[str]:
        """Names of the fields that are pictures: all but the style."""
        return [name for name in self.arrays if name != STYLE]

    def rows(self, split: str) -> np.ndarray:
        """Return the row numbers of a split: (n,) int64."""
        return np.flatnonzero(np.asarray(self.splits) == split)

    def read(self, rows: np.ndarray, fields: list[str] | None = None) -> dict[str, Tensor]:
        """Return raw uint8 tensors by field: (B, C, S, S), the style (B, C)."""
        order = np.asarray(rows)
        return {
            name: torch.from_numpy(np.ascontiguousarray(self.arrays[name][order]))
            for name in (fields or list(self.arrays))
        }

    def sample(self, rows: np.ndarray, lines: np.ndarray, columns: np.ndarray) -> dict[str, Tensor]:
        """Return all fields with the pixels of each picture rearranged in its own way.

        Args:
            rows: (B,) row numbers.
            lines: (B, S) int64, the line of the stored picture that each line comes from.
            columns: (B, S) int64, likewise.

        Returns:
            Raw uint8 tensors by field, (B, C, S, S); the style (B, C).
        """
        batch = self.read(rows, [STYLE]) if STYLE in self.arrays else {}
        for name in self.pictures:
            array = self.arrays[name]
            moved = np.empty((len(rows), *array.shape[1:]), np.uint8)
            for picture, row, y, x in zip(moved, rows, lines, columns, strict=True):
                # Whole lines first, which are copied in one go. "clip" writes without a buffer.
                np.take(array[row].take(y, axis=1), x, axis=2, out=picture, mode="clip")
            batch[name] = torch.from_numpy(moved)
        return batch


def normalise(raw: dict[str, Tensor], device: torch.device) -> Batch:
    """Return new float32 tensors on the device: pictures in [-1, 1], depth and style in [0, 1]."""
    batch = {}
    for name, tensor in raw.items():
        value = tensor.to(device, non_blocking=True).to(torch.float32, copy=True)
        batch[name] = value.div_(255) if name in UNCENTRED else value.div_(127.5).sub_(1)
    return batch
