"""From a photo to what a generator reads: each face aligned, with its depth, as a pack holds it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from face_geometry import align
from pipeline.common.fields import as_array
from pipeline.common.images import (
    decode,
    encode_depth,
    encode_jpeg,
    plain_bytes,
    read_image,
    resize,
)
from pipeline.common.shards import Row, file_hash
from pipeline.depth import files as depthfiles
from pipeline.depth.depth import BACKENDS, DepthSettings, Subject
from pipeline.depth.files import Pictures, Unusable
from pipeline.depth.network import model_file
from pipeline.landmarks.detector import find_face
from pipeline.landmarks.face_mesh import FaceMesh
from pipeline.translation.people import everyone
from pipeline.translation.recipe import Recipe
from sketchface_models.errors import SketchFaceError

Which = Literal["all", "largest", "central"]
View = Literal["faces", "aligned", "whole"]
"""faces: every face is brought to the framing of the training photos. aligned: the photo is in
that framing. whole: the picture as a whole, whatever it shows."""


@dataclass(frozen=True)
class Prepared:
    """What is to be drawn.

    raw: input -> (C, S, S) uint8, as packs hold it. shape: (height, width) of the part of the
    drawing, in parts of its side, that shows the photo; the rest is margin.
    """

    raw: dict[str, np.ndarray]
    shape: tuple[float, float] = (1.0, 1.0)


class Preparation:
    """Makes the inputs of a generator from photos.

    Args:
        recipe: what it reads.
        depth: how to make depth; None where none is read.
        view: what is drawn of a photo.
        which: of several faces.

    Raises:
        SketchFaceError: if weights, view and depth do not go together, or something that depth
            needs is missing.
    """

    def __init__(
        self, recipe: Recipe, depth: DepthSettings | None, view: View, which: Which
    ) -> None:
        self.recipe, self.view, self.which = recipe, view, which
        if view == "faces" and recipe.framing is None:
            raise SketchFaceError(
                f"{recipe.source}: does not say how its training photos were framed; train it "
                "again, or give photos framed like them with --aligned"
            )
        if view == "whole" and depth is not None:
            if depth.backend == "facemesh":
                raise SketchFaceError(
                    "--whole: depth from the face mesh needs a face; give --depth onnx or --depth "
                    "files with --depth-path, the model or the folder of depth pictures"
                )
            depth = dataclasses.replace(depth, normalise="picture")  # there need be no face
        self.depth = depth
        self.files: dict[str, list[Path]] = {}
        self.model = ""
        if depth is not None and depth.backend == "files":
            self.files = depthfiles.listed(depth.path)
        elif depth is not None and depth.backend == "onnx":
            self.model = file_hash(model_file(depth.path))

    def __call__(self, path: Path) -> list[Prepared | str]:
        """Each face of a photo, from left to right, or why it cannot be drawn.

        Args:
            path: of the photo; its name without ending is the one that its depth picture has.

        Raises:
            SketchFaceError: if the file is no photo, no face is found in it, or it is not one to
                be drawn like this.
        """
        photo = read_image(path)
        found: list[Prepared | str] = []
        for transform, shape in self._transforms(photo, path):
            try:
                found.append(Prepared(self._fields(photo, transform, path), shape))
            except Unusable as error:
                found.append(str(error))
        return found

    def _transforms(
        self, photo: np.ndarray, path: Path
    ) -> list[tuple[np.ndarray, tuple[float, float]]]:
        """Photo -> aligned pixels, with `Prepared.shape`."""
        height, width = photo.shape[:2]
        size, longer = self.recipe.aligned, max(height, width)
        if self.view == "whole":
            scale = size / longer
            centre = np.array([[scale, 0, 0], [0, scale, 0]])
            centre[:, 2] = (size - scale * np.array([width, height])) / 2
            return [(centre, (height / longer, width / longer))]
        if self.view == "aligned":
            if width != height:
                raise SketchFaceError(
                    f"{path}: {width} x {height} pixels; framed like the training photos it is "
                    "square: crop it, or leave --aligned out"
                )
            return [(align.fit(width, height, size), (1.0, 1.0))]
        assert self.recipe.framing is not None
        target = self.recipe.framing.target(size)
        return [
            (align.similarity(align.eyes_and_mouth(face), target), (1.0, 1.0))
            for face in self._faces(photo, path)
        ]

    def _faces(self, photo: np.ndarray, path: Path) -> list[np.ndarray]:
        if self.which == "all":
            found = everyone(self._detectors["largest"], photo)
        else:
            one = find_face(self._detectors[self.which], photo)
            found = [] if one is None else [one]
        if not found:
            raise SketchFaceError(f"{path}: no face found; crop it nearer to the face")
        return found

    @cached_property
    def _detectors(self) -> dict[str, FaceMesh]:
        return {"largest": FaceMesh(choose="largest"), "central": FaceMesh(choose="central")}

    def _fields(
        self, photo: np.ndarray, transform: np.ndarray, path: Path
    ) -> dict[str, np.ndarray]:
        """As the stages do it: aligned, stored as JPEG, depth from that, brought to size."""
        recipe, side = self.recipe, self.recipe.aligned
        stored = None
        if np.array_equal(transform, align.fit(side, side, side)):
            stored = plain_bytes(path, side)
        stored = stored or encode_jpeg(align.warp(photo, transform, side))
        raw = {"photo": as_array("photo", stored, recipe.size)}
        if self.depth is not None:
            row: Row = {"photo": {"bytes": stored}, "transform": transform.ravel().tolist()}
            extent = (photo.shape[1], photo.shape[0])
            depth = self._depth(row, self.depth, extent, path.stem)
            raw["depth"] = as_array("depth", encode_depth(depth), recipe.size)
        return raw

    def _depth(
        self, row: Row, settings: DepthSettings, extent: tuple[int, int], name: str
    ) -> np.ndarray:
        found: Row | None = None
        if self.view != "whole" and settings.backend != "files":
            # In the middle of an aligned photo stands the face that it was aligned for.
            face = self._detectors["central"].detect(decode(row["photo"]["bytes"]))
            found = None if face is None else {"points": face.landmarks, "mesh": face.mesh}
        pictures: Pictures = depthfiles.pictures_of(self.files, [name])
        for path, _ in pictures.get(name, []):
            _check_extent(Path(path), extent)
        subject = Subject(row, found, self.recipe.aligned, pictures.get(name, []), self.model)
        return BACKENDS[settings.backend](subject, settings)


def _check_extent(path: Path, extent: tuple[int, int]) -> None:
    """Refuse a depth picture of another size than its photo: nobody could say what lies where."""
    try:
        with Image.open(path) as picture:
            size = picture.size
    except (OSError, ValueError):
        return  # whoever reads it will say so
    if size != extent:
        raise Unusable(
            f"{path}: {size[0]} x {size[1]} pixels; its photo has {extent[0]} x {extent[1]}"
        )


def cut(drawing: np.ndarray, shape: tuple[float, float]) -> np.ndarray:
    """The part of a square drawing that shows the photo: (h, w) of (S, S), h or w being S."""
    side = drawing.shape[0]
    height, width = (max(1, round(side * part)) for part in shape)
    top, left = (side - height) // 2, (side - width) // 2
    return np.ascontiguousarray(drawing[top : top + height, left : left + width])


def pictured(prepared: Prepared, name: str, side: int) -> np.ndarray:
    """An input as a picture, (h, w) or (h, w, 3) uint8, at most `side` pixels a side."""
    picture = np.squeeze(np.moveaxis(prepared.raw[name], 0, 2))
    return cut(resize(picture, (side, side)), prepared.shape)
