"""The `depth` stage: a depth map of the face alone, from its mesh.

HIDA's depth pictures come from 3DDFA_V2, whose shape basis is not free; the face mesh gives the
same kind of picture for any photo: z min-max normalised for each face, nearest bright, z-buffered
on black. A data set's own depth is never used as an input, since a new photo has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from pipeline.faces.detector import VERTICES
from pipeline.faces.raster import face_triangles, rasterise
from pipeline.faces.tables import aligned_size, rows_with_meshes
from pipeline.images import encode_depth
from pipeline.shards import IMAGE, Result, Row, image_cell, map_shards

SCHEMA = pa.schema([("id", pa.string()), ("depth", IMAGE)])


def mesh_depth(mesh: np.ndarray, size: int) -> np.ndarray:
    """Depth map of a face.

    Args:
        mesh: (468 or 478, 3) float, pixels, smaller z is nearer.
        size: side of the picture in pixels.

    Returns:
        (size, size) float32 in [0, 1]: 1 at the vertex nearest to the camera, 0 at the farthest
        and in the background.
    """
    surface = mesh[:VERTICES].astype(np.float64)
    nearest, farthest = surface[:, 2].min(), surface[:, 2].max()
    z = rasterise(surface, face_triangles(), (size, size))
    z[np.isinf(z)] = farthest
    return np.clip((farthest - z) / max(farthest - nearest, 1e-9), 0, 1).astype(np.float32)


BACKENDS = {"mesh": mesh_depth}
"""By the name in `depth.backend`: called with a face's mesh and the side of the picture."""


@dataclass(frozen=True)
class DepthSettings:
    """The `depth` section."""

    backend: Literal[*BACKENDS]  # type: ignore[valid-type]


def make_depth(faces: Path, landmarks: Path, out: Path, settings: DepthSettings) -> None:
    """Depth map of every face with landmarks.

    Args:
        faces: folder of the `faces` stage.
        landmarks: folder of the `landmarks` stage.
        out: folder to write: rows id, depth (16-bit PNG); faces without landmarks in quarantine.
        settings: the `depth` section.
    """
    parameters = (settings, aligned_size(faces))
    module = "pipeline.faces.depth"
    map_shards("depth", [faces, landmarks], _work, out, SCHEMA, parameters, module)


def _work(paths: tuple[Path, Path], parameters: tuple[DepthSettings, int]) -> Result:
    settings, size = parameters
    draw = BACKENDS[settings.backend]

    def row(face: Row, mesh: np.ndarray | None) -> Row | None:
        if mesh is None:
            return None
        return {"depth": image_cell(encode_depth(draw(mesh, size)), f"{face['id']}.png")}

    reason = "no face found, so no mesh to take depth from"
    return rows_with_meshes(paths, ["id"], row, "depth", reason)
