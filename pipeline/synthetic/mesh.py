"""A grid of surface points with what later steps want to know at each of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np


class Part(IntEnum):
    """What a pixel shows."""

    NOTHING = 0
    HEAD = 1
    RIGHT_EAR = 2  # the subject's right: image left
    LEFT_EAR = 3
    HAIR = 4
    NECK = 5
    TORSO = 6
    EARRING = 7


@dataclass(frozen=True)
class Mesh:
    """A (R, C) grid in the world.

    points: (R, C, 3). plane: (R, C, 2), place in the part's own plane (the face plane for the
    head). strand: (R, C, 2), coordinates across and along hair. hair: (R, C), how far inside the
    hairline. Rows run down and columns to the image's right on the outside. open: both sides show.
    """

    part: Part
    points: np.ndarray
    plane: np.ndarray
    strand: np.ndarray
    hair: np.ndarray
    open: bool = False

    def normals(self) -> np.ndarray:
        """(R, C, 3) unit normals that point outside."""
        down, along = np.gradient(self.points, axis=(0, 1))
        normal = np.cross(along, down)
        return normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)

    def tangents(self) -> np.ndarray:
        """(R, C, 3) unit directions along which the across-hair coordinate stands still."""
        if self.hair.max() < 0:
            return np.zeros_like(self.points)
        down, along = np.gradient(self.points, axis=(0, 1))
        across_down, across_along = np.gradient(self.strand[..., 0])
        tangent = across_along[..., None] * down - across_down[..., None] * along
        return tangent / np.maximum(np.linalg.norm(tangent, axis=-1, keepdims=True), 1e-9)

    def faces(self, normals: np.ndarray) -> np.ndarray:
        """(M, 3) triangles, without those that surely look away."""
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
