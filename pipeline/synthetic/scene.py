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
        world, table, tangents, triangle, parts = _gather(self.meshes())
        xy = self.camera.project(world) * side - 0.5
        hits = rasterise(xy, world[:, 2], triangle, side)
        corners = triangle[hits.triangle]
        mixed = _mix(table, corners, hits.weight)
        normal, hairiness = mixed[:, :3], mixed[:, 7]
        normal = (
            normal / np.maximum(np.sqrt((normal * normal) @ np.ones(3, np.float32)), 1e-6)[:, None]
        )
        inner = normal[:, 2] < -0.05
        hairy = np.flatnonzero(hairiness > -0.1)
        tangent = np.zeros_like(normal)
        tangent[hairy] = _mix(tangents, corners[hairy], hits.weight[hairy])
        depth = np.full(side * side, -np.inf, np.float32)
        depth[hits.pixel] = hits.depth
        return Geometry(
            side=side,
            pixel=hits.pixel,
            part=parts[hits.triangle],
            depth=hits.depth,
            normal=np.where(inner[:, None], -normal, normal),
            tangent=tangent,
            plane=mixed[:, 3:5],
            strand=mixed[:, 5:7],
            hair=hairiness,
            inner=inner,
            z=depth.reshape(side, side),
        )


def _gather(meshes: list[Mesh]) -> tuple[np.ndarray, ...]:
    """All meshes as one.

    Returns points (V, 3), a table (V, 8) of normal, plane, strand and hair, tangents (V, 3),
    triangles (M, 3) and the part of each triangle (M,).
    """
    tables, faces, parts, start = [], [], [], 0
    for mesh in meshes:
        normals = mesh.normals()
        columns = [normals, mesh.plane, mesh.strand, mesh.hair[..., None]]
        tables.append(np.concatenate(columns, axis=-1).reshape(-1, 8))
        faces.append(mesh.faces(normals) + start)
        parts.append(np.full(len(faces[-1]), int(mesh.part), np.uint8))
        start += len(tables[-1])
    points = np.concatenate([mesh.points.reshape(-1, 3) for mesh in meshes])
    tangents = np.concatenate([mesh.tangents().reshape(-1, 3) for mesh in meshes])
    table = np.concatenate(tables).astype(np.float32)
    return points, table, tangents.astype(np.float32), np.concatenate(faces), np.concatenate(parts)


def _mix(table: np.ndarray, corners: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Rows of a table (V, C) at the corners (P, 3) of triangles, mixed by weights (P, 3)."""
    mixed = weight[:, :1] * table[corners[:, 0]]
    mixed += weight[:, 1:2] * table[corners[:, 1]]
    mixed += weight[:, 2:3] * table[corners[:, 2]]
    return mixed


def _head(surface: Surface, camera: Camera) -> Mesh:
    theta, y = surface.grid()
    columns, rows = np.meshgrid(theta, y)
    skin = surface.around(columns, rows)
    points, inside, strand = hair.cap(surface, skin, columns, rows)
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
