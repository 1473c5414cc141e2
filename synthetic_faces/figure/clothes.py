"""Clothes: where cloth begins, how it is coloured, and collars that stand off the body."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure import body
from synthetic_faces.figure.surface import Surface
from synthetic_faces.geometry.camera import Camera
from synthetic_faces.geometry.curves import smoothstep
from synthetic_faces.geometry.mesh import Mesh, Part
from synthetic_faces.geometry.tubes import bare
from synthetic_faces.looks.noise import sample
from synthetic_faces.parameters import Wear

COLLAR = 9.0  # height in `plane` from which a point belongs to a collar


def neckline(wear: Wear, neck: float, side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance from the neckline, positive where there is cloth.

    neck: half-width of the neck. side: (...) distance from the middle. y: (...) height.
    """
    depth = wear.neckline_depth
    if wear.neckline == "v":
        return (side - (neck + 0.16) + (y - 1.95) * (0.95 - 0.3 * depth)) * 0.7
    if wear.neckline == "collar":
        return (side - (neck + 0.02) + (y - 1.9) * 0.9) * 0.7
    if wear.neckline == "turtle":
        return np.ones_like(side)
    wide = neck + (0.32 if wear.neckline == "scoop" else 0.1)
    deep = (0.35 if wear.neckline == "scoop" else 0.16) + 0.1 * depth
    return np.hypot(side / wide, (y - 1.93) / deep) * 0.3 - 0.3


def cloth(
    wear: Wear, plane: np.ndarray, edge: np.ndarray, colour: np.ndarray, trim: np.ndarray
) -> np.ndarray:
    """Linear colour (P, 3) of cloth at places (P, 2) of a body, `edge` inside the neckline."""
    x, y = plane[:, 0], plane[:, 1]
    folds = 0.11 * sample("cloud", x * 0.5 + 0.4 * y, y * 0.06)
    weave = 1 + folds + 0.05 * sample("fine", x * 0.9, y * 0.9)
    if wear.neckline == "turtle":
        weave *= 1 - 0.16 * (np.cos(2 * np.pi * x / 0.075) > 0.3) * (y > COLLAR)
    weave *= 1 - 0.35 * np.exp(-(((edge - 0.05) / 0.012) ** 2))  # the seam
    mix = np.zeros(len(x), np.float32)
    if wear.pattern == "stripes":
        mix = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * (y + 0.03 * x * x) / 0.2))
    elif wear.pattern == "checks":
        mix = 0.5 * (np.sin(2 * np.pi * x / 0.24) > 0.2) + 0.5 * (
            np.sin(2 * np.pi * y / 0.24) > 0.2
        )
    mix = np.where(y > COLLAR, 0.0, mix)[:, None]
    return (colour + mix * (trim - colour)) * weave[:, None]


def collar(surface: Surface, camera: Camera) -> list[Mesh]:
    """What stands up round the neck: the roll of a turtleneck or the leaves of a shirt's collar."""
    kind = surface.anatomy.parameters.wear.neckline
    if kind == "turtle":
        theta = np.linspace(-np.radians(125), np.radians(125), 61)[None, :]
        s = np.linspace(0, 1, 12)[:, None]
        t = 0.50 + 0.42 * s + 0 * theta
        off = 1.05 + 0.13 * np.sin(np.pi * np.minimum(s * 1.6, 0.5)) + 0.10 * s**2
        return [_sheet(surface, camera, theta, t, off)]
    if kind != "collar":
        return []
    found = []
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
        found.append(_sheet(surface, camera, theta, t, off))
    return found


def _sheet(
    surface: Surface, camera: Camera, theta: np.ndarray, t: np.ndarray, off: np.ndarray
) -> Mesh:
    theta = theta + 0 * t
    points = body.neck_points(surface, camera, theta, t, off)
    points = body.above_chest(surface, camera, points, 0.035)
    plane = np.stack([theta, COLLAR + 1 + t], axis=-1)
    return bare(Part.TORSO, points, plane, open=True)
