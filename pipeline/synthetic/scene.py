"""All surfaces of a face, posed and rasterised: the geometry every picture is drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.synthetic import body, hair
from pipeline.synthetic.anatomy import SIDES, Anatomy
from pipeline.synthetic.camera import Camera
from pipeline.synthetic.curves import smoothstep
from pipeline.synthetic.mesh import Mesh, Part
from pipeline.synthetic.parameters import Parameters
from pipeline.synthetic.raster import rasterise
from pipeline.synthetic.surface import Surface


@dataclass(frozen=True)
class Geometry:
    """What each covered pixel of a side x side canvas shows. P covered pixels, in scan order.

    pixel: (P,) flat index. part: (P,) `Part`. depth: (P,) world z. normal, tangent: (P, 3) in the
    world, tangent along hair. plane: (P, 2) place on the part. strand: (P, 2). hair: (P,).
    inner: (P,) bool, the inside of an open surface. z: (side, side) world z, -inf for nothing.
    """

    side: int
    pixel: np.ndarray
    part: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    tangent: np.ndarray
    plane: np.ndarray
    strand: np.ndarray
    hair: np.ndarray
    inner: np.ndarray
    z: np.ndarray

    def map(self, values: np.ndarray, empty: float = 0.0) -> np.ndarray:
        """Per-pixel values (P, ...) spread over the canvas (side, side, ...)."""
        full = np.full((self.side * self.side, *values.shape[1:]), empty, values.dtype)
        full[self.pixel] = values
        return full.reshape(self.side, self.side, *values.shape[1:])


class Scene:
    """A face in space before the camera: anatomy, surface, camera and meshes."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.anatomy = Anatomy(parameters)
        self.surface = Surface(self.anatomy)
        corners = np.array([c for eye in self.anatomy.eyes for c in (eye.outer, eye.inner)])
        self.camera = Camera(parameters.view, self.surface.at(corners))
        self.head = _head(self.surface, self.camera)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Head points (..., 3) -> picture (..., 2), in widths."""
        return self.camera.project(self.camera.to_world(points))

    def meshes(self) -> list[Mesh]:
        """Every surface, in the world."""
        found = [self.head, body.neck(self.surface, self.camera)]
        found.append(body.torso(self.surface, self.camera))
        found += [body.ear(self.surface, self.camera, side) for side in SIDES]
        if self.parameters.wear.earrings > 0:
            found += [body.earring(self.surface, self.camera, side) for side in SIDES]
        for mesh in (hair.curtain(self.surface), hair.bun(self.surface)):
            if mesh is not None:
                found.append(replace(mesh, points=self.camera.to_world(mesh.points)))
        return found

    def geometry(self, side: int) -> Geometry:
        """The scene as a canvas of side x side pixels sees it."""
        points, values, faces, parts = [], [], [], []
        start = 0
        for mesh in self.meshes():
            normals = mesh.normals()
            columns = [normals, mesh.tangents(), mesh.plane, mesh.strand, mesh.hair[..., None]]
            triangles = mesh.faces(normals)
            points.append(mesh.points.reshape(-1, 3))
            values.append(np.concatenate(columns, axis=-1).reshape(-1, 11))
            faces.append(triangles + start)
            parts.append(np.full(len(triangles), int(mesh.part), np.uint8))
            start += len(points[-1])
        world = np.concatenate(points)
        triangle = np.concatenate(faces)
        xy = self.camera.project(world) * side - 0.5
        hits = rasterise(xy, world[:, 2], triangle, side)
        corners = triangle[hits.triangle]
        table = np.concatenate(values).astype(np.float32)
        mixed = hits.weight[:, :1] * table[corners[:, 0]]
        for k in (1, 2):
            mixed += hits.weight[:, k : k + 1] * table[corners[:, k]]
        normal = mixed[:, :3] / np.maximum(
            np.linalg.norm(mixed[:, :3], axis=1, keepdims=True), 1e-6
        )
        inner = normal[:, 2] < -0.05
        depth = np.full(side * side, -np.inf, np.float32)
        depth[hits.pixel] = hits.depth
        return Geometry(
            side=side,
            pixel=hits.pixel,
            part=np.concatenate(parts)[hits.triangle],
            depth=hits.depth,
            normal=np.where(inner[:, None], -normal, normal),
            tangent=mixed[:, 3:6],
            plane=mixed[:, 6:8],
            strand=mixed[:, 8:10],
            hair=mixed[:, 10],
            inner=inner,
            z=depth.reshape(side, side),
        )


def _head(surface: Surface, camera: Camera) -> Mesh:
    theta, y = surface.grid()
    columns, rows = np.meshgrid(theta, y)
    points, inside, strand = hair.cap(surface, columns, rows)
    skin = surface.around(columns, rows)
    points = points + _beard(surface, skin)
    plane = skin[..., :2].copy()
    plane[..., 0] = np.where(np.abs(columns) > np.pi / 2, np.sign(columns) * 3.0, plane[..., 0])
    world = camera.to_world(points)
    return Mesh(Part.HEAD, world, plane, strand, inside)


def _beard(surface: Surface, skin: np.ndarray) -> np.ndarray:
    """How far a full beard lifts the chin and jaw: (R, C, 3)."""
    p, a = surface.anatomy.parameters, surface.anatomy
    if p.hair.beard_length <= 0:
        return np.zeros_like(skin)
    x, y = skin[..., 0], skin[..., 1]
    below = smoothstep(a.y_mouth + 0.12, a.y_chin, y) * np.exp(-(np.abs(x / 0.62) ** 3))
    direction = np.stack([0.35 * x, 0 * x + 1.0, 0 * x + 0.45], axis=-1)
    return p.hair.beard_length * below[..., None] * direction
