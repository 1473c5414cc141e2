"""What a data set is to the pipeline: an `Adapter`, and the records that it hands over.

A new data set is one module of this package with a settings class and a subclass of `Adapter`, its
entry in `registry.SETS`, and `conf/data/NAME.yaml`; `folder` is a short one. An adapter knows
nothing of shards, nor of splits that its publisher does not define.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeVar

import numpy as np

from face_geometry.align import PORTRAIT, Framing
from pipeline.common.images import read_image, resize
from sketchface_models.config import NonEmpty, at_least, between
from sketchface_models.errors import SketchFaceError

SPLITS = ("train", "val", "test")
FACE_FIELDS = ("photo", "sketch", "rough", "doodle", "labels", "landmarks", "depth")
"""What a data set itself may hold of a face; each is a column of the `faces` stage's shards."""
FAULT = "fault: "
"""What the lines of `Adapter.validate` begin with that make `sketchface validate` fail."""

_SAME_ASPECT = 0.01  # a sketch and its photo may differ so much in width / height
_SHOWN = 20  # faults of a kind that are listed one by one

Rejection = tuple[str, str]
"""The id (or name) of a face or file that cannot be used, and why, in one line."""


class Spare(str):
    """A reason that is no fault: of a file beside the data, or a copy of one."""

    __slots__ = ()


@dataclass(frozen=True)
class DataSettings:
    """What every data set's `data` section holds."""

    name: Annotated[str, NonEmpty()]
    """The data set: a name of `pipeline.datasets.registry.SETS`, or `unpaired`."""
    root: Annotated[str, NonEmpty()]
    """Where the data lie; relative to the project. Built-in faces: the generator's folder."""
    size: Annotated[int, between(32, 2048)]
    """Side of the aligned square images, in pixels."""
    shards: Annotated[int, between(1, 9999)]
    """Number of Parquet files; a face's file depends on its id and this number alone."""
    seed: int
    """Seed of every split that the publisher does not define."""
    val_fraction: Annotated[float, between(0, 0.5)]
    """Part of the training faces kept for validation; 0 trains on all."""
    limit: Annotated[int, at_least(0)]
    """Use only so many faces of each split (0 = all); the same ones whenever it is the same.
    They are chosen before any is read, so splits may end a little unequal where copies of one
    photo are brought together."""
    duplicate_distance: Annotated[int, between(-1, 100)] = field(default=36, kw_only=True)
    """Two photos whose hashes differ in at most so many of 255 bits, mirrored or not, count as
    one and never stand in different seeded splits; -1 compares bytes alone."""


@dataclass(frozen=True)
class Item:
    """One face that a data set offers, not yet read."""

    id: str
    """Unique, made of [A-Za-z0-9_.-]; the key in every table."""
    source: str
    """Part of the data set it comes from, such as `photo1`."""
    split: str | None = None
    """The publisher's split (of `SPLITS`); None where a seeded one decides."""
    style: int | None = None
    """Drawing style, counted from 1."""
    files: dict[str, Path] = field(default_factory=dict)
    """Field name (`photo`, `sketch`, `labels`) -> file."""
    content: str = ""
    """Hash of what the item is read from, where that is a part of a file and not all of `files`."""
    kind: str = ""
    """In an unpaired set `photo` or `drawing`; else empty."""
    traits: tuple[str, ...] = ()
    """What is written of it: see `Face`."""


@dataclass(frozen=True)
class Face:
    """One decoded face. All pictures have the same height H and width W.

    photo: (H, W, 3) uint8 RGB. sketch: (H, W) uint8, 255 = paper. rough: likewise, rough lines that
    somebody drew beside the sketch. doodle: likewise, a drawing of twenty seconds. labels: (H, W)
    uint8, CelebAMask-HQ classes. landmarks: (68, 2) float, pixels, x right and y down, where
    pixel i covers [i, i + 1). visible: (68,) bool, which landmarks nothing hides. depth: (H, W)
    float32 in [0, 1], 1 nearest, 0 background. parameters: what a built-in face was made from, by
    name. traits: what else is known of it, each a name and a value such as `pose turned`; test
    faces are scored trait by trait, too.
    """

    photo: np.ndarray | None = None
    sketch: np.ndarray | None = None
    rough: np.ndarray | None = None
    doodle: np.ndarray | None = None
    labels: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    visible: np.ndarray | None = None
    depth: np.ndarray | None = None
    parameters: Mapping[str, float | str] | None = None
    traits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Offer:
    """The items of a data set that can be used, and what cannot be, with the reason."""

    items: list[Item]
    rejected: list[Rejection]
    splits: dict[str, str] = field(default_factory=dict)
    """Id of a rejected face (not of a spare file) -> its publisher's split, where known."""


@dataclass(frozen=True)
class Origin:
    """The data set that an item comes from, the item as that set knows it, and the fields used.

    They differ from the item itself in a set that combines others.
    """

    adapter: Adapter[Any]
    item: Item
    settings: DataSettings
    fields: frozenset[str] = frozenset(FACE_FIELDS)


S = TypeVar("S", bound=DataSettings)


class Adapter(Protocol[S]):
    """One data set: what it needs, how it is recognised, what it holds and how it is read.

    Subclasses define `name`, `Settings`, `find` and `validate`; the rest has defaults.
    """

    name: str
    """The name in `data.name`."""
    Settings: type[S]
    """The `data` section: `DataSettings` plus keys of the set's own."""
    aligned: bool = False
    """Whether its pictures are framed alike already, and keep their framing."""
    framing: Framing | None = PORTRAIT
    """Where its faces have eyes and mouth once they are aligned; None: aligned, and unmeasured."""
    signs: Sequence[str] = ()
    """Glob patterns of files or folders that only this set has in its root."""
    shared_photos: Mapping[str, str] = {}
    """Test id -> training id of photos that stand in both of the publisher's splits."""

    @abstractmethod
    def find(self, settings: S) -> Offer:
        """Return the items below `settings.root`, in the publisher's splits.

        Raises:
            SketchFaceError: if the data set as a whole cannot be read.
        """

    @abstractmethod
    def validate(self, root: Path | str) -> list[str]:
        """Return lines that count what is in a folder; those about faults begin with `FAULT`.

        What ingest would leave out is not among them: `sketchface validate` adds it for any set.

        Raises:
            SketchFaceError: if the data set as a whole cannot be read.
        """

    def read(self, item: Item, settings: S) -> Face:
        """Decode one item in the publisher's own framing; by default its photo and its sketch.

        Raises:
            SketchFaceError: if a file cannot be decoded, or photo and sketch differ in shape.
        """
        return read_pair(item.files)

    def fields(self, settings: S) -> set[str]:
        """Return the fields that the set itself holds: some of `FACE_FIELDS`, and `style`."""
        return {"photo"}

    def field_sets(self, settings: S) -> list[set[str]]:
        """Return the sets of fields that one face can have together; by default all of them."""
        return [self.fields(settings)]

    def roots(self, settings: S) -> dict[str, str]:
        """Return every folder that is read, by its key in the parameters."""
        return {"data.root": settings.root}

    def origin(self, item: Item, settings: S) -> Origin:
        """Return the data set that an item comes from; by default this one."""
        return Origin(self, item, settings)

    def recognises(self, root: Path) -> bool:
        """Return whether a folder has this set's layout; by default by `signs`."""
        return any(True for sign in self.signs for _ in root.glob(sign))

    def variants(self, root: Path) -> list[S]:
        """Return the settings to ingest a folder with, one for each kind of data in it.

        `sketchface validate` reads them; none where nothing needs to be read. Splits are as in
        `conf/data`.
        """
        return [self.minimal_settings(root)]

    def minimal_settings(self, root: Path | str, **own: Any) -> S:
        """Return settings to look at a folder with, nothing limited; `own`: the set's own keys."""
        common = {"size": 256, "shards": 1, "seed": 0, "val_fraction": 0.05, "limit": 0}
        return self.Settings(name=self.name, root=str(root), **(common | own))


def read_pair(files: Mapping[str, Path]) -> Face:
    """Decode one photo and, if there is one, its sketch, resized to the photo's size.

    Args:
        files: `photo`, and perhaps `sketch`.

    Raises:
        SketchFaceError: if a file cannot be decoded, or the two differ in shape.
    """
    photo = read_image(files["photo"])
    if "sketch" not in files:
        return Face(photo=photo)
    sketch = read_image(files["sketch"], "L")
    (height, width), (h, w) = photo.shape[:2], sketch.shape
    if not same_aspect(photo, sketch):
        name = files["sketch"].name
        raise SketchFaceError(f"{name}: {w} x {h}, its photo {width} x {height}; crop them alike")
    same = (h, w) == (height, width)
    return Face(photo=photo, sketch=sketch if same else resize(sketch, (width, height)))


def same_aspect(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two pictures (H, W, ...) have one width / height, to within 1 %."""
    (height, width), (h, w) = one.shape[:2], other.shape[:2]
    return abs(w * height / (h * width) - 1) <= _SAME_ASPECT


def faults(lines: Sequence[str], kind: str) -> list[str]:
    """Return fault lines, the first 20 in full and the rest as a number of `kind`."""
    shown = [FAULT + line for line in lines[:_SHOWN]]
    more = len(lines) - _SHOWN
    return shown if more <= 0 else [*shown, f"{FAULT}and {more} more {kind}"]


def counted(what: str, count: int, promised: int, kind: str) -> str:
    """Return a line with a count; a fault where the publisher promises another number."""
    line = f"{what}: {count} {kind}"
    return line if count == promised else f"{FAULT}{line} of {promised}"
