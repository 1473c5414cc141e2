"""Make a depth map of every face: how near each pixel is.

HIDA's depth pictures come from 3DDFA_V2, whose shape basis is not free; the face mesh gives the
same kind of picture for any photo: z min-max normalised for each face, nearest bright, z-buffered
on black, here with hair and shoulders behind it. Other depth comes as pictures made elsewhere
(`files`) or from a network (`onnx`). A data set's own depth is never an input, since a new photo
has none. See docs/papers.md, Data sets.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import cv2
import numpy as np
import pyarrow as pa

from pipeline.common.face_tables import aligned_size, faces_with_landmarks
from pipeline.common.images import decode, encode_depth
from pipeline.common.shard_jobs import map_shards
from pipeline.common.shards import (
    IMAGE,
    Row,
    file_hash,
    ids_of,
    image_cell,
    quarantined,
)
from pipeline.depth import files as depthfiles
from pipeline.depth.files import Pictures, Unusable
from pipeline.depth.mesh import mesh_depth, to_depth
from pipeline.depth.network import DepthNetwork, NoNumbers, model_file
from sketchface_models.config import NonEmpty, above, between

SCHEMA = pa.schema([("id", pa.string()), ("depth", IMAGE)])
COLUMNS = {
    "id": "key of the face in every table",
    "depth": "16-bit PNG, (size, size), 65535 (depth 1) is nearest, 0 is background",
}


@dataclass(frozen=True)
class DepthSource:
    """A face to make a depth map of.

    row: of the `faces` stage. landmarks: row of the `landmarks` stage; None without a face.
    size: side of the picture, pixels. files: what `depthfiles.Pictures` holds of it. model: hash
    of the network's file.
    """

    row: Row
    landmarks: Row | None
    size: int
    files: list[tuple[str, str]]
    model: str


def _from_mesh(face: DepthSource, settings: DepthSettings) -> np.ndarray:
    if face.landmarks is None:
        raise Unusable("no face found, so no mesh to take depth from")
    if face.landmarks["mesh"] is None:
        raise Unusable("landmarks without a mesh; set landmarks.detector to mediapipe")
    mesh = face.landmarks["mesh"].reshape(-1, 3)
    return mesh_depth(mesh, face.size, settings.surround, settings.normalise)


def _from_files(face: DepthSource, settings: DepthSettings) -> np.ndarray:
    transform = None
    if settings.framing == "source":
        transform = np.array(face.row["transform"], float).reshape(2, 3)
    return depthfiles.read_depth(face.files, face.size, transform, settings.nearer, face.row["id"])


def _from_network(face: DepthSource, settings: DepthSettings) -> np.ndarray:
    if not face.row["photo"]:
        raise Unusable("no photo to take depth from")
    try:
        values = _network(face.model, settings)(decode(face.row["photo"]["bytes"]))
    except NoNumbers as error:
        raise Unusable(str(error)) from None
    away = -values if settings.nearer == "high" else values
    if settings.normalise == "picture":
        return to_depth(away, float(away.min()), float(away.max()), 0.0)
    if face.landmarks is None:
        raise Unusable("no face found, so no range to normalise depth to")
    inside = np.zeros(away.shape, np.uint8)
    points = face.landmarks["points"].reshape(-1, 2)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(points - 0.5).astype(np.int32)), [1])
    if not inside.any():
        raise Unusable("the face lies outside the picture")
    # Lashes, or the rim of the hull: half a per cent either way may lie outside the range.
    nearest, farthest = np.percentile(away[inside > 0], (0.5, 99.5))
    return to_depth(away, nearest, farthest, settings.surround)


BACKENDS: dict[str, Callable[[DepthSource, DepthSettings], np.ndarray]] = {
    "facemesh": _from_mesh,
    "files": _from_files,
    "onnx": _from_network,
}
"""By the name in `depth.backend`: (size, size) float in [0, 1] of a face, or raises `Unusable`."""


@dataclass(frozen=True)
class DepthSettings:
    """The `depth` section."""

    backend: Literal[*BACKENDS]  # type: ignore[valid-type]
    """facemesh: of the mesh. files: pictures made elsewhere. onnx: of a network."""
    surround: Annotated[float, between(0, 0.9)] = 0.3
    """facemesh, onnx: depth of the face's far end, behind which the rest lies; 0 = face alone."""
    normalise: Literal["face", "picture"] = "face"
    """facemesh, onnx: over the face's own range as 3DDFA_V2 does, or over the whole picture."""
    path: Annotated[str, NonEmpty()] = "models/depth"
    """files: folder of the pictures. onnx: the model, or a folder with it alone."""
    nearer: Literal["high", "low"] = "high"
    """files, onnx: whether high values are near (as from MiDaS) or low ones (as from metres)."""
    framing: Literal["aligned", "source"] = "aligned"
    """files: pictures of the aligned faces, or of the source photos, to be aligned like them."""
    size: Annotated[int, between(32, 4096)] = 518
    """onnx: side that is fed to a model that takes any."""
    mean: Annotated[tuple[float, ...], between(-1, 1)] = (0.485, 0.456, 0.406)
    """onnx: subtracted from red, green, blue in [0, 1]."""
    std: Annotated[tuple[float, ...], above(0)] = (0.229, 0.224, 0.225)
    """onnx: what the rest is divided by."""

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if len(values) != 3:
                raise ValueError(f"{name}: {list(values)}; allowed: three numbers")


def make_depth(faces: Path, landmarks: Path, out: Path, settings: DepthSettings) -> None:
    """Write the depth map of every face for which the backend can make one.

    Args:
        faces: folder of the `faces` stage.
        landmarks: folder of the `landmarks` stage.
        out: folder to write (`COLUMNS`); the other faces go into quarantine.
        settings: the `depth` section.

    Raises:
        SketchFaceError: if the pictures, the model or its runtime are missing or unusable.
    """
    # Whichever the backend uses: `dvc.yaml` names the whole section, so all of it is read.
    settings = dataclasses.replace(settings)
    model, also = "", None
    if settings.backend == "onnx":
        model = file_hash(model_file(settings.path))
        _network(model, settings)
    elif settings.backend == "files":
        also = functools.partial(_pictures, depthfiles.listed(settings.path))
    parameters = (settings, aligned_size(faces), model)
    module = "pipeline.depth.depth"
    map_shards("depth", [faces, landmarks], _work, out, SCHEMA, parameters, module, also=also)


def _pictures(names: dict[str, list[Path]], paths: tuple[Path, ...]) -> Pictures:
    return depthfiles.pictures_of(names, ids_of(paths[0]))


def _work(
    paths: tuple[Path, Path],
    parameters: tuple[DepthSettings, int, str],
    pictures: Pictures | None = None,
) -> Iterator[Row]:
    settings, size, model = parameters
    draw = BACKENDS[settings.backend]
    for row, landmarks in faces_with_landmarks(paths, _columns(settings), ["id", "points", "mesh"]):
        id = row["id"]
        files = (pictures or {}).get(id, [])
        try:
            depth = draw(DepthSource(row, landmarks, size, files, model), settings)
        except Unusable as error:
            yield quarantined(id, "depth", str(error))
        else:
            yield {"id": id, "depth": image_cell(encode_depth(depth), f"{id}.png")}


def _columns(settings: DepthSettings) -> list[str]:
    """Return the columns of `faces` that a backend needs: photos are large."""
    if settings.backend == "onnx":
        return ["id", "photo"]
    if settings.backend == "files" and settings.framing == "source":
        return ["id", "transform"]
    return ["id"]


def _network(model: str, settings: DepthSettings) -> DepthNetwork:
    """Return the network whose file has the hash `model`."""
    return _started(model, settings.path, settings.size, settings.mean, settings.std)


@functools.cache
def _started(
    model: str, path: str, size: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> DepthNetwork:
    """Return one network a process."""
    return DepthNetwork(path, size, mean, std)
