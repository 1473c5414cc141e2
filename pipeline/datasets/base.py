"""What a data-set adapter takes and gives.

An adapter is one module of this package, registered in `pipeline/datasets/__init__.py`, with

    Settings                     dataclass of its `data` section (`DataSettings` plus its own keys)
    find(settings)               -> Offer: the items it offers and the files it cannot use
    read(item, settings)         -> Face: one item, decoded, in the publisher's own framing
    offers(settings)             -> set of fields the data set itself has (`photo`, `style`, ...)
    validate(root)               -> list of lines for `sketchface validate`; see `checks.FAULT`

and, where they apply,

    ALIGNED = True               its pictures are framed already (the built-in faces)
    FRAMING                      an `align.Framing` other than the portrait all others get; with
                                 ALIGNED, the one that its pictures are in
    SHARED                       {test id: training id} of photos that stand in both splits
    owner(item, settings)        -> Owner: whose an item is, in a set that is made of others
    roots(settings)              -> {key of the settings: folder} of all that it reads, where that
                                 is more than `data.root`
    pairings(settings)           -> the sets of fields that one face can have together, where
                                 none has all that `offers` names

It knows nothing of shards, nor of splits its publisher does not define.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Annotated

import numpy as np

from sketchface_models.config import NonEmpty, at_least, between

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class DataSettings:
    """What every data set's `data` section holds."""

    name: Annotated[str, NonEmpty()]
    root: Annotated[str, NonEmpty()]
    """Where the data lie; relative to the project. Built-in faces: the generator's folder."""
    size: Annotated[int, between(32, 2048)]
    """Side of the aligned square images, in pixels."""
    shards: Annotated[int, between(1, 9999)]
    """Number of Parquet files; a face's file depends on its id and this number alone."""
    seed: int
    """Seed of every split the publisher does not give."""
    val_fraction: Annotated[float, between(0, 0.5)]
    """Part of the training faces kept for validation; 0 trains on all."""
    limit: Annotated[int, at_least(0)]
    """Use only so many faces of each split (0 = all); the same ones whenever it is the same.
    They are chosen before any is read, so splits may end a little unequal where copies of one
    photo are brought together."""
    duplicate_distance: Annotated[int, between(-1, 100)] = field(default=36, kw_only=True)
    """Two photos whose hashes differ in at most so many of 255 bits, mirrored or not, are taken
    for one and never drawn into different splits; -1 compares bytes alone."""


@dataclass(frozen=True)
class Item:
    """One face a data set offers, not yet read."""

    id: str
    """Unique, made of [A-Za-z0-9_.-]; the key in every table."""
    source: str
    """Part of the data set it comes from, such as `photo1`."""
    split: str | None = None
    """The publisher's split (of `SPLITS`); None where a seeded one is to be drawn."""
    style: int | None = None
    """Drawing style, counted from 1."""
    files: dict[str, Path] = field(default_factory=dict)
    """Field name (`photo`, `sketch`, `labels`) -> file."""
    content: str = ""
    """Hash of what the item is read from, where that is a part of a file and not all of `files`."""
    kind: str = ""
    """In an unpaired set `photo` or `drawing`; else empty."""


@dataclass(frozen=True)
class Face:
    """One decoded face. All pictures have the same height H and width W.

    photo: (H, W, 3) uint8 RGB. sketch: (H, W) uint8, 255 = paper. labels: (H, W) uint8,
    CelebAMask-HQ classes. landmarks: (68, 2) float, pixels, x right and y down, where pixel i
    covers [i, i + 1). visible: (68,) bool, which landmarks nothing hides. depth: (H, W) float32 in
    [0, 1], 1 nearest, 0 background. parameters: what the face was made from, by name.
    """

    photo: np.ndarray | None = None
    sketch: np.ndarray | None = None
    labels: np.ndarray | None = None
    landmarks: np.ndarray | None = None
    visible: np.ndarray | None = None
    depth: np.ndarray | None = None
    parameters: Mapping[str, float | str] | None = None


@dataclass(frozen=True)
class Owner:
    """The data set an item comes from, the item as that one knows it, and what is taken of it."""

    adapter: ModuleType
    item: Item
    settings: DataSettings
    fields: frozenset[str]


@dataclass(frozen=True)
class Offer:
    """What `find` found: usable items, and rows (id, reason) of what is left out already."""

    items: list[Item]
    left_out: list[tuple[str, str]]
    splits: dict[str, str] = field(default_factory=dict)
    """Left-out id -> its publisher's split, for faces (not spare files) whose split is known."""
