"""Round things swept along a path, and what of a path a canvas sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthetic_faces.geometry.camera import Camera
from synthetic_faces.geometry.mesh import Mesh, Part

if TYPE_CHECKING:  # scenes are built of tubes
    from synthetic_faces.scene import Geometry


def tube(
    part: Part, path: np.ndarray, radius: np.ndarray | float, aside: np.ndarray, around: int = 7
) -> Mesh:
    """A tube along a world path (N, 3); radius: (N,) or one.

    aside: (3,), a direction never along the path. Its `plane` is the place along the path and
    around it, both in [0, 1].
    """
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    first = np.cross(np.broadcast_to(aside, along.shape), along)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(along, first)
    angle = np.linspace(0, 2 * np.pi, around)[None, :, None]
    ring = np.cos(angle) * first[:, None] + np.sin(angle) * second[:, None]
    wide = np.broadcast_to(np.asarray(radius, float), len(path))[:, None, None]
    points = path[:, None] + wide * ring
    s, a = np.meshgrid(np.linspace(0, 1, len(path)), np.linspace(0, 1, around), indexing="ij")
    return bare(part, points, np.stack([s, a], axis=-1))


def ball(part: Part, centre: np.ndarray, radius: float) -> Mesh:
    """A ball in the world."""
    around = np.linspace(0, 2 * np.pi, 15)[None, :]
    up = np.linspace(0.05, np.pi - 0.05, 8)[:, None]
    unit = [np.sin(up) * np.sin(around), -np.cos(up) + 0 * around, np.sin(up) * np.cos(around)]
    points = centre + radius * np.stack(unit, axis=-1)
    return bare(part, points, points[..., :2])


def bare(part: Part, points: np.ndarray, plane: np.ndarray, open: bool = False) -> Mesh:
    """A hairless mesh of world points (R, C, 3)."""
    return Mesh(part, points, plane, plane, np.full(points.shape[:2], -1.0), open=open)


def visible(
    camera: Camera, geometry: Geometry, world: np.ndarray, reach: float = 0.05
) -> list[np.ndarray]:
    """The parts of a world line (N, 3) that nothing hides, in canvas pixels.

    reach: how far, in head units, something may lie before the line without hiding it.
    """
    at = geometry.cells(camera.project(world))
    cell = np.round(at).astype(int)
    inside = ((cell >= 0) & (cell < geometry.side)).all(1)
    cell = np.clip(cell, 0, geometry.side - 1)
    seen = inside & (world[:, 2] > geometry.z[cell[:, 1], cell[:, 0]] - reach)
    cuts = np.flatnonzero(np.diff(seen.astype(int))) + 1
    return [
        part
        for part, shown in zip(np.split(at, cuts), np.split(seen, cuts))
        if shown[0] and len(part) > 1
    ]
