"""CelebA: 202,599 photos of 10,177 people, as its publisher lays them out.

    [Img/]img_align_celeba/000001.jpg   178 x 218, turned and scaled by the publisher
    [Img/]img_celeba/000001.jpg         before alignment
    [Eval/]list_eval_partition.txt      `000001.jpg 0`: 0 train, 1 val, 2 test

Published by Liu et al. 2015. Photos alone; no person stands in two splits. Without the list (or for
photos it does not name) splits are seeded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from face_geometry.align import PORTRAIT, Framing
from pipeline.common.picture_files import safe_id
from pipeline.datasets.base import (
    FAULT,
    SPLITS,
    Adapter,
    DataSettings,
    Item,
    Offer,
    counted,
    faults,
)
from pipeline.datasets.listing import first_existing, pictures, with_unique_ids
from sketchface_models.config import between
from sketchface_models.errors import SketchFaceError

IMAGES = ("img_align_celeba", "img_celeba")
PARTITION = "list_eval_partition.txt"

# The aligned photos have eyes and mouth about where their publisher's list of five points puts
# them; a few of its lines, as others quote them, were at hand, the photos were not. It stands in
# for the few profiles in which no face is found, so that all of them get through.
FRAMING = Framing(
    points=PORTRAIT.points,
    median={"img_align_celeba": ((0.39, 0.511), (0.605, 0.511), (0.497, 0.697))},
)
_PROMISED = {"train": 162_770, "val": 19_867, "test": 19_962}


@dataclass(frozen=True)
class CelebASettings(DataSettings):
    """The `data` section for CelebA."""

    images: Literal["img_align_celeba", "img_celeba"]
    """Which of the two sets of photos."""
    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the photos that becomes the test split where there is no list of the publisher's."""


class CelebA(Adapter[CelebASettings]):
    """CelebA: photos alone, in the publisher's split where its list is there."""

    name = "celeba"
    Settings = CelebASettings
    framing = FRAMING
    signs = ("img_*celeba",)

    def find(self, settings: CelebASettings) -> Offer:
        """Return every photo of the chosen kind that is there, in the publisher's split.

        Photos that are listed and missing are no error here: many keep a part of CelebA.

        Raises:
            SketchFaceError: if the photos' folder is missing or the list unreadable.
        """
        root = Path(settings.root)
        folder = _folder(root, settings.images)
        splits = _partition(root)
        named, rejected = pictures(folder)
        items = [
            Item(safe_id(name), settings.images, splits.get(path.stem), files={"photo": path})
            for name, path in named
        ]
        return Offer(with_unique_ids(items), rejected)

    def variants(self, root: Path) -> list[CelebASettings]:
        """Return settings of each kind of photos that is there."""
        present = [name for name in IMAGES if first_existing(root, _candidates(name))]
        return [self.minimal_settings(root, images=name, test_fraction=0.1) for name in present]

    def validate(self, root: Path | str) -> list[str]:
        """Count the photos beside what the publisher promises.

        Raises:
            SketchFaceError: if neither folder of photos is there, or the list is unreadable.
        """
        root = Path(root)
        splits = _partition(root)
        lines = [f"{PARTITION}: {len(splits)} photos"] if splits else [f"{FAULT}no {PARTITION}"]
        present = [name for name in IMAGES if first_existing(root, _candidates(name))]
        for name in present or IMAGES[:1]:
            photos = {path.stem for _, path in pictures(_folder(root, name))[0]}
            counts = Counter(splits.get(photo) for photo in photos)
            for split in SPLITS:
                lines.append(counted(f"{name} {split}", counts[split], _PROMISED[split], "photos"))
            lost = [f"{name}/{photo}: missing" for photo in sorted(splits.keys() - photos)]
            lines += faults(lost, "missing photos")
        return lines


def _candidates(name: str) -> tuple[str, ...]:
    # The archives hold a folder of their own name, in which unpacking may end twice.
    return (f"{name}/{name}", f"Img/{name}/{name}", name, f"Img/{name}")


def _folder(root: Path, name: str) -> Path:
    folder = first_existing(root, _candidates(name))
    if folder is None:
        raise SketchFaceError(
            f"{root}: neither {name} nor Img/{name} in it; point data.root at CelebA's folder"
        )
    return folder


def _partition(root: Path) -> dict[str, str]:
    """Return file name without ending -> split; empty where there is no list."""
    path = first_existing(root, (PARTITION, f"Eval/{PARTITION}"))
    if path is None:
        return {}
    splits: dict[str, str] = {}
    line = ""
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                name, code = line.split()
                splits[Path(name).stem] = SPLITS[("0", "1", "2").index(code)]
    except OSError as error:
        raise SketchFaceError(f"{path}: {error.strerror}; check that it is readable") from None
    except ValueError:  # not two words, not one of the codes, or no text at all
        raise SketchFaceError(
            f"{path}: {line[:40]!r} is not like '000001.jpg 0'; fetch it again"
        ) from None
    return splits
