"""Read a pack: what a run learns from, one memory-mapped array a field.

    pack.json       see below
    FIELD.npy       (N, C, S, S) uint8, rows in the order of its domain's ids

`pack.json` holds `size`, the side of the pictures (`sizes`, {field: side}, lists those of another
side), `fields` {name: channels}, `inputs`, `target`, `sees_target` where the task says so, and
`faces`: how the photos were framed, so that others can be brought to the same form. `ids`, `splits`
and `styles` describe the faces of the first domain, which has the inputs. A paired run has no
other; an unpaired one lists the faces that have its target under `domains`: [{fields, ids, splits,
styles}].

The field `style` has no file: its C planes, 255 at the plane of the face's style and 0 elsewhere,
follow from `styles`, and its arrays are (N, C).

`train` depends on this folder (and its start) alone, and it is what travels to a GPU machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import PARSING
from sketchface_models.styles import STYLE, style_planes
from sketchface_models.systems.base import Batch

UNCENTRED = ("depth", STYLE)
"""Fields that stay in [0, 1]; all others go to [-1, 1]."""


@dataclass(frozen=True)
class Domain:
    """Faces that have all of some fields: what rows of those fields' arrays stand for."""

    fields: tuple[str, ...]
    ids: list[str]
    splits: list[str]
    styles: list[int | None]

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.splits) == len(self.styles):
            raise ValueError("ids, splits and styles differ in length")

    def rows(self, split: str) -> np.ndarray:
        """Return the row numbers of a split: (n,) int64."""
        return np.flatnonzero(np.asarray(self.splits) == split)


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
            self.sizes: dict[str, int] = dict.fromkeys(self.channels, self.size)
            self.sizes |= about.get("sizes", {})
            self.inputs: list[str] = about["inputs"]
            self.target: str = about["target"]
            self.sees_target: bool = about.get("sees_target", False)
            self.faces: dict[str, Any] = dict(about.get("faces", {}))
            self.domains = _domains(about)
            # Still mapped, but without the bookkeeping that np.memmap adds to every slice.
            self.arrays = {
                name: np.asarray(np.load(self.folder / f"{name}.npy", mmap_mode="r"))
                for name in self.channels
                if name != STYLE
            }
            if STYLE in self.channels:
                styles = self.domain_of(STYLE).styles
                self.arrays[STYLE] = style_planes(styles, self.channels[STYLE])
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SketchFaceError(
                f"{folder}: not a whole pack ({error}); rerun its pack stage"
            ) from None
        self._check_arrays()

    @property
    def ids(self) -> list[str]:
        """Ids of the first domain's faces."""
        return self.domains[0].ids

    @property
    def splits(self) -> list[str]:
        """Split of each face of the first domain."""
        return self.domains[0].splits

    @property
    def styles(self) -> list[int | None]:
        """Style of each face of the first domain, from 1; None where it has none."""
        return self.domains[0].styles

    @property
    def pictures(self) -> list[str]:
        """Names of the fields that are pictures: all but the style."""
        return [name for name in self.arrays if name != STYLE]

    def rows(self, split: str) -> np.ndarray:
        """Return the row numbers of a split in the first domain: (n,) int64."""
        return self.domains[0].rows(split)

    def domain_of(self, field: str) -> Domain:
        """Return the domain whose rows a field's array has."""
        return next(domain for domain in self.domains if field in domain.fields)

    def paired_rows(self, split: str) -> list[np.ndarray]:
        """Return, for each domain, the rows of the faces of a split that all domains have.

        All faces of the split in a paired pack; in an unpaired one there may be none.
        """
        ids = set.intersection(
            *({domain.ids[row] for row in domain.rows(split)} for domain in self.domains)
        )
        chosen = []
        for domain in self.domains:
            rows = [row for row in domain.rows(split) if domain.ids[row] in ids]
            if len(self.domains) > 1:  # in one order everywhere
                rows.sort(key=lambda row: domain.ids[row])
            chosen.append(np.asarray(rows, np.int64))
        return chosen

    def read(self, rows: np.ndarray, fields: Sequence[str] | None = None) -> dict[str, Tensor]:
        """Return raw uint8 tensors by field: (B, C, S, S), the style (B, C).

        Args:
            rows: of the domain that the fields belong to.
            fields: to read; all of the first domain if None.
        """
        order = np.asarray(rows)
        return {
            name: torch.from_numpy(np.ascontiguousarray(self.arrays[name][order]))
            for name in (fields or self.domains[0].fields)
        }

    def read_domains(self, rows: Sequence[np.ndarray]) -> dict[str, Tensor]:
        """Return raw uint8 tensors of all fields, from the rows of each domain."""
        batch: dict[str, Tensor] = {}
        for domain, own in zip(self.domains, rows, strict=True):
            batch |= self.read(own, domain.fields)
        return batch

    def read_faces(self, rows: np.ndarray, fields: Sequence[str]) -> dict[str, Tensor]:
        """Return raw uint8 tensors of faces by field, whichever domain each field belongs to.

        Args:
            rows: of the first domain, of faces that the fields' domains have too.
            fields: to read.
        """
        ids = [self.ids[row] for row in rows]
        batch: dict[str, Tensor] = {}
        for domain in self.domains:
            names = [name for name in fields if name in domain.fields]
            own = {id: row for row, id in enumerate(domain.ids)}
            if names:
                batch |= self.read(np.array([own[id] for id in ids], np.int64), names)
        return {name: batch[name] for name in fields}

    def sample(
        self,
        name: str,
        rows: np.ndarray,
        lines: np.ndarray,
        columns: np.ndarray,
        side: int | None = None,
    ) -> Tensor:
        """Return pictures of a field with the pixels of each rearranged in its own way.

        Args:
            name: of the field.
            rows: (B,) row numbers.
            lines: (B, S) int64, the line of the stored picture that each line comes from.
            columns: (B, S) int64, likewise.
            side: resize the stored pictures to it first, and count lines and columns in these;
                bilinear, labels by the nearest pixel.

        Returns:
            Raw uint8, (B, C, S, S).
        """
        array = self.arrays[name]
        if side not in (None, array.shape[-1]):
            array, rows = _resized(name, array[rows], side), np.arange(len(rows))
        moved = np.empty((len(rows), array.shape[1], *[lines.shape[1]] * 2), np.uint8)
        for picture, row, y, x in zip(moved, rows, lines, columns, strict=True):
            # Whole lines first, which are copied in one go. "clip" writes without a buffer.
            np.take(array[row].take(y, axis=1), x, axis=2, out=picture, mode="clip")
        return torch.from_numpy(moved)

    def _check_arrays(self) -> None:
        for name in self.pictures:
            array, side = self.arrays[name], self.sizes[name]
            expected = (len(self.domain_of(name).ids), self.channels[name], side, side)
            if array.shape != expected or array.dtype != np.uint8:
                raise SketchFaceError(
                    f"{self.folder / name}.npy: {array.dtype} {array.shape}, expected uint8 "
                    f"{expected}; rerun its pack stage"
                )


def normalise(raw: dict[str, Tensor], device: torch.device) -> Batch:
    """Return new float32 tensors on the device: pictures in [-1, 1], depth and style in [0, 1]."""
    batch = {}
    for name, tensor in raw.items():
        value = tensor.to(device, non_blocking=True).to(torch.float32, copy=True)
        batch[name] = value.div_(255) if name in UNCENTRED else value.div_(127.5).sub_(1)
    return batch


def _domains(about: Mapping[str, Any]) -> list[Domain]:
    others = [
        Domain(tuple(each["fields"]), each["ids"], each["splits"], each["styles"])
        for each in about.get("domains", [])
    ]
    elsewhere = {name for domain in others for name in domain.fields}
    fields = tuple(name for name in about["fields"] if name not in elsewhere)
    return [Domain(fields, about["ids"], about["splits"], about["styles"]), *others]


def _resized(name: str, pictures: np.ndarray, side: int) -> np.ndarray:
    """(B, C, S, S) uint8 -> (B, C, side, side) uint8."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures)).float()
    if name == PARSING:
        resized = F.interpolate(tensor, (side, side), mode="nearest-exact")
    else:
        resized = F.interpolate(tensor, (side, side), mode="bilinear").round_()
    return resized.to(torch.uint8).numpy()
