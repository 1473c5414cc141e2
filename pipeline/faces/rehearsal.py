"""Read every face of a data set as ingest does, and write nothing: what would be left out, and why.

`sketchface validate` says it of a folder, and `check` of sets so small that it takes no time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import joblib
import numpy as np
from tqdm import tqdm

from face_geometry.palette import CLASSES
from pipeline.common.parallel import pool
from pipeline.datasets.base import Adapter, DataSettings, Item, Rejection
from pipeline.faces.duplicates import find_duplicates, photo_hash
from pipeline.faces.ingest import read_aligned, reason_of
from pipeline.faces.plan import Plan
from pipeline.faces.splits import together
from pipeline.faces.whole_sets import check_any, check_splits
from pipeline.translation.map_layout import in_other_order
from sketchface_models.errors import SketchFaceError

_TOGETHER = 64  # faces that a process reads at once


@dataclass
class Rehearsal:
    """What ingest would make of a data set.

    left_out: faces and files, with the reason. hashes: perceptual hash of each photo that can be
    used, by id, sorted; None where it has no features, or the face no photo. maps: number of faces
    with parsing maps. in_maps: how many of them show each class, (19,) int. other_order: how many
    have their parts in place only in the class order of face-parsing.PyTorch.
    """

    left_out: list[Rejection] = field(default_factory=list)
    hashes: dict[str, bytes | None] = field(default_factory=dict)
    maps: int = 0
    in_maps: np.ndarray = field(default_factory=lambda: np.zeros(len(CLASSES), int))
    other_order: int = 0

    @property
    def order_warning(self) -> str:
        """One line if the parsing maps are numbered in another order; else empty."""
        if self.other_order * 2 <= self.maps:
            return ""
        return (
            f"{self.other_order} of {self.maps} parsing maps look numbered in the class order of "
            "face-parsing.PyTorch; give them CelebAMask-HQ's numbers"
        )

    def _add(self, other: Rehearsal) -> None:
        self.left_out += other.left_out
        self.hashes |= other.hashes
        self.maps += other.maps
        self.in_maps += other.in_maps
        self.other_order += other.other_order


def rehearse(adapter: Adapter[Any], planned: Plan, settings: DataSettings) -> Rehearsal:
    """Read and align every face of a plan, in parallel where there are many."""
    whole = Rehearsal(left_out=list(planned.rejected))
    items = sorted(planned.items, key=lambda item: item.id)
    parts = [items[start : start + _TOGETHER] for start in range(0, len(items), _TOGETHER)]
    bar = tqdm(total=len(items), desc="read", unit="face", leave=False, disable=None)
    with pool(len(parts)) as run, bar:
        for part in run(joblib.delayed(_read)(adapter, part, settings) for part in parts):
            whole._add(part)
            bar.update(len(part.hashes) + len(part.left_out))
    whole.left_out[len(planned.rejected) :] = sorted(whole.left_out[len(planned.rejected) :])
    whole.hashes = dict(sorted(whole.hashes.items()))
    return whole


def check_settled(
    planned: Plan, rehearsal: Rehearsal, settings: DataSettings, wanted: Sequence[str]
) -> None:
    """Refuse a data set as ingest will, once faces are left out and copies share a split.

    Raises:
        SketchFaceError: if no face can be used, or none is in a wanted split.
    """
    check_any(rehearsal.hashes, settings, [reason for _, reason in rehearsal.left_out])
    usable = [item for item in planned.items if item.id in rehearsal.hashes]
    splits = {item.id: item.split or "" for item in usable}
    duplicates = find_duplicates(rehearsal.hashes, {}, settings.duplicate_distance)
    changes = together(duplicates.groups, splits, planned.seeded_from)
    check_splits(
        [(item.kind, (splits | changes)[item.id]) for item in usable],
        settings,
        wanted,
        duplicates.note(settings.duplicate_distance) if changes else "",
    )


def _read(adapter: Adapter[Any], items: Sequence[Item], settings: DataSettings) -> Rehearsal:
    """Read some of the faces; runs in a worker process."""
    cv2.setNumThreads(1)  # the workers share the cores among themselves
    part = Rehearsal()
    for item in items:
        try:
            face, _, _ = read_aligned(adapter, item, settings)
        except SketchFaceError as error:
            part.left_out.append((item.id, reason_of(error, adapter, settings)))
            continue
        part.hashes[item.id] = None if face.photo is None else photo_hash(face.photo)
        if face.labels is not None:
            part.maps += 1
            part.in_maps[np.unique(face.labels)] += 1
            part.other_order += in_other_order(face.labels)
    return part
