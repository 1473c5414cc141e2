"""Collars and necklaces: what is worn round the neck."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure import body
from synthetic_faces.figure.surface import Surface
from synthetic_faces.geometry.camera import Camera
from synthetic_faces.geometry.meshes import Mesh, Part, ball, bare, tube
from synthetic_faces.geometry.shapes import smoothstep

COLLAR = 9.0  # height in `plane` from which a point belongs to a collar
SEEN_AZIMUTH = np.radians(112)  # how far round the neck it can be seen
BEAD_COUNT = 44


def collar(surface: Surface, camera: Camera) -> list[Mesh]:
    """Build the collar: the roll of a turtleneck or the leaves of a shirt's collar."""
    kind = surface.anatomy.parameters.wear.neckline
    if kind == "turtle":
        theta = np.linspace(-np.radians(125), np.radians(125), 61)[None, :]
        s = np.linspace(0, 1, 12)[:, None]
        t = 0.50 + 0.42 * s + 0 * theta
        off = 1.05 + 0.13 * np.sin(np.pi * np.minimum(s * 1.6, 0.5)) + 0.10 * s**2
        return [_sheet(surface, camera, theta, t, off)]
    if kind != "collar":
        return []
    meshes = []
    for side in (-1, 1):
        angle = np.linspace(np.radians(9), np.radians(150), 41)
        theta = (angle if side > 0 else -angle[::-1])[None, :]
        front = np.exp(-(((np.abs(theta) - 0.2) / 0.45) ** 2))
        s = np.linspace(0, 1, 11)[:, None]
        # Up from the neckline behind, over the fold, and down to the point of the leaf.
        fall = smoothstep(0.25, 1.0, s)
        t = (
            0.70
            + 0.07 * front
            - 0.03 * np.sin(np.pi * np.minimum(s / 0.5, 1))
            + fall * (0.13 + 0.10 * front)
        )
        off = 1.05 + 0.04 * smoothstep(0, 0.3, s) + 0.14 * fall + 0.05 * front * fall
        theta = theta + side * 0.42 * front * fall
        meshes.append(_sheet(surface, camera, theta, t, off))
    return meshes


def _sheet(
    surface: Surface, camera: Camera, theta: np.ndarray, t: np.ndarray, off: np.ndarray
) -> Mesh:
    theta = theta + 0 * t
    points = body.neck_points(surface, camera, theta, t, off)
    points = body.above_chest(surface, camera, points, 0.035)
    plane = np.stack([theta, COLLAR + 1 + t], axis=-1)
    return bare(Part.TORSO, points, plane, open=True)


def necklace(surface: Surface, camera: Camera) -> list[Mesh]:
    """Build the necklace, in the world; an empty list for none.

    `strand` holds 1 for beads, 0 for metal.
    """
    wear = surface.anatomy.parameters.wear
    if wear.necklace == "none":
        return []
    thick = wear.necklace_size * (0.048 if wear.necklace == "beads" else 0.02)
    line = path(surface, camera, thick)
    aside = camera.torso[:, 1]
    if wear.necklace == "beads":
        phase = np.linspace(0, BEAD_COUNT, len(line))
        # Larger toward the middle; never so thin that the string breaks.
        graded = thick * (1 - 0.35 * np.abs(np.linspace(-1, 1, len(line))) ** 1.5)
        radius = graded * (0.22 + 0.78 * np.abs(np.sin(np.pi * phase)) ** 0.6)
        return [_kind(tube(Part.NECKLACE, line, radius, aside, 7), 1.0)]
    links = 1 + 0.3 * np.sin(np.linspace(0, 90 * np.pi, len(line)))
    meshes = [tube(Part.NECKLACE, line, thick * links, aside, 6)]
    if wear.necklace == "pendant":
        hung = line[len(line) // 2] + 2.4 * thick * camera.torso[:, 1] + thick * camera.torso[:, 2]
        meshes.append(ball(Part.NECKLACE, hung, 0.07 * wear.necklace_size))
    return [_kind(mesh, 0.0) for mesh in meshes]


def path(surface: Surface, camera: Camera, clear: float) -> np.ndarray:
    """Return the world line (N, 3) of the necklace, `clear` above skin and cloth."""
    wear = surface.anatomy.parameters.wear
    theta = np.linspace(-SEEN_AZIMUTH, SEEN_AZIMUTH, 265)
    lowest = 0.66 + 0.34 * wear.necklace_drop
    t = 0.52 + (lowest - 0.52) * (0.5 + 0.5 * np.cos(theta * np.pi / SEEN_AZIMUTH)) ** 0.8
    skin = body.neck_points(surface, camera, theta, t)
    outward = skin - body.neck_points(surface, camera, theta, t, 0.2)
    skin = skin + clear * outward / np.linalg.norm(outward, axis=1, keepdims=True)
    return body.above_chest(surface, camera, skin, clear)


def _kind(mesh: Mesh, kind: float) -> Mesh:
    return Mesh(
        mesh.part,
        mesh.points,
        mesh.plane,
        np.full_like(mesh.strand, kind),
        mesh.hair,
        open=mesh.open,
    )
