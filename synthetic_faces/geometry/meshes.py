"""Surfaces as grids of points, simple shapes, and the names of what a pixel shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np


class Part(IntEnum):
    """The surface that a pixel shows."""

    NOTHING = 0
    HEAD = 1
    RIGHT_EAR = 2  # the subject's right: image left
    LEFT_EAR = 3
    HAIR = 4
    NECK = 5
    TORSO = 6
    EARRING = 7
    HAT = 8
    NECKLACE = 9
    GLASSES = 10


class Label(IntEnum):
    """Classes of CelebAMask-HQ's label maps; `L_` and `R_` are the subject's sides."""

    BACKGROUND = 0
    SKIN = 1
    NOSE = 2
    GLASSES = 3
    L_EYE = 4
    R_EYE = 5
    L_BROW = 6
    R_BROW = 7
    L_EAR = 8
    R_EAR = 9
    MOUTH = 10
    UPPER_LIP = 11
    LOWER_LIP = 12
    HAIR = 13
    HAT = 14
    EARRING = 15
    NECKLACE = 16
    NECK = 17
    CLOTH = 18


@dataclass(frozen=True)
class Mesh:
    """A (R, C) grid in the world.

    points: (R, C, 3). plane: (R, C, 2), coordinates in the part's own plane (the face plane for the
    head). strand: (R, C, 2), coordinates across and along hair. hair: (R, C), how far inside the
    hairline. Rows run down and columns to the image's right on the outside. open: both sides show.
    """

    part: Part
    points: np.ndarray
    plane: np.ndarray
    strand: np.ndarray
    hair: np.ndarray
    open: bool = False

    @cached_property
    def _slopes(self) -> tuple[np.ndarray, np.ndarray]:
        """How points change down and along the grid, each (3, R, C), at one common scale."""
        return slopes(np.ascontiguousarray(np.moveaxis(self.points, -1, 0), np.float32))

    def normals(self) -> np.ndarray:
        """Return (R, C, 3) unit normals that point outside."""
        (dx, dy, dz), (ax, ay, az) = self._slopes
        normal = np.stack([ay * dz - az * dy, az * dx - ax * dz, ax * dy - ay * dx])
        return _unit(normal)

    def tangents(self) -> np.ndarray:
        """Return (R, C, 3) unit directions along the hair (constant coordinate across it)."""
        if self.hair.max() < 0:
            return np.zeros(self.points.shape, np.float32)
        down, along = self._slopes
        across = np.ascontiguousarray(self.strand[..., 0], np.float32)
        across_down, across_along = slopes(across)
        return _unit(across_along * down - across_down * along)

    def faces(self, normals: np.ndarray) -> np.ndarray:
        """Return (M, 3) triangles, front sides clockwise, without those that surely face away."""
        rows, columns = self.points.shape[:2]
        index = np.arange(rows * columns).reshape(rows, columns)
        a, b, c, d = (
            part.ravel()
            for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
        )
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
        if self.open:
            return faces
        facing = (normals[..., 2] > -0.25).ravel()
        return faces[facing[faces[:, 0]] | facing[faces[:, 1]] | facing[faces[:, 2]]]


def slopes(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return twice the change of (..., R, C) a step down and a step along, shaped like it."""
    down, along = np.empty_like(field), np.empty_like(field)
    np.subtract(field[..., 2:, :], field[..., :-2, :], out=down[..., 1:-1, :])
    down[..., 0, :] = 2 * (field[..., 1, :] - field[..., 0, :])
    down[..., -1, :] = 2 * (field[..., -1, :] - field[..., -2, :])
    np.subtract(field[..., 2:], field[..., :-2], out=along[..., 1:-1])
    along[..., 0] = 2 * (field[..., 1] - field[..., 0])
    along[..., -1] = 2 * (field[..., -1] - field[..., -2])
    return down, along


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Normalise (3, R, C) to (R, C, 3) of length 1; 0 stays 0."""
    x, y, z = vectors
    vectors /= np.sqrt(np.maximum(x * x + y * y + z * z, np.float32(1e-18)))
    return np.moveaxis(vectors, 0, -1)


def tube(
    part: Part, path: np.ndarray, radius: np.ndarray | float, aside: np.ndarray, around: int = 7
) -> Mesh:
    """Build a tube along a world path (N, 3); radius: (N,) or one.

    aside: (3,), a direction never along the path. Its `plane` is the position along the path
    and around it, both in [0, 1].
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
    """Build a ball in the world."""
    around = np.linspace(0, 2 * np.pi, 15)[None, :]
    up = np.linspace(0.05, np.pi - 0.05, 8)[:, None]
    unit = [np.sin(up) * np.sin(around), -np.cos(up) + 0 * around, np.sin(up) * np.cos(around)]
    points = centre + radius * np.stack(unit, axis=-1)
    return bare(part, points, points[..., :2])


def bare(part: Part, points: np.ndarray, plane: np.ndarray, open: bool = False) -> Mesh:
    """Build a mesh of world points (R, C, 3) without hair."""
    return Mesh(part, points, plane, plane, np.full(points.shape[:2], -1.0), open=open)
