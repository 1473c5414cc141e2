"""The scene: all surfaces of a face, posed and rasterised. Every picture is made from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from synthetic_faces.face_parameters import Parameters
from synthetic_faces.figure import body, glasses, hair, hats, neckwear, tufts
from synthetic_faces.figure.anatomy import SIDES, Anatomy
from synthetic_faces.figure.surface import Surface
from synthetic_faces.geometry.camera import Camera, Lattice
from synthetic_faces.geometry.meshes import Mesh, Part
from synthetic_faces.geometry.zbuffer import Geometry, rasterise


class Scene:
    """A face in front of the camera: anatomy, surface, camera and meshes."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.anatomy = Anatomy(parameters)
        self.surface = Surface(self.anatomy)
        corners = np.array([c for eye in self.anatomy.eyes for c in (eye.outer, eye.inner)])
        self.camera = Camera(parameters.view, self.surface.at(corners))
        self.head = _head(self.surface, self.camera)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Project head points (..., 3) to the picture (..., 2), in widths."""
        return self.camera.project(self.camera.to_world(points))

    def meshes(self) -> list[Mesh]:
        """Build every surface, in the world."""
        meshes = [self.head, body.neck(self.surface, self.camera)]
        meshes.append(body.torso(self.surface, self.camera))
        meshes += [body.ear(self.surface, self.camera, side) for side in SIDES]
        for side in SIDES:
            meshes += body.earring(self.surface, self.camera, side)
        for worn in (neckwear.collar, glasses.meshes, hats.hat, neckwear.necklace):
            meshes += worn(self.surface, self.camera)
        for mesh in (hair.curtain(self.surface), hair.bun(self.surface), tufts.tufts(self.surface)):
            if mesh is not None:
                meshes.append(replace(mesh, points=self.camera.to_world(mesh.points)))
        return meshes

    def geometry(self, lattice: Lattice) -> Geometry:
        """Rasterise the scene on a canvas."""
        side = lattice.side
        world, table, triangle, parts, single = _gather(self.meshes())
        xy = lattice.cells(self.camera.project(world))
        facing = _turned_to_us(xy, triangle) | ~single
        triangle, parts = triangle[facing], parts[facing]
        hits = rasterise(xy, world[:, 2], triangle, side)
        mixed = _mix(table, np.take(triangle, hits.triangle, axis=0), hits.weight)
        x, y, z = mixed[:3]
        length = np.sqrt(np.maximum(x * x + y * y + z * z, np.float32(1e-12)))
        inner = z < -0.05 * length
        mixed[:3] /= np.where(inner, -length, length)
        depth = np.full(side * side, -np.inf, np.float32)
        depth[hits.pixel] = hits.depth
        return Geometry(
            lattice=lattice,
            pixel=hits.pixel,
            part=parts[hits.triangle],
            depth=hits.depth,
            normal=np.ascontiguousarray(mixed[:3].T),
            tangent=mixed[8:].T,
            plane=mixed[3:5].T,
            strand=mixed[5:7].T,
            hair=mixed[7],
            inner=inner,
            z=depth.reshape(side, side),
        )


def _gather(meshes: list[Mesh]) -> tuple[np.ndarray, ...]:
    """Join all meshes.

    Returns points (V, 3), a float32 table (V, 11) of normal, plane, strand, hair and tangent,
    triangles (M, 3), the part of each triangle (M,), and whether only its front shows (M,).
    """
    total = sum(mesh.points[..., 0].size for mesh in meshes)
    table = np.empty((total, 11), np.float32)
    faces, parts, single, start = [], [], [], 0
    for mesh in meshes:
        normals = mesh.normals()
        rows = table[start : start + normals[..., 0].size].reshape(*normals.shape[:2], 11)
        rows[..., :3], rows[..., 3:5] = normals, mesh.plane
        rows[..., 5:7], rows[..., 7], rows[..., 8:] = mesh.strand, mesh.hair, mesh.tangents()
        faces.append(mesh.faces(normals) + start)
        parts.append(np.full(len(faces[-1]), int(mesh.part), np.uint8))
        single.append(np.full(len(faces[-1]), not mesh.open))
        start += normals[..., 0].size
    points = np.concatenate([mesh.points.reshape(-1, 3) for mesh in meshes])
    return points, table, np.concatenate(faces), np.concatenate(parts), np.concatenate(single)


def _turned_to_us(xy: np.ndarray, triangle: np.ndarray) -> np.ndarray:
    """Return (M,) bool: whether the corners run clockwise in the picture."""
    x, y = xy[:, 0].astype(np.float32), xy[:, 1].astype(np.float32)
    (x0, x1, x2), (y0, y1, y2) = (
        [np.take(values, triangle[:, k]) for k in range(3)] for values in (x, y)
    )
    return (x1 - x0) * (y2 - y0) > (y1 - y0) * (x2 - x0)


def _mix(table: np.ndarray, corners: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Interpolate a table (V, C) at corners (P, 3) with weights (P, 3): (C, P)."""
    (a, b, c), (u, v, w) = np.ascontiguousarray(corners.T), np.ascontiguousarray(weight.T)
    mixed = np.empty((table.shape[1], len(corners)), np.float32)
    # Column by column: numpy is slow over short rows.
    for row, column in zip(mixed, np.ascontiguousarray(table.T)):
        np.multiply(np.take(column, a), u, out=row)
        row += np.take(column, b) * v
        row += np.take(column, c) * w
    return mixed


def _head(surface: Surface, camera: Camera) -> Mesh:
    theta, y = surface.grid()
    columns, rows = np.meshgrid(theta, y)
    skin = surface.skin()
    points, inside, strand = hair.cap(surface, skin, columns, rows)
    points = points + hair.beard(surface, skin)
    plane = skin[..., :2].copy()
    plane[..., 0] = np.where(np.abs(columns) > np.pi / 2, np.sign(columns) * 3.0, plane[..., 0])
    world = camera.to_world(points)
    return Mesh(Part.HEAD, world, plane, strand, inside)
