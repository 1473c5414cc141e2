"""From a picture to what a generator reads: each face aligned, its fields as packs hold them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from face_geometry import align
from face_geometry.polylines import draw_lines
from pipeline.common.fields import as_array
from pipeline.common.images import (
    decode,
    encode_depth,
    encode_jpeg,
    encode_png,
    plain_bytes,
    resize,
)
from pipeline.common.picture_files import matching_name
from pipeline.common.shards import Row, file_hash
from pipeline.common.sheets import displayed
from pipeline.contours.contours import draw_contour
from pipeline.depth import files as depthfiles
from pipeline.depth.depth import BACKENDS, DepthSettings, DepthSource
from pipeline.depth.files import Pictures, Unusable
from pipeline.depth.network import model_file
from pipeline.translation.detection import FaceDetection, Which
from pipeline.translation.doodle_bitmap import doodle_bitmap
from pipeline.translation.drawing_limits import CONTOUR
from pipeline.translation.drawing_notes import drawing_note
from pipeline.translation.line_drawing import LineDrawing, line_drawing
from pipeline.translation.map_classes import ParsingMap
from pipeline.translation.map_layout import placed_features
from pipeline.translation.parsing_map import map_fault, read_map, recognised_map
from pipeline.translation.photo_notes import photo_note
from pipeline.translation.placement import fit_page, place, place_map
from pipeline.translation.recognition import Kind, read_picture, recognise
from pipeline.translation.requirements import Requirements
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import PARSING
from sketchface_models.pretrained.parsers import FaceParser

View = Literal["faces", "aligned", "whole"]
"""faces: every face is brought to the framing of the training photos. aligned: the picture is in
that framing. whole: the picture as a whole, whatever it shows, with margins to a square."""


OTHERWISE: dict[Kind, str] = {
    "contour": "--from contour of a drawing",
    "map": "--from map of a parsing map",
}
"""What to say of a picture that was taken for a photo and shows no face."""


@dataclass(frozen=True)
class PreparedFace:
    """One face, or one whole picture, as a generator reads it.

    raw: field -> (C, S, S) uint8, as packs hold it: the generator's inputs, and the photo that
    they were made from. shape: (height, width) of the part that shows the picture, in parts of the
    side; the rest is margin. note: what the user should know of it; empty if nothing.
    """

    raw: dict[str, np.ndarray]
    shape: tuple[float, float] = (1.0, 1.0)
    note: str = ""


class Preparation:
    """Makes the inputs of a generator from pictures.

    Args:
        requirements: of the generator.
        depth: how to make depth; None where none is read.
        view: what is drawn of a picture.
        which: of several faces of a photo; a drawing or map has one.
        kind: of all pictures; None to recognise it.
        folders: of pictures below the one that was named; a depth picture may lie in the same.

    Raises:
        SketchFaceError: if weights, kind, view and depth do not go together, or something that
            depth needs is missing.
    """

    def __init__(
        self,
        requirements: Requirements,
        depth: DepthSettings | None,
        view: View,
        which: Which,
        kind: Kind | None = None,
        folders: Mapping[Path, Path] | None = None,
    ) -> None:
        self.folders = folders or {}
        self.requirements, self.view, self.detection = requirements, view, FaceDetection(which)
        self.kind, self.is_certain = requirements.only_kind(kind), kind is not None
        if view == "faces" and requirements.framing is None:
            raise SketchFaceError(
                f"{requirements.source}: does not say how its training photos were framed; train "
                "it again, or give pictures framed like them with --aligned"
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
        """Return each face of a picture, from left to right, or why it cannot be drawn.

        Args:
            path: of the picture; its name without ending is the one that its depth picture has.

        Raises:
            SketchFaceError: if the file is no picture, shows no face, drawing or map, or does not
                have the shape that `view` needs.
        """
        if self.kind in ("photo", "sketch"):
            return self._photo(read_picture(path), path)
        if self.kind == "contour":
            return [self._drawing(line_drawing(read_picture(path)), path)]
        if self.kind == "map":
            return [self._map(read_map(path), path)]
        if self.kind == "doodle":
            return [self._doodle(path)]
        return self._recognised(path)

    def style_of(self, path: Path) -> np.ndarray:
        """Return the first face of a photo as packs hold the generator's target, (C, S, S) uint8.

        Raises:
            SketchFaceError: if the file is no picture or shows no face.
        """
        photo, requirements = read_picture(path), self.requirements
        transform, _ = self._transforms(photo, path, self._landmarks(photo, path))[0]
        stored = self._aligned(photo, transform, path)
        return as_array(requirements.target_field, stored, requirements.size)

    @property
    def _reads(self) -> Literal["photo", "sketch"]:
        """What a picture of faces is read as."""
        return "sketch" if self.kind == "sketch" else "photo"

    def _recognised(self, path: Path) -> list[PreparedFace | str]:
        """Make inputs of a picture that nobody says the kind of."""
        kinds, parsing = self.requirements.kinds, recognised_map(path)
        if parsing is not None and "map" in kinds:
            return [self._map(parsing, path)]
        if parsing is not None:
            raise self._unread_map(path)
        picture = read_picture(path)
        fault = map_fault(path, picture)
        if fault is not None:
            raise SketchFaceError(fault)
        if "contour" in kinds:
            drawing = line_drawing(picture)
            if recognise(drawing) != "photo":
                return [self._drawing(drawing, path)]
        try:
            return self._photo(picture, path)
        except SketchFaceError as error:
            others = " or ".join(OTHERWISE[kind] for kind in kinds if kind in OTHERWISE)
            raise SketchFaceError(f"{error}, or say {others}") from None

    def _unread_map(self, path: Path) -> SketchFaceError:
        return SketchFaceError(
            f"{path}: a parsing map; {self.requirements.source} reads "
            f"{', '.join(self.requirements.inputs)}: draw maps by themselves, or name weights that "
            "read them, as --weights spade"
        )

    def _photo(self, photo: np.ndarray, path: Path) -> list[PreparedFace | str]:
        faces: list[PreparedFace | str] = []
        note, landmarks = "", self._landmarks(photo, path)
        transforms = self._transforms(photo, path, landmarks)
        if landmarks:
            expected = None if self.is_certain else self._reads
            note = photo_note(photo, landmarks, [each for each, _ in transforms], expected)
        for transform, shape in transforms:
            try:
                faces.append(PreparedFace(self._fields(photo, transform, path), shape, note))
                note = ""  # of the photo, not of each face
            except Unusable as error:
                faces.append(str(error))
        return faces

    def _drawing(self, drawing: LineDrawing, path: Path) -> PreparedFace:
        """Draw the lines once more, as the contour stage does, and resize as packs do."""
        CONTOUR.check(drawing, path)
        requirements, size = self.requirements, self.requirements.aligned
        shape, note = (1.0, 1.0), ""
        if self.view == "faces":
            assert requirements.framing is not None
            note = drawing_note(drawing, self.detection.largest)
            framing, moves = requirements.framing, requirements.contour_moves
            lines = place(drawing, framing, size, moves, self.detection.largest)
        else:
            transform, shape = self._page(drawing.width, drawing.height, path)
            lines = [align.transform_points(line, transform) for line in drawing.lines]
        contour = encode_png(draw_lines(lines, size))
        raw = {"contour": as_array("contour", contour, requirements.size)}
        return PreparedFace(raw, shape, note)

    def _doodle(self, path: Path) -> PreparedFace:
        """Bring a drawing to the form of doodles, store it as data sets do, and resize as packs."""
        picture = read_picture(path)
        drawing = line_drawing(picture)
        bitmap, note = doodle_bitmap(picture, drawing, path), ""
        if drawing.lines:
            note = drawing_note(drawing, self.detection.largest)
        side = self.requirements.aligned
        stored = encode_png(resize(bitmap, (side, side)))
        raw = {"doodle": as_array("doodle", stored, self.requirements.side("doodle"))}
        return PreparedFace(raw, note=note)

    def _map(self, parsing: ParsingMap, path: Path) -> PreparedFace:
        """Bring a map to the framing, nearest pixel and background around it, and resize."""
        requirements, labels = self.requirements, parsing.labels
        (height, width), shape = labels.shape, (1.0, 1.0)
        features, note = placed_features(labels) if self.view == "faces" else (None, "")
        if features is not None:
            assert requirements.framing is not None
            transform = place_map(
                features, (width, height), requirements.framing, requirements.aligned
            )
        else:
            transform, shape = self._page(width, height, path)
        stored = encode_png(align.warp_labels(labels, transform, requirements.aligned))
        raw = {PARSING: as_array(PARSING, stored, requirements.size)}
        return PreparedFace(raw, shape, "; ".join(filter(None, [parsing.note, note])))

    def _page(self, width: int, height: int, path: Path) -> tuple[np.ndarray, tuple[float, float]]:
        """Return the transform of a whole picture, and `PreparedFace.shape`."""
        if self.view == "aligned" and width != height:
            raise SketchFaceError(
                f"{path}: {width} x {height} pixels; framed like the training photos it is "
                "square: crop it, or leave --aligned out"
            )
        longer = max(height, width)
        return fit_page(width, height, self.requirements.aligned), (height / longer, width / longer)

    def _landmarks(self, photo: np.ndarray, path: Path) -> list[np.ndarray]:
        """Return the landmarks of the faces that are drawn; none where no face is looked for.

        Raises:
            SketchFaceError: if a face is looked for, and there is none.
        """
        if self.view != "faces":
            return []
        try:
            return self.detection(photo, path)
        except SketchFaceError as error:
            if self.is_certain or self._reads == "sketch":
                raise
            if recognised_map(path) is not None:
                raise self._unread_map(path) from None
            if recognise(line_drawing(photo)) != "contour":
                raise
            raise SketchFaceError(f"{error}; of a line drawing --to photo makes a face") from None

    def _transforms(
        self, photo: np.ndarray, path: Path, landmarks: Sequence[np.ndarray]
    ) -> list[tuple[np.ndarray, tuple[float, float]]]:
        """The map from pixels of the photo to aligned ones, (2, 3), and `PreparedFace.shape`."""
        if self.view != "faces":
            return [self._page(photo.shape[1], photo.shape[0], path)]
        assert self.requirements.framing is not None
        target = self.requirements.framing.target(self.requirements.aligned)
        return [
            (align.similarity(align.eyes_and_mouth(face), target), (1.0, 1.0)) for face in landmarks
        ]

    def _fields(
        self, photo: np.ndarray, transform: np.ndarray, path: Path
    ) -> dict[str, np.ndarray]:
        """Align, store as JPEG, make the rest from that, resize: as the stages do it."""
        requirements, side = self.requirements, self.requirements.aligned
        if self._reads == "sketch":
            sketch = encode_png(align.warp(photo, transform, side))
            return {"sketch": as_array("sketch", sketch, requirements.side("sketch"))}
        stored = self._aligned(photo, transform, path)
        raw = {"photo": as_array("photo", stored, requirements.side("photo"))}
        if self.depth is not None:
            name = self._depth_name(path)
            row: Row = {"id": name, "photo": {"bytes": stored}}
            row["transform"] = transform.ravel().tolist()
            extent = (photo.shape[1], photo.shape[0])
            depth = self._depth(row, self.depth, extent, name)
            raw["depth"] = as_array("depth", encode_depth(depth), requirements.size)
        if "contour" in requirements.inputs:
            face = self.detection.central.detect(decode(stored))
            if face is None:
                raise Unusable("no landmarks found; crop it nearer to the face")
            contour = encode_png(draw_contour(face.landmarks, side))
            raw["contour"] = as_array("contour", contour, requirements.size)
        if PARSING in requirements.inputs:
            (labels,) = _parser().labels([decode(stored)])
            raw[PARSING] = as_array(PARSING, encode_png(labels), requirements.size)
        return raw

    def _aligned(self, photo: np.ndarray, transform: np.ndarray, path: Path) -> bytes:
        """Align a photo and encode it as the faces stage does; what is aligned keeps its bytes."""
        side = self.requirements.aligned
        stored = None
        if np.array_equal(transform, align.fit(side, side, side)):
            stored = plain_bytes(path, side)
        return stored or encode_jpeg(align.warp(photo, transform, side))

    def _depth_name(self, path: Path) -> str:
        """Return the name of a photo's depth picture: with its folder, if there is such a one."""
        inside = matching_name((self.folders.get(path, Path()) / path.stem).as_posix())
        return inside if inside in self.depth_files else matching_name(path.stem)

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


@functools.cache
def _parser() -> FaceParser:
    """Return the parser that labels photos, as `pipeline.segment` does."""
    return FaceParser()


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
    picture = displayed(face.raw[name], name)
    return crop_margin(resize(picture, (side, side), labels=name == PARSING), face.shape)
