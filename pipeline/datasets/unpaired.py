"""Photos of one data set beside drawings of another: what runs without pairs learn from.

    data:
      name: unpaired
      root: ${data.photo.root}
      photo: {name: celeba, root: CelebA, images: img_align_celeba}
      drawings: {name: quickdraw, root: quickdraw, file: face.npy, ...}

Any registered data set can be either. Each is framed as it always is; then a photo's row loses its
sketch, and a drawing's row everything else. Ids are `photo-celeba-...` and `drawing-quickdraw-...`;
no row has both a photo and a drawing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from pipeline.datasets.base import DataSettings, Face, Item, Offer, Owner
from pipeline.datasets.checks import FAULT
from sketchface_models.config import between, load
from sketchface_models.errors import SketchFaceError

HALVES = {"photo": "photo", "drawings": "drawing"}
"""Key of the settings -> what its items are, which their ids begin with."""
_SHARED = ("size", "shards", "seed", "val_fraction", "limit", "duplicate_distance", "test_fraction")


@dataclass(frozen=True)
class Settings(DataSettings):
    """The `data` section for two data sets; sizes, splits and seed hold for both."""

    test_fraction: Annotated[float, between(0, 0.9)]
    """Part of the photos, and of the drawings, that becomes the test split where the publisher of
    the set gives none."""
    photo: dict
    """`name`, `root`, and the keys of its own of the set that gives photos."""
    drawings: dict
    """The same of the set that gives drawings."""

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

    own: Item | None = None
    """The item as its own adapter knows it."""


def find(settings: Settings) -> Offer:
    """The items of both sets, as photos and as drawings.

    Raises:
        SketchFaceError: as the two adapters' own `find`.
    """
    items: list[Item] = []
    left_out: list[tuple[str, str]] = []
    splits: dict[str, str] = {}
    for key, kind in HALVES.items():
        adapter, own_settings = half(settings, key)
        offer = adapter.find(own_settings)
        prefix = f"{kind}-{own_settings.name}-"
        items += [_half(item, kind, prefix, own_settings.name) for item in offer.items]
        left_out += [(prefix + id, reason) for id, reason in offer.left_out]
        splits |= {prefix + id: split for id, split in offer.splits.items()}
    return Offer(items, left_out, splits)


def owner(item: Half, settings: Settings) -> Owner:
    """Whose an item is, and what is taken of it: of a drawing's face the sketch alone."""
    key = next(key for key, kind in HALVES.items() if kind == item.kind)
    adapter, own_settings = half(settings, key)
    taken = {"sketch"} if item.kind == "drawing" else {"photo", "labels", "landmarks", "depth"}
    assert item.own is not None
    return Owner(adapter, item.own, own_settings, frozenset(taken))


def read(item: Half, settings: Settings) -> Face:
    """The face as its own adapter reads it, whole: alignment may need what is not taken."""
    own = owner(item, settings)
    face: Face = own.adapter.read(own.item, own.settings)
    return face


def offers(settings: Settings) -> set[str]:
    """What the two sets offer together, though never for one face."""
    return set().union(*pairings(settings))


def roots(settings: Settings) -> dict[str, str]:
    """The folders of both sets."""
    return {f"data.{key}.root": getattr(settings, key)["root"] for key in HALVES}


def pairings(settings: Settings) -> list[set[str]]:
    """What one face can have: what the photos' set offers but sketches; a sketch, in a style."""
    (photos, theirs), (drawings, others) = (half(settings, key) for key in HALVES)
    drawn = {"sketch", "style"}
    return [photos.offers(theirs) - drawn, drawings.offers(others) & drawn]


def validate(root: Path | str) -> list[str]:
    """Say that each of the two sets is validated under its own name."""
    return [f"{FAULT}two data sets: validate each under its own name, such as celeba, quickdraw"]


def half(settings: Settings, key: str) -> tuple[ModuleType, DataSettings]:
    """The adapter and whole settings of `photo` or `drawings`."""
    adapter, values = _whole(settings, key)
    return adapter, load(adapter.Settings, values, key)


def _whole(settings: Settings, key: str) -> tuple[ModuleType, dict[str, Any]]:
    from pipeline.datasets import adapter  # which imports this module

    given = getattr(settings, key)
    module = adapter(given.get("name"))
    known = {field.name for field in dataclasses.fields(module.Settings)}
    common = {name: getattr(settings, name) for name in _SHARED if name in known}
    return module, common | given


def _problems(settings: Settings, key: str) -> Iterator[str]:
    """What is wrong with one half's settings, each line beginning with its key."""
    given = getattr(settings, key)
    again = [name for name in given if name in _SHARED]
    yield from (f"{key}.{name}: stands in data.{name} for both; remove it" for name in again)
    name = given.get("name")
    if name == "unpaired":
        yield f"{key}.name: 'unpaired'; allowed: one data set"
        return
    try:
        module, own = half(settings, key)
    except SketchFaceError as error:
        yield from str(error).replace("data.name:", f"{key}.name:").split("\n")
        return
    wanted = "photo" if key == "photo" else "sketch"
    if wanted not in module.offers(own):
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
