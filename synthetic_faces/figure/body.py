"""Ears, earrings, neck and shoulders."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure.surface import Surface
from synthetic_faces.geometry.camera import NECK_PIVOT, Camera
from synthetic_faces.geometry.meshes import Mesh, Part, ball, bare, tube
from synthetic_faces.geometry.shapes import pchip, smoothstep


def _ear_angle(surface: Surface) -> float:
    """Return the angle of the ears to the head, in degrees; long hair and hats reduce it."""
    p = surface.anatomy.parameters
    pressed = 0.4 if p.hair.length else 0.7 if p.wear.hat == "beanie" else 1.0
    return p.shape.ear_angle * pressed


def _ear_point(surface: Surface, around: np.ndarray | float, r: np.ndarray | float) -> np.ndarray:
    """Return points (..., 3) of the left ear in head coordinates.

    around: 0 at the top, pi at the lobe, pi / 2 behind. r: 0 in the hollow, 1 at the edge.
    """
    shape = surface.shape
    up = 0.40 * shape.ear_size
    b = -up * np.cos(around) * r
    # Wide above, narrow at the lobe.
    wide = 0.235 * shape.ear_size * (1 - 0.30 * b / up)
    a = wide * (1 + np.sin(around) * r)
    helix = 0.065 * np.exp(-(((r - 0.88) / 0.1) ** 2)) * (0.62 - 0.5 * np.cos(around))
    hollow = 0.085 * np.exp(-(((r - 0.12) / 0.34) ** 2))
    inner = 0.036 * np.exp(-(((r - 0.56) / 0.12) ** 2)) * smoothstep(-0.5, 0.1, np.sin(around))
    lobe = 0.03 * np.exp(-((((b / up) - 0.8) / 0.2) ** 2))
    h = helix + inner - hollow + lobe
    angle = np.radians(_ear_angle(surface))
    outward = np.array([np.sin(angle), 0.0, -np.cos(angle)])
    normal = np.array([np.cos(angle), 0.0, np.sin(angle)])
    width = surface.profile(np.array(0.2))[0]
    root = np.array([width - 0.05, 0.0, 0.04])
    points = root + np.asarray(a)[..., None] * outward + np.asarray(h)[..., None] * normal
    points[..., 1] += 0.2 + b
    points[..., 2] += 0.18 * b  # the ear leans back at the top
    return points


def ear(surface: Surface, camera: Camera, side: int) -> Mesh:
    """Build one ear: an egg-shaped sheet that stands off the head, with rim, hollow and lobe."""
    around = np.linspace(0, 2 * np.pi, 41)[None, :]
    r = np.linspace(0, 1, 17)[:, None] ** 0.8
    points = _ear_point(surface, around, r)
    points[..., 0] *= side
    part = Part.RIGHT_EAR if side < 0 else Part.LEFT_EAR
    b = -np.cos(around) * r
    plane = np.stack([np.sin(around) * r, b], axis=-1)
    rings = np.stack([r + 0 * b, around + 0 * b], axis=-1)
    bald = np.full(b.shape, -1.0)
    return Mesh(part, camera.to_world(points), plane, rings, bald, open=True)


def earring(surface: Surface, camera: Camera, side: int) -> list[Mesh]:
    """Build the earring of one ear: a stud, a hoop or a drop; an empty list for none."""
    wear, shape = surface.anatomy.parameters.wear, surface.shape
    radius = wear.earrings
    if radius <= 0:
        return []
    lobe = _ear_point(surface, np.pi, 0.82)
    angle = np.radians(_ear_angle(surface))
    lobe = lobe + 0.03 * np.array([np.cos(angle), 0.0, np.sin(angle)])
    lobe[0] *= side

    def below(drop: float) -> np.ndarray:
        return camera.to_world(lobe) + drop * 0.9 * np.array([0.0, 1.0, 0.0]) + drop * 0.1 * down

    down = camera.head[:, 1]
    if wear.earring_kind == "stud":
        return [ball(Part.EARRING, below(0.4 * radius), radius)]
    if wear.earring_kind == "hoop":
        turn = np.linspace(0, 2 * np.pi, 37)[:, None]
        big = 2.6 * radius * shape.ear_size
        back = np.array([np.sin(angle) * side, 0.0, -np.cos(angle)]) @ camera.head.T
        ring = below(big) - big * np.cos(turn) * np.array([0.0, 1.0, 0.0])
        return [tube(Part.EARRING, ring + big * np.sin(turn) * back, 0.3 * radius, _aside(back), 7)]
    line = np.stack([below(d) for d in np.linspace(0, 3.2 * radius, 5)])
    wire = tube(Part.EARRING, line, 0.18 * radius, camera.head[:, 2], 5)
    return [wire, ball(Part.EARRING, below(3.6 * radius), 0.9 * radius)]


def _aside(back: np.ndarray) -> np.ndarray:
    """Return a direction perpendicular to a hoop that hangs along `back`."""
    return np.cross(back, np.array([0.0, 1.0, 0.0]))


def neck(surface: Surface, camera: Camera) -> Mesh:
    """Build the neck: a cylinder whose top follows the head and whose foot the shoulders."""
    theta = np.radians(np.linspace(-150, 150, 53))[None, :]
    t = np.linspace(0, 1, 26)[:, None]
    points = neck_points(surface, camera, theta, t)
    x = _neck_ring(surface, theta, t)[0]
    plane = np.stack([x, 0.95 + 1.25 * t + 0 * x], axis=-1)
    return bare(Part.NECK, points, plane)


def neck_points(
    surface: Surface,
    camera: Camera,
    theta: np.ndarray,
    t: np.ndarray,
    swell: float | np.ndarray = 1.0,
) -> np.ndarray:
    """Return world points (..., 3) of the neck at azimuths theta and t, 0 (head) to 1 (foot).

    swell: 1 on the skin, less inside the neck and more outside it.
    """
    x, z = _neck_ring(surface, theta, t)
    x, z = swell * x, swell * z
    # At the back the neck runs up to the skull.
    nape = 0.5 * smoothstep(np.radians(60), np.radians(115), np.abs(theta))
    top = np.stack([x * (1 - 0.3 * nape), 0.95 - nape + 0 * x, z - 0.05], axis=-1)
    foot = np.stack([x, 2.3 + 0 * x, 0.8 * z - 0.62], axis=-1)
    blend = (t + 0 * x)[..., None]
    return (1 - blend) * camera.to_world(top) + blend * camera.torso_to_world(foot)


def _neck_ring(surface: Surface, theta: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    half = surface.shape.neck
    flare = 1 + 0.08 * (1 - t) + 0.5 * smoothstep(0.5, 1.1, t) ** 2
    cords = 0.03 * np.exp(-(((np.abs(theta) - 0.75 + 0.5 * t) / 0.16) ** 2))
    apple = 0.03 * np.exp(-((theta / 0.14) ** 2) - ((t - 0.52) / 0.07) ** 2)
    x = (half * flare + cords) * np.sin(theta)
    z = (half * 0.95 * (0.85 + 0.15 * flare) + cords + apple) * np.cos(theta) + 0 * t
    return x, z


def _ridge(surface: Surface, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the height of the shoulders at x, and the depth of the body there."""
    reach = surface.anatomy.parameters.wear.shoulders
    base = surface.shape.neck
    knots = np.array([0, base, base + 0.25, 0.62 * reach, 0.92 * reach, reach + 0.25])
    top = np.array([1.84, 1.88, 1.99, 2.16, 2.40, 3.3])
    ridge = pchip(knots, top, np.abs(x).ravel()).reshape(np.shape(x))
    return ridge, 0.62 * np.sqrt(np.clip(1 - (np.abs(x) / (reach + 0.3)) ** 2.5, 0.02, 1))


def torso(surface: Surface, camera: Camera) -> Mesh:
    """Build the shoulders and the upper chest."""
    reach = surface.anatomy.parameters.wear.shoulders
    x = np.linspace(-reach - 0.25, reach + 0.25, 71)[None, :]
    ridge, deep = _ridge(surface, x)
    t = np.linspace(0, 1, 24)[:, None]
    arc = np.minimum(t / 0.5, 1) * np.pi / 2
    y = ridge + 0.42 * (1 - np.cos(arc)) + 2.6 * np.maximum(t - 0.5, 0)
    z = -0.5 + deep * np.sin(arc) + 0.25 * np.maximum(t - 0.5, 0)
    points = camera.torso_to_world(np.stack([x + 0 * y, y, z], axis=-1))
    return bare(Part.TORSO, points, np.stack([x + 0 * y, y], axis=-1), open=True)


def torso_depth(surface: Surface, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return z of the front of shoulders and chest at (x, y) of their frame; -9 above them."""
    ridge, deep = _ridge(surface, x)
    level = (y - ridge) / 0.42
    bent = np.sqrt(np.clip(1 - (1 - level) ** 2, 0, 1))
    below = np.maximum(y - ridge - 0.42, 0) / 2.6
    return np.where(level < 0, -9.0, -0.5 + deep * np.where(level < 1, bent, 1.0) + 0.25 * below)


def above_chest(
    surface: Surface, camera: Camera, points: np.ndarray, clear: float | np.ndarray
) -> np.ndarray:
    """Move world points (..., 3) that lie inside the chest to `clear` in front of it."""
    local = (points - NECK_PIVOT) @ camera.torso + NECK_PIVOT
    chest = torso_depth(surface, local[..., 0], local[..., 1]) + clear
    local[..., 2] = np.maximum(local[..., 2], chest)
    return camera.torso_to_world(local)
