"""The built-in faces as a data set: rendered when they are read, with exact ground truth."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np

import synthetic_faces as synthetic
from face_geometry.align import Framing
from face_geometry.palette import CLASSES
from pipeline.common.images import resize
from pipeline.datasets.base import Adapter, DataSettings, Face, Item, Offer, faults
from sketchface_models.config import NonEmpty, between
from sketchface_models.errors import SketchFaceError
from synthetic_faces.doodles import doodle
from synthetic_faces.doodles import traits_of as doodle_traits
from synthetic_faces.randomness import face_id
from synthetic_faces.ranges import vector

# Means over the exact landmarks of 400 faces (seed 0); their standard deviation is 3 to 4 % of the
# side, since the faces turn, nod and lean.
FRAMING = Framing(points=((0.395, 0.454), (0.604, 0.454), (0.500, 0.680)))
GENERATOR = Path(synthetic.__file__).resolve().parent
CHECKED = (0, 1, 2)  # the faces that `validate` renders
CHECKED_SIZE = 128
TURNED = 30.0
"""Degrees from which on a face counts as turned, as FS2K's annotators have it."""
DARK = 80.0
"""Mean grey level of the skin in a photo, of 255, below which it counts as dark: a face in five."""


@dataclass(frozen=True)
class SyntheticSettings(DataSettings):
    """Section `data` for the built-in faces; `seed` decides what they look like, too."""

    count: Annotated[int, between(1, 1_000_000)]
    """Faces for training and validation together."""
    test_count: Annotated[int, between(0, 1_000_000)]
    """Faces for the test; they stay the same whatever `count` is."""
    styles: Annotated[tuple[int, ...], NonEmpty()]
    """Styles of the sketches, of 1 to 3; each face is drawn in one of them."""
    duplicate_distance: Annotated[int, between(-1, 100)] = field(default=-1, kw_only=True)
    """Every face is made from its own id: none needs to be compared."""

    def __post_init__(self) -> None:
        if not set(self.styles) <= set(synthetic.STYLES) or len({*self.styles}) < len(self.styles):
            raise ValueError(
                f"styles: {list(self.styles)}; allowed: {list(synthetic.STYLES)}, each once at most"
            )


class Synthetic(Adapter[SyntheticSettings]):
    """The built-in faces: photo, drawings, labels, landmarks and depth, all exact."""

    name = "synthetic"
    Settings = SyntheticSettings
    aligned = True
    framing = FRAMING

    def find(self, settings: SyntheticSettings) -> Offer:
        """Return `count` faces to train on and `test_count` others to test on.

        Raises:
            SketchFaceError: if `root` is not the generator's folder, on which the stage depends.
        """
        check_root(settings.root)
        styles = sorted(settings.styles)
        train = [_item(face_id(number), "train", styles) for number in range(settings.count)]
        names = [f"synthetic-test-{number:06d}" for number in range(settings.test_count)]
        test = [_item(name, "test", styles) for name in names]
        return Offer(items=train + test, rejected=[])

    def read(self, item: Item, settings: SyntheticSettings) -> Face:
        """Render one face at `settings.size`, its sketch in the item's style, with rough lines."""
        face = synthetic.render(settings.seed, item.id, settings.size)
        return Face(
            photo=face.photo,
            sketch=None if item.style is None else face.sketch(item.style),
            rough=face.rough_lines(),
            doodle=doodle_of(face, settings.seed, item.id, settings.size),
            labels=face.labels,
            landmarks=face.landmarks,
            visible=face.visible,
            depth=face.depth,
            parameters=vector(face.parameters),
            traits=traits_of(face),
        )

    def fields(self, settings: SyntheticSettings) -> set[str]:
        """Return what every built-in face has."""
        return {"photo", "sketch", "rough", "doodle", "style", "labels", "landmarks", "depth"}

    def variants(self, root: Path) -> list[SyntheticSettings]:
        """Return none: the faces are rendered, and `validate` renders a few."""
        return []

    def validate(self, root: str | Path) -> list[str]:
        """Describe the data set, and render a few faces to check that they are whole.

        Raises:
            SketchFaceError: if `root` is not the generator's folder.
        """
        check_root(root)
        lines = [
            "synthetic: drawn faces of nobody, made on demand; no files are read",
            "each has a photo, 3 styles of sketch, an amateur's rough drawing, a doodle, 68 "
            "landmarks with visibility, 19-class labels, depth, normals and the parameters it was "
            "made from, all exact",
        ]
        wrong = {face_id(number): _problems(number) for number in CHECKED}
        lines += [f"{id}: ok" for id, problems in wrong.items() if not problems]
        bad = [f"{id}: {problem}" for id, problems in wrong.items() for problem in problems]
        return [*lines, *faults(bad, "problems")]


def doodle_of(face: synthetic.Rendering, seed: int, id: str, size: int) -> np.ndarray:
    """Return a doodle that shows a face's traits, (size, size) uint8, 255 = paper.

    Its 28 x 28 bitmap is scaled as QuickDraw's are, so that both data sets look alike.
    """
    bitmap = doodle(seed, id, doodle_traits(face.parameters)).bitmap
    return resize(255 - bitmap, (size, size))


def style_of(id: str, styles: Sequence[int] = synthetic.STYLES) -> int:
    """Return a face's drawing style: a hash of its id, independent of its looks."""
    digest = hashlib.sha256(f"style/{id}".encode()).digest()
    return styles[int.from_bytes(digest[:8], "big") % len(styles)]


def traits_of(face: synthetic.Rendering) -> tuple[str, ...]:
    """Return pose, light and glasses of a built-in face."""
    turned = abs(face.parameters.view.yaw) >= TURNED
    grey = cv2.cvtColor(face.photo, cv2.COLOR_RGB2GRAY)
    dark = grey[face.labels == CLASSES.index("skin")].mean() < DARK
    return (
        "pose turned" if turned else "pose frontal",
        "light dark" if dark else "light bright",
        "glasses no" if face.parameters.wear.glasses == "none" else "glasses yes",
    )


def _item(id: str, split: str, styles: Sequence[int]) -> Item:
    return Item(id=id, source="synthetic", split=split, style=style_of(id, styles))


def check_root(root: str | Path) -> None:
    """Refuse any other root than the generator's folder.

    Raises:
        SketchFaceError: naming the right one.
    """
    if Path(root).resolve() != GENERATOR:
        raise SketchFaceError(
            f"data.root: {str(root)!r}; built-in faces and doodles need the generator's folder, "
            "data.root=synthetic_faces, so that a change of it is noticed"
        )


def _problems(number: int) -> list[str]:
    """Return what is wrong with a face, one line each."""
    face = synthetic.render(0, number, CHECKED_SIZE)
    again = synthetic.render(0, number, CHECKED_SIZE)
    inside = (face.landmarks > 0).all() and (face.landmarks < CHECKED_SIZE).all()
    checks = {
        "drawn twice, it differs": np.array_equal(face.photo, again.photo),
        "landmarks leave the picture": bool(inside),
        "no background": bool((face.depth == 0).any()),
        "depth does not reach 1": bool(face.depth.max() > 0.99),
    }
    return [problem for problem, fine in checks.items() if not fine]
