"""Photos of one data set beside drawings of another: what runs without pairs learn from.

    data:
      name: unpaired
      root: ${data.photo.root}
      photo: {name: celeba, root: CelebA, images: img_align_celeba}
      drawings: {name: quickdraw, root: quickdraw, file: face.npy, ...}

Any registered data set can be either. Each is framed as it always is; then a photo's row loses its
sketch, doodle and rough lines, and a drawing's row everything but its sketch and doodle. Ids are
`photo-celeba-...` and `drawing-quickdraw-...`; no row has both a photo and a drawing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pipeline.datasets.base import (
    FACE_FIELDS,
    FAULT,
    Adapter,
    DataSettings,
    Face,
    Item,
    Offer,
    Origin,
    Rejection,
)
from pipeline.datasets.registry import data_set
from sketchface_models.config import between, load
from sketchface_models.errors import SketchFaceError

HALVES = {"photo": "photo", "drawings": "drawing"}
"""Key of the settings -> what its items are, which their ids begin with."""
DRAWINGS = frozenset({"sketch", "doodle"})
"""Fields that a drawing may have."""
_SHARED = ("size", "shards", "seed", "val_fraction", "limit", "duplicate_distance", "test_fraction")


@dataclass(frozen=True)
class UnpairedSettings(DataSettings):
    """The `data` section for two data sets; sizes, splits and seed hold for both."""

    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the photos, and of the drawings, that becomes the test split where a set's
    publisher defines none."""
    photo: dict
    """The data set of the photos: its `name`, `root` and own keys."""
    drawings: dict
    """The data set of the drawings: its `name`, `root` and own keys."""

    def __post_init__(self) -> None:
        problems = [line for key in HALVES for line in _problems(self, key)]
        if not problems and self.root != self.photo["root"]:
            line = f"root: {self.root!r}; allowed: data.photo.root, {self.photo['root']!r}"
            problems = [f"{line}; set that one"]
        if problems:
            raise ValueError("\n".join(problems))


@dataclass(frozen=True)
class Half(Item):
    """An item of one of the two sets, under an id that names the set."""

    own: Item = field(kw_only=True)
    """The item as its own adapter knows it."""


class Unpaired(Adapter[UnpairedSettings]):
    """Photos of one data set beside drawings of another."""

    name = "unpaired"
    Settings = UnpairedSettings

    def find(self, settings: UnpairedSettings) -> Offer:
        """Return the items of both sets, as photos and as drawings.

        Raises:
            SketchFaceError: as the two adapters' own `find`.
        """
        items: list[Item] = []
        rejected: list[Rejection] = []
        splits: dict[str, str] = {}
        for key, kind in HALVES.items():
            adapter, own_settings = half(settings, key)
            offer = adapter.find(own_settings)
            prefix = f"{kind}-{own_settings.name}-"
            items += [_half(item, kind, prefix, own_settings.name) for item in offer.items]
            rejected += [(prefix + id, reason) for id, reason in offer.rejected]
            splits |= {prefix + id: split for id, split in offer.splits.items()}
        return Offer(items, rejected, splits)

    def read(self, item: Item, settings: UnpairedSettings) -> Face:
        """Decode a face as its own adapter does, whole: alignment may need fields left out later.

        Raises:
            SketchFaceError: as that adapter's own `read`.
        """
        origin = self.origin(item, settings)
        return origin.adapter.read(origin.item, origin.settings)

    def fields(self, settings: UnpairedSettings) -> set[str]:
        """Return what the two sets hold together, though never for one face."""
        return set().union(*self.field_sets(settings))

    def field_sets(self, settings: UnpairedSettings) -> list[set[str]]:
        """Return what a photo's face can have (no drawing), and a drawing's (all but photos)."""
        photos, drawings = (half(settings, key) for key in HALVES)
        of_drawings = {*DRAWINGS, "style"}
        return [
            photos[0].fields(photos[1]) - of_drawings - {"rough"},
            *(fields & of_drawings for fields in drawings[0].field_sets(drawings[1])),
        ]

    def roots(self, settings: UnpairedSettings) -> dict[str, str]:
        """Return the folders of both sets."""
        return {f"data.{key}.root": getattr(settings, key)["root"] for key in HALVES}

    def origin(self, item: Item, settings: UnpairedSettings) -> Origin:
        """Return an item's own set, and the fields used of it: of a drawing's the drawing alone."""
        assert isinstance(item, Half)
        key = next(key for key, kind in HALVES.items() if kind == item.kind)
        adapter, own_settings = half(settings, key)
        used = DRAWINGS if item.kind == "drawing" else {*FACE_FIELDS} - DRAWINGS - {"rough"}
        return Origin(adapter, item.own, own_settings, frozenset(used))

    def variants(self, root: Path) -> list[UnpairedSettings]:
        """Return none: each of the two sets is validated under its own name."""
        return []

    def validate(self, root: Path | str) -> list[str]:
        """Return a fault: each of the two sets is validated under its own name."""
        return [
            f"{FAULT}two data sets: validate each under its own name, such as celeba, quickdraw"
        ]


def half(settings: UnpairedSettings, key: str) -> tuple[Adapter[Any], DataSettings]:
    """Return the adapter and the whole settings of `photo` or `drawings`."""
    own = getattr(settings, key)
    half_adapter = data_set(own.get("name"))
    known = {field.name for field in dataclasses.fields(half_adapter.Settings)}
    common = {name: getattr(settings, name) for name in _SHARED if name in known}
    return half_adapter, load(half_adapter.Settings, common | own, key)


def _problems(settings: UnpairedSettings, key: str) -> Iterator[str]:
    """Yield what is wrong with one half's settings, each line beginning with its key."""
    own = getattr(settings, key)
    repeated = [name for name in own if name in _SHARED]
    yield from (f"{key}.{name}: stands in data.{name} for both; remove it" for name in repeated)
    name = own.get("name")
    if name == "unpaired":
        yield f"{key}.name: 'unpaired'; allowed: one data set"
        return
    try:
        half_adapter, half_settings = half(settings, key)
    except SketchFaceError as error:
        yield from str(error).replace("data.name:", f"{key}.name:").split("\n")
        return
    wanted = "photo" if key == "photo" else "sketch"
    if wanted not in half_adapter.fields(half_settings):
        yield f"{key}.name: {name!r} has no {wanted}; allowed: a data set that has"


def _half(item: Item, kind: str, prefix: str, name: str) -> Half:
    return Half(
        id=prefix + item.id,
        source=f"{name}/{item.source}",
        split=item.split,
        style=item.style if kind == "drawing" else None,
        files=item.files,
        content=item.content,
        kind=kind,
        own=item,
    )
