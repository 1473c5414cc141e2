"""Loose locks of hair: ends of a fringe, tousled tops, ringlets, loose ends.

Each is a strip, arched across and pointed at its end. They break up the outline of the hair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic_faces.figure import hair as mass
from synthetic_faces.figure import hats
from synthetic_faces.figure.surface import Surface
from synthetic_faces.geometry.meshes import Mesh, Part
from synthetic_faces.geometry.shapes import smoothstep

STRIP_ROWS, STRIP_COLUMNS = 11, 3  # points along and across a strip
Locks = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Paths (K, STRIP_ROWS, 3), half-widths (K, STRIP_ROWS) and tints (K,) of locks."""


@dataclass(frozen=True)
class Strips(Mesh):
    """A mesh of separate strips, each of `STRIP_COLUMNS` columns."""

    def normals(self) -> np.ndarray:
        """Return (R, C, 3) unit normals, strip by strip."""
        parted = self.points.reshape(len(self.points), -1, STRIP_COLUMNS, 3)
        down, along = np.gradient(parted, axis=(0, 2))
        normal = np.cross(along, down)
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
        return normal.reshape(self.points.shape)

    def tangents(self) -> np.ndarray:
        """Return (R, C, 3) unit directions along the strips."""
        down = np.gradient(self.points, axis=0)
        return down / np.maximum(np.linalg.norm(down, axis=-1, keepdims=True), 1e-9)

    def faces(self, normals: np.ndarray) -> np.ndarray:
        """Return (M, 3) triangles, none across two strips."""
        faces = super().faces(normals)
        strip = faces % self.points.shape[1] // STRIP_COLUMNS
        return faces[(strip[:, 0] == strip[:, 1]) & (strip[:, 0] == strip[:, 2])]


def tufts(surface: Surface) -> Mesh | None:
    """Build the loose locks in head coordinates; None where hair is too short for any."""
    p = surface.anatomy.parameters
    if p.hair.cap <= 0 or p.hair.style == "buzz":
        return None
    rng = np.random.Generator(np.random.Philox(key=int(1000 * (90 + p.hair.part + p.hair.line))))
    groups = []
    bare = p.wear.hat == "none"
    parted = p.hair.length > 0 and p.hair.fringe < 0.4  # such hair is swept off the forehead
    if p.hair.fringe > 0.09 and not parted and p.wear.hat in ("none", "beanie"):
        groups.append(_fringe(surface, rng))
    if p.hair.curl > 0.5:
        groups.append(_ringlets(surface, rng))
    elif p.hair.length <= 0 and p.hair.bun <= 0 and bare:
        groups.append(_tousled(surface, rng))
    if p.hair.length > 0:
        groups.append(_ends(surface, rng))
    if not groups:
        return None
    path, width, tint = (np.concatenate(part) for part in zip(*groups))
    return _strips(path, width, tint)


def _strips(path: np.ndarray, width: np.ndarray, tint: np.ndarray) -> Strips:
    """Build strips along paths (K, STRIP_ROWS, 3).

    width: (K, STRIP_ROWS), half of it. tint: (K,), coordinate across the hair.
    """
    along = np.gradient(path, axis=1)
    along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-9)
    outward = mass.outward(path)
    aside = np.cross(along, outward)
    aside /= np.maximum(np.linalg.norm(aside, axis=-1, keepdims=True), 1e-9)
    outward = np.cross(aside, along)
    step = np.linspace(-1, 1, STRIP_COLUMNS)
    wide = width[..., None, None]
    points = path[:, :, None] + wide * step[:, None] * aside[:, :, None]
    points = points + 0.5 * wide * (1 - step**2)[:, None] * outward[:, :, None]
    grid = points.transpose(1, 0, 2, 3).reshape(STRIP_ROWS, -1, 3)
    across = np.broadcast_to(tint[:, None] + 0.05 * step, (STRIP_ROWS, len(path), STRIP_COLUMNS))
    s = np.broadcast_to(np.linspace(0, 0.6, STRIP_ROWS)[:, None, None], across.shape)
    strand = np.stack([across, s], axis=-1).reshape(STRIP_ROWS, -1, 2)
    hair = np.ones(grid.shape[:2])
    return Strips(Part.HAIR, grid, grid[..., :2], strand, hair, open=True)


def _over(surface: Surface, theta: np.ndarray, y: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Return points (K, STRIP_ROWS, 3) `more` above the hair at azimuths and heights."""
    skin = surface.around(theta, y)
    hair = surface.anatomy.parameters.hair
    strand = mass.strands(hair, skin, theta, y)
    above = mass.lift(surface, strand, theta, y, mass.hairline(hair, theta) - y)
    above = hats.pressed(surface.anatomy, theta, y, above + more)
    return skin + mass.outward(skin) * above[..., None]


def _taper(rng: np.random.Generator, count: int, wide: float) -> np.ndarray:
    s = np.linspace(0, 1, STRIP_ROWS)
    shape = (1 - s**2.5) * (0.6 + 0.4 * np.minimum(s / 0.2, 1)) + 0.03
    return wide * rng.uniform(0.6, 1.3, (count, 1)) * shape


def _fringe(surface: Surface, rng: np.random.Generator) -> Locks:
    """Return locks over the forehead, from above the fringe to below its edge."""
    hair = surface.anatomy.parameters.hair
    count = 26
    s = np.linspace(0, 1, STRIP_ROWS)
    root = np.radians(np.linspace(-56, 56, count) + rng.uniform(-2, 2, count))[:, None]
    away = np.sign(root - np.radians(hair.part) + 1e-6)
    swept = np.radians(24) * min(hair.sweep, 1.0) * away * s**1.3
    theta = root + swept + np.radians(rng.normal(0, 5, (count, 1))) * s**2
    edge = mass.hairline(hair, theta[:, -1])[:, None] + rng.uniform(-0.08, 0.07, (count, 1))
    start = np.minimum(edge - 0.3 - 0.5 * hair.fringe, -0.95) * np.ones((count, 1))
    start = np.maximum(start, surface.anatomy.y_crown + 0.08)
    y = start + (edge - start) * s
    # Thin where the mass of the hair begins, so that its edge is bridged.
    more = 0.015 + 0.05 * np.sin(np.pi * s) * rng.uniform(0.4, 1.2, (count, 1)) + 0.04 * s
    return _over(surface, theta, y, more), _taper(rng, count, 0.05), rng.uniform(0, 40, count)


def _tousled(surface: Surface, rng: np.random.Generator) -> Locks:
    """Return short locks over the top of the head; their ends lift."""
    hair = surface.anatomy.parameters.hair
    count = 64
    s = np.linspace(0, 1, STRIP_ROWS)
    root = rng.uniform(-2.3, 2.3, (count, 1))
    start = surface.anatomy.y_crown + rng.uniform(0.06, 0.5, (count, 1))
    sweep = min(hair.sweep, 1.0)
    turn = (
        np.sign(root - np.radians(hair.part))
        * (0.25 + 0.7 * sweep)
        * rng.uniform(0.3, 1, (count, 1))
    )
    back = hair.sweep < 0.2 and hair.fringe < 0.05
    drop = rng.uniform(0.15, 0.36, (count, 1)) * (-0.35 if back else 1.0)
    if back:
        start = np.maximum(start, surface.anatomy.y_crown + 0.25)
    theta = root + turn * s
    y = np.maximum(start + drop * s, surface.anatomy.y_crown + 0.03)
    rise = (0.25 + 0.5 * rng.random((count, 1))) * (0.03 + 0.35 * hair.top)
    more = -0.02 + 0.05 * np.sin(np.pi * s) + rise * s**1.5
    return _over(surface, theta, y, more), _taper(rng, count, 0.055), rng.uniform(0, 40, count)


def _ringlets(surface: Surface, rng: np.random.Generator) -> Locks:
    """Return coils that lie on curly hair and stand out at its outline."""
    hair = surface.anatomy.parameters.hair
    count = 150
    s = np.linspace(0, 1, STRIP_ROWS)
    theta = rng.uniform(-2.4, 2.4, (count, 1))
    top = np.full((count, 1), surface.anatomy.y_crown + 0.04)
    if surface.anatomy.parameters.wear.hat != "none":
        top = hats.rim_height(surface.anatomy, theta) + 0.15
    low = mass.hairline(hair, theta) - 0.04
    y = top + rng.random((count, 1)) ** 0.8 * (low - top)
    grows = (low > top)[:, 0]
    theta, y, count = theta[grows] + 0 * s, y[grows] + 0 * s, int(grows.sum())
    lifted = _over(surface, theta, y, 0.0 * y)
    outward = mass.outward(lifted)
    side = np.cross(outward, np.array([0.0, 1.0, 0.0]))
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-6)
    down = np.cross(side, outward)
    radius = rng.uniform(0.045, 0.085, (count, 1)) * (0.7 + hair.top)
    turn = rng.choice([-1, 1], (count, 1)) * rng.uniform(3.5, 6.5, (count, 1)) * s
    turn = turn + rng.uniform(0, 2 * np.pi, (count, 1))
    path = lifted + (radius * np.cos(turn))[..., None] * side
    path = path + (radius * np.sin(turn) + 0.06 * s)[..., None] * down
    path = path + (0.005 + 0.05 * np.sin(np.pi * s) * rng.random((count, 1)))[..., None] * outward
    return path, _taper(rng, count, 0.03), rng.uniform(0, 40, count)


def _ends(surface: Surface, rng: np.random.Generator) -> Locks:
    """Return locks of long hair that hang clear of the rest and end lower or higher."""
    hair = surface.anatomy.parameters.hair
    count = 44
    s = np.linspace(0, 1, STRIP_ROWS)
    reach = np.radians(hair.cover)
    spread = rng.beta(0.55, 0.55, (count, 1))
    theta = reach - 0.02 + spread * (2 * np.pi - 2 * reach + 0.04)
    theta = theta + rng.normal(0, 0.07, (count, 1)) * s
    start = rng.uniform(-0.6, 0.2, (count, 1))
    end = hair.length + rng.uniform(-0.25, 0.14, (count, 1))
    y = start + (end - start) * s
    clear = rng.uniform(0.0, 0.05, (count, 1)) * smoothstep(0, 0.3, s)
    flick = rng.normal(0.03, 0.05, (count, 1)) * s**4
    path, _ = mass.hanging(surface, theta, y, clear + flick)
    return path, _taper(rng, count, 0.075), rng.uniform(0, 40, count)
