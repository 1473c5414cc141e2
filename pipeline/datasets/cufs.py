"""CUFS: 606 faces, each with a photo and the sketch an artist drew of it.

CUHK students (188), AR (123) and XM2VTS (295), of Wang and Tang, "Face Photo-Sketch Synthesis and
Recognition" (PAMI 2009). A picture is a photo or a sketch as the nearest folder says that has the
word in its name: `photos/`, `sketches/`, `CUHK_testing_cropped_sketches/`. File names:

    CUHK      f-005-01.jpg  F2-005-01-sz1.jpg    f1-001-01.jpg  f1-001-01-sz1.jpg
    AR        m-001-1.jpg   Mp-001-1-sz1.jpg
    XM2VTS    000_1_1.jpg   000_1_1_sz1.jpg

The names of CUHK are as others list them; those of AR and XM2VTS were checked against no copy of
the data. A pair needs photo and sketch in one framing, as the `cropped` archives (200 x 250) have
them. The publisher's parts of CUHK, `training` and `testing` in a folder's name, are the splits;
else, and for AR and XM2VTS, which came without, splits are seeded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pipeline.datasets.base import (
    FAULT,
    Adapter,
    DataSettings,
    Item,
    Offer,
    Spare,
)
from pipeline.datasets.listing import Named, paired, pictures
from sketchface_models.config import between

_PROMISED = {"CUHK": 188, "AR": 123, "XM2VTS": 295}
_ENDING = re.compile(r"[-_]sz[0-9]*$")
_SOURCES = {
    "CUHK": re.compile(r"[fm]1?-[0-9]{3}-[0-9]{2}"),
    "AR": re.compile(r"[mw]-[0-9]{3}-[0-9]"),
    "XM2VTS": re.compile(r"[0-9]{3}_[0-9]_[0-9]"),
}
_ARTISTS = re.compile(r"(?<=^[fm])2(?=-)|(?<=^[mw])p(?=-)")
"""What sketches have in front of the number and their photos have not."""


@dataclass(frozen=True)
class CUFSSettings(DataSettings):
    """The `data` section for CUFS."""

    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the faces without a publisher's split that becomes the test split."""


class CUFS(Adapter[CUFSSettings]):
    """CUFS: photos and the sketches that artists made of them."""

    name = "cufs"
    Settings = CUFSSettings

    def find(self, settings: CUFSSettings) -> Offer:
        """Return every pair, and a reason for each picture without a partner or a known name."""
        root = Path(settings.root)
        named, rejected = pictures(root)
        photos: list[Named] = []
        sketches: list[Named] = []
        for name, path in named:
            face, role = key(path.stem), _role(path.relative_to(root))
            if source(face) is None:
                rejected.append((name, Spare(f"{path.name}: not a name that CUFS gives")))
            elif role is None:
                reason = Spare(f"{path.name}: in no folder of photos or sketches")
                rejected.append((name, reason))
            else:
                (photos if role == "photo" else sketches).append((face, path))
        pairs, unpaired = paired(photos, sketches)
        items = [
            Item(face, source(face) or "", _split(files["photo"].relative_to(root)), files=files)
            for face, files in pairs
        ]
        return Offer(items, rejected + unpaired)

    def fields(self, settings: CUFSSettings) -> set[str]:
        """Return what every pair has."""
        return {"photo", "sketch"}

    def variants(self, root: Path) -> list[CUFSSettings]:
        """Return settings of the one kind."""
        return [self.minimal_settings(root, size=250, test_fraction=0.4)]

    def validate(self, root: Path | str) -> list[str]:
        """Count the pairs of each part of CUFS that is there.

        Of a part that is there at all, all the publisher's pairs must be.
        """
        (settings,) = self.variants(Path(root))
        counts = Counter(item.source for item in self.find(settings).items)
        return [
            *(_count_line(name, counts[name]) for name in _PROMISED),
            *([] if counts else [f"{FAULT}{root}: no pair of CUFS in it"]),
        ]


def key(stem: str) -> str:
    """Return the face that a file name stands for: `F2-005-01-sz1` is `f-005-01`."""
    return _ARTISTS.sub("", _ENDING.sub("", stem.lower()))


def source(face: str) -> str | None:
    """Return the part of CUFS whose names look like a face's key; None if none do."""
    return next((name for name, form in _SOURCES.items() if form.fullmatch(face)), None)


def _count_line(name: str, count: int) -> str:
    line = f"{name}: {count} pairs of {_PROMISED[name]}"
    return line if count in (0, _PROMISED[name]) else FAULT + line


def _role(inside: Path) -> str | None:
    for word in _words(inside):
        if word in ("photo", "photos"):
            return "photo"
        if word in ("sketch", "sketches"):
            return "sketch"
    return None


def _split(inside: Path) -> str | None:
    for word in _words(inside):
        if word in ("train", "training"):
            return "train"
        if word in ("test", "testing"):
            return "test"
    return None


def _words(inside: Path) -> Iterable[str]:
    """Yield the words of the names of a file's folders, the nearest folder first."""
    for folder in inside.parents:
        yield from reversed(re.split(r"[^a-z]+", folder.name.lower()))
