"""From a photo to what a generator reads: each face aligned, with its depth, as packs hold them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
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
from pipeline.depth.depth import BACKENDS, DepthSettings, DepthSource
from pipeline.depth.files import Pictures, Unusable
from pipeline.depth.network import model_file
from pipeline.translation.detection import FaceDetection, Which
from pipeline.translation.requirements import Requirements
from sketchface_models.errors import SketchFaceError

View = Literal["faces", "aligned", "whole"]
"""faces: every face is brought to the framing of the training photos. aligned: the photo is in
that framing. whole: the picture as a whole, whatever it shows."""


@dataclass(frozen=True)
class PreparedFace:
    """One face, or one whole picture, as a generator reads it.

    raw: input -> (C, S, S) uint8, as packs hold it. shape: (height, width) of the part that shows
    the photo, in parts of the side; the rest is margin.
    """

    raw: dict[str, np.ndarray]
    shape: tuple[float, float] = (1.0, 1.0)


class Preparation:
    """Makes the inputs of a generator from photos.

    Args:
        requirements: of the generator.
        depth: how to make depth; None where none is read.
        view: what is drawn of a photo.
        which: of several faces.

    Raises:
        SketchFaceError: if weights, view and depth do not go together, or something that depth
            needs is missing.
    """

    def __init__(
        self, requirements: Requirements, depth: DepthSettings | None, view: View, which: Which
    ) -> None:
        self.requirements, self.view, self.detection = requirements, view, FaceDetection(which)
        if view == "faces" and requirements.framing is None:
            raise SketchFaceError(
                f"{requirements.source}: does not say how its training photos were framed; train "
                "it again, or give photos framed like them with --aligned"
            )
        if view == "whole" and depth is not None:
            if depth.backend == "facemesh":
                raise SketchFaceError(
                    "--whole: depth from the face mesh needs a face; give --depth onnx or --depth "
                    "files with --depth-path, the model or the folder of depth pictures"
                )
            depth = dataclasses.replace(depth, normalise="picture")  # there need be no face
        self.depth = depth
        self.depth_files: dict[str, list[Path]] = {}
        self.depth_model = ""
        if depth is not None and depth.backend == "files":
            self.depth_files = depthfiles.listed(depth.path)
        elif depth is not None and depth.backend == "onnx":
            self.depth_model = file_hash(model_file(depth.path))

    def __call__(self, path: Path) -> list[PreparedFace | str]:
        """Return each face of a photo, from left to right, or why it cannot be drawn.

        Args:
            path: of the photo; its name without ending is the one that its depth picture has.

        Raises:
            SketchFaceError: if the file is no photo, shows no face, or does not have the shape
                that `view` needs.
        """
        photo = read_image(path)
        faces: list[PreparedFace | str] = []
        for transform, shape in self._transforms(photo, path):
            try:
                faces.append(PreparedFace(self._fields(photo, transform, path), shape))
            except Unusable as error:
                faces.append(str(error))
        return faces

    def _transforms(
        self, photo: np.ndarray, path: Path
    ) -> list[tuple[np.ndarray, tuple[float, float]]]:
        """The map from pixels of the photo to aligned ones, (2, 3), and `PreparedFace.shape`."""
        height, width = photo.shape[:2]
        size, longer = self.requirements.aligned, max(height, width)
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
        assert self.requirements.framing is not None
        target = self.requirements.framing.target(size)
        return [
            (align.similarity(align.eyes_and_mouth(face), target), (1.0, 1.0))
            for face in self.detection(photo, path)
        ]

    def _fields(
        self, photo: np.ndarray, transform: np.ndarray, path: Path
    ) -> dict[str, np.ndarray]:
        """Align, store as JPEG, make depth from that, resize: as the stages do it."""
        requirements, side = self.requirements, self.requirements.aligned
        stored = None
        if np.array_equal(transform, align.fit(side, side, side)):
            stored = plain_bytes(path, side)
        stored = stored or encode_jpeg(align.warp(photo, transform, side))
        raw = {"photo": as_array("photo", stored, requirements.size)}
        if self.depth is not None:
            row: Row = {"photo": {"bytes": stored}, "transform": transform.ravel().tolist()}
            extent = (photo.shape[1], photo.shape[0])
            depth = self._depth(row, self.depth, extent, path.stem)
            raw["depth"] = as_array("depth", encode_depth(depth), requirements.size)
        return raw

    def _depth(
        self, row: Row, settings: DepthSettings, extent: tuple[int, int], name: str
    ) -> np.ndarray:
        landmarks: Row | None = None
        if self.view != "whole" and settings.backend != "files":
            # In the middle of an aligned photo stands the face that it was aligned for.
            face = self.detection.central.detect(decode(row["photo"]["bytes"]))
            landmarks = None if face is None else {"points": face.landmarks, "mesh": face.mesh}
        pictures: Pictures = depthfiles.pictures_of(self.depth_files, [name])
        for path, _ in pictures.get(name, []):
            _check_extent(Path(path), extent)
        source = DepthSource(
            row, landmarks, self.requirements.aligned, pictures.get(name, []), self.depth_model
        )
        return BACKENDS[settings.backend](source, settings)


def _check_extent(path: Path, extent: tuple[int, int]) -> None:
    """Refuse a depth picture of another size than its photo: they could not be aligned."""
    try:
        with Image.open(path) as picture:
            size = picture.size
    except (OSError, ValueError):
        return  # reading it raises a better error
    if size != extent:
        raise Unusable(
            f"{path}: {size[0]} x {size[1]} pixels; its photo has {extent[0]} x {extent[1]}"
        )


def crop_margin(square: np.ndarray, shape: tuple[float, float]) -> np.ndarray:
    """Return the part of a square picture that shows the photo: (h, w) of (S, S), h or w is S."""
    side = square.shape[0]
    height, width = (max(1, round(side * part)) for part in shape)
    top, left = (side - height) // 2, (side - width) // 2
    return np.ascontiguousarray(square[top : top + height, left : left + width])


def as_picture(face: PreparedFace, name: str, side: int) -> np.ndarray:
    """Return an input as a picture, (h, w) or (h, w, 3) uint8, at most `side` pixels a side."""
    picture = np.squeeze(np.moveaxis(face.raw[name], 0, 2))
    return crop_margin(resize(picture, (side, side)), face.shape)
