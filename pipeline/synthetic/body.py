"""What the head stands on and wears: ears, earrings, neck and shoulders."""

from __future__ import annotations

import numpy as np

from pipeline.synthetic.camera import Camera
from pipeline.synthetic.curves import pchip, smoothstep
from pipeline.synthetic.mesh import Mesh, Part
from pipeline.synthetic.surface import Surface


def ear(surface: Surface, camera: Camera, side: int) -> Mesh:
    """An ear: an egg-shaped leaf that stands off the head, with rim, hollow and lobe."""
    shape = surface.shape
    around = np.linspace(0, 2 * np.pi, 41)[None, :]
    r = np.linspace(0, 1, 15)[:, None] ** 0.8
    up = 0.40 * shape.ear_size
    b = -up * np.cos(around) * r
    wide = 0.235 * shape.ear_size * (1 - 0.30 * b / up)
    a = wide * (1 + np.sin(around) * r)
    rim = 0.055 * np.exp(-(((r - 0.86) / 0.11) ** 2)) * (0.65 - 0.5 * np.cos(around))
    hollow = 0.07 * np.exp(-(((r - 0.1) / 0.36) ** 2))
    inner = 0.03 * np.exp(-(((r - 0.56) / 0.12) ** 2)) * (np.sin(around) > -0.3)
    h = rim + inner - hollow
    # Long hair presses the ears to the head.
    angle = np.radians(shape.ear_angle * (0.4 if surface.anatomy.parameters.hair.length else 1))
    outward = np.array([np.sin(angle), 0.0, -np.cos(angle)])
    normal = np.array([np.cos(angle), 0.0, np.sin(angle)])
    width = surface.profile(np.array(0.2))[0]
    root = np.array([width - 0.05, 0.0, 0.04])
    points = root + a[..., None] * outward + h[..., None] * normal
    points[..., 1] += 0.2 + b
    points[..., 2] += 0.18 * b  # the ear leans back at the top
    points[..., 0] *= side
    plane = np.stack([a + 0 * b, b], axis=-1)
    part = Part.RIGHT_EAR if side < 0 else Part.LEFT_EAR
    world = camera.to_world(points)
    rings = np.stack([r + 0 * b, around + 0 * b], axis=-1)
    return Mesh(part, world, plane, rings, np.full(b.shape, -1.0), open=True)


def earring(surface: Surface, camera: Camera, side: int) -> Mesh:
    """A small ball under the lobe."""
    radius = surface.anatomy.parameters.wear.earrings
    around = np.linspace(0, 2 * np.pi, 17)[None, :]
    up = np.linspace(0.05, np.pi - 0.05, 9)[:, None]
    ball = [np.sin(up) * np.sin(around), -np.cos(up) + 0 * around, np.sin(up) * np.cos(around)]
    shape = surface.shape
    reach = 0.16 * shape.ear_size
    angle = np.radians(shape.ear_angle)
    x = surface.profile(np.array(0.2))[0] - 0.05 + reach * np.sin(angle) + 0.03
    centre = np.array([side * x, 0.2 + 0.38 * shape.ear_size + 0.8 * radius, 0.12])
    points = camera.to_world(radius * np.stack(ball, axis=-1) + centre)
    plane = points[..., :2]
    return Mesh(Part.EARRING, points, plane, plane, np.full(plane.shape[:2], -1.0))


def neck(surface: Surface, camera: Camera) -> Mesh:
    """A cylinder whose top follows the head and whose foot stands on the shoulders."""
    half = surface.shape.neck
    theta = np.radians(np.linspace(-125, 125, 47))[None, :]
    t = np.linspace(0, 1, 26)[:, None]
    flare = 1 + 0.08 * (1 - t) + 0.5 * smoothstep(0.5, 1.1, t) ** 2
    cords = 0.03 * np.exp(-(((np.abs(theta) - 0.75 + 0.5 * t) / 0.16) ** 2))
    apple = 0.03 * np.exp(-((theta / 0.14) ** 2) - ((t - 0.52) / 0.07) ** 2)
    x = (half * flare + cords) * np.sin(theta)
    z = (half * 0.95 * (0.85 + 0.15 * flare) + cords + apple) * np.cos(theta) + 0 * t
    top = np.stack([x, 0.95 + 0 * x, z - 0.05], axis=-1)
    foot = np.stack([x, 2.3 + 0 * x, 0.8 * z - 0.62], axis=-1)
    blend = t[..., None]
    points = (1 - blend) * camera.to_world(top) + blend * camera.torso_to_world(foot)
    plane = np.stack([x, 0.95 + 1.25 * t + 0 * x], axis=-1)
    return Mesh(Part.NECK, points, plane, plane, np.full(x.shape, -1.0))


def torso(surface: Surface, camera: Camera) -> Mesh:
    """Shoulders and the upper chest."""
    reach = surface.anatomy.parameters.wear.shoulders
    base = surface.shape.neck
    x = np.linspace(-reach - 0.25, reach + 0.25, 71)[None, :]
    knots = np.array([0, base, base + 0.25, 0.62 * reach, 0.92 * reach, reach + 0.25])
    top = np.array([1.84, 1.88, 1.99, 2.16, 2.40, 3.3])
    ridge = pchip(knots, top, np.abs(x).ravel())[None, :]
    t = np.linspace(0, 1, 24)[:, None]
    arc = np.minimum(t / 0.5, 1) * np.pi / 2
    deep = 0.62 * np.sqrt(np.clip(1 - (np.abs(x) / (reach + 0.3)) ** 2.5, 0.02, 1))
    y = ridge + 0.42 * (1 - np.cos(arc)) + 2.6 * np.maximum(t - 0.5, 0)
    z = -0.5 + deep * np.sin(arc) + 0.25 * np.maximum(t - 0.5, 0)
    points = camera.torso_to_world(np.stack([x + 0 * y, y, z], axis=-1))
    plane = np.stack([x + 0 * y, y], axis=-1)
    return Mesh(Part.TORSO, points, plane, plane, np.full(y.shape, -1.0), open=True)
