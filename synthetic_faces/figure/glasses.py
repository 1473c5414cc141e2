"""Glasses: rims in front of the eyes, a bridge, temples back to the ears, and lenses.

The frame is solid and part of the scene, and so are lenses too dark to see through. Clear lenses
let depth and normals of the face through; they only tint the photo, and the label map.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic_faces.figure.anatomy import SIDES
from synthetic_faces.figure.surface import EXPONENT, Surface
from synthetic_faces.geometry.camera import Camera
from synthetic_faces.geometry.meshes import Mesh, Part, bare, tube
from synthetic_faces.geometry.shapes import spline
from synthetic_faces.geometry.zbuffer import Geometry, rasterise, visible

# Per model: half-width, half-height and exponent of the rim, lift of its outer end, thickness.
GLASSES_MODELS = {
    "round": (0.315, 0.295, 2.0, 0.0, 0.026),
    "square": (0.345, 0.255, 4.2, 0.015, 0.05),
    "cat": (0.345, 0.245, 2.8, 0.09, 0.042),
    "aviator": (0.36, 0.30, 2.5, 0.0, 0.022),
}
ABOVE = 0.16  # rims stand this far before the eyes
OPAQUE = 0.6  # tint from which lenses hide the eyes
LENS = 1.0  # what `strand` says of a point of a lens; 0 for the frame


@dataclass(frozen=True)
class Frame:
    """Centre lines in head coordinates: two closed rims, the bridge or bridges, two temples."""

    rims: tuple[np.ndarray, np.ndarray]
    bridges: tuple[np.ndarray, ...]
    temples: tuple[np.ndarray, np.ndarray]
    thickness: float


@dataclass(frozen=True)
class Glasses:
    """Glasses in the picture. All in pixels of the canvas.

    glass: (K,) flat indices of what is seen through the lenses, and facing: (K,), how squarely.
    lines: open polylines of the frame, hidden ends cut off. width: of the frame.
    """

    glass: np.ndarray
    facing: np.ndarray
    lines: list[np.ndarray]
    width: float


def frame(surface: Surface) -> Frame | None:
    """Return the frame of a face with glasses, else None."""
    wear = surface.anatomy.parameters.wear
    if wear.glasses not in GLASSES_MODELS:
        return None
    left, right = (_rim(surface, side) for side in SIDES)
    bridges = [_bridge(left, right, -0.06, -0.045)]
    if wear.glasses == "aviator":
        bridges.append(_bridge(left, right, -0.2, -0.01))
    temples = (_temple(surface, left, -1), _temple(surface, right, 1))
    return Frame((left, right), tuple(bridges), temples, GLASSES_MODELS[wear.glasses][4])


def meshes(surface: Surface, camera: Camera) -> list[Mesh]:
    """Build the opaque parts, in the world."""
    worn_frame = frame(surface)
    if worn_frame is None:
        return []
    to_world, half = camera.to_world, 0.5 * worn_frame.thickness
    forward, down = camera.head[:, 2], camera.head[:, 1]
    parts = [tube(Part.GLASSES, to_world(rim), half, forward, 6) for rim in worn_frame.rims]
    parts += [tube(Part.GLASSES, to_world(line), half, down, 6) for line in worn_frame.bridges]
    taper = np.linspace(1.0, 0.7, len(worn_frame.temples[0]))
    parts += [
        tube(Part.GLASSES, to_world(line), half * taper, down, 6) for line in worn_frame.temples
    ]
    if surface.anatomy.parameters.wear.tint >= OPAQUE:
        parts += [_lens(camera, rim) for rim in worn_frame.rims]
    return [_as_frame(mesh) if mesh.strand[0, 0, 0] != LENS else mesh for mesh in parts]


def project(surface: Surface, camera: Camera, geometry: Geometry) -> Glasses | None:
    """Return the glasses as the canvas sees them, or None."""
    worn_frame = frame(surface)
    if worn_frame is None:
        return None
    lines = [
        camera.to_world(line)
        for line in (*worn_frame.rims, *worn_frame.bridges, *worn_frame.temples)
    ]
    reach = worn_frame.thickness + 0.01
    if surface.anatomy.parameters.wear.tint >= OPAQUE:
        glass, facing = np.zeros(0, np.int64), np.zeros(0, np.float32)
    else:
        glass, facing = _seen_through(camera, geometry, worn_frame)
    return Glasses(
        glass=glass,
        facing=facing,
        lines=[part for line in lines for part in visible(camera, geometry, line, reach)],
        width=worn_frame.thickness * camera.scale * geometry.side,
    )


def _as_frame(mesh: Mesh) -> Mesh:
    return bare(mesh.part, mesh.points, np.zeros_like(mesh.plane))


def _rim(surface: Surface, side: int) -> np.ndarray:
    """Return the rim as a closed loop (N, 3) in head coordinates."""
    p = surface.anatomy.parameters
    wide, high, exponent, lift, _ = GLASSES_MODELS[p.wear.glasses]
    wide, high = wide * p.wear.glasses_size, high * p.wear.glasses_size
    angle = np.linspace(0, 2 * np.pi, 61)
    c, s = np.cos(angle), np.sin(angle)
    x = wide * np.sign(c) * np.abs(c) ** (2 / exponent)
    y = high * np.sign(s) * np.abs(s) ** (2 / exponent) * (1 - 0.08 * (s > 0) * c)
    y = y - lift * np.clip(c, 0, 1) * np.clip(-s + 0.3, 0, 1)
    if p.wear.glasses == "aviator":  # a drop that hangs toward the cheek
        x = x * (1 - 0.16 * np.clip(s, 0, 1) * (c < 0))
        y = np.where(s < 0, 0.82 * y, 1.06 * y)
    centre = 0.02 + 0.445 * p.eyes.spacing
    depth = surface.at(np.array([side * centre, 0.0]))[2] + ABOVE
    return np.stack([side * (centre + x), 0.05 + y, depth - 0.28 * (centre + x - 0.4)], axis=1)


def _bridge(left: np.ndarray, right: np.ndarray, height: float, rise: float) -> np.ndarray:
    ends = [
        rim[np.argmin(np.abs(rim[:, 0]) + 0.5 * np.abs(rim[:, 1] - height))]
        for rim in (left, right)
    ]
    middle = 0.5 * (ends[0] + ends[1]) + [0, rise, 0.05]
    return spline(np.stack([ends[0], middle, ends[1]]), 15)


def _temple(surface: Surface, rim: np.ndarray, side: int) -> np.ndarray:
    """Return the temple as a line (N, 3) from the hinge back over the ear, outside the skin."""
    hinge = rim[np.argmax(side * rim[:, 0] - 0.7 * rim[:, 1])]
    width, centre, front, back = (float(v) for v in surface.profile(np.array(hinge[1]))[:4])
    z = np.linspace(hinge[2] - 0.03, -0.22, 30)
    reach = np.where(z > centre, front - centre, centre - back)
    bulge = np.clip(1 - (np.abs(z - centre) / reach) ** EXPONENT, 0, 1) ** (1 / EXPONENT)
    start = abs(hinge[0]) + 0.02
    straight = np.interp(z, [0.0, hinge[2]], [width + 0.06, start])
    x = np.maximum(straight, width * bulge + 0.035)
    y = np.interp(z, [-0.22, 0.0, hinge[2]], [0.12, -0.06, hinge[1]])
    return np.vstack([hinge[None], np.stack([side * x, y, z], axis=1)])


def _lens(camera: Camera, rim: np.ndarray) -> Mesh:
    """Build the lens: a slightly convex sheet inside a rim."""
    centre = rim.mean(0)
    r = np.linspace(0.02, 0.98, 7)[:, None, None]
    points = centre + r * (rim - centre)
    points[..., 2] += 0.035 * (1 - r[..., 0] ** 2)
    down = (points[..., 1] - rim[:, 1].min()) / np.ptp(rim[:, 1])
    kind = np.stack([np.full_like(down, LENS), down], axis=-1)
    return bare(Part.GLASSES, camera.to_world(points), kind, open=True)


def _seen_through(
    camera: Camera, geometry: Geometry, worn_frame: Frame
) -> tuple[np.ndarray, np.ndarray]:
    """Return canvas pixels (K,) behind clear lenses, and |cosine| of lens to view (K,)."""
    lenses = [_lens(camera, rim) for rim in worn_frame.rims]
    world = np.concatenate([mesh.points.reshape(-1, 3) for mesh in lenses])
    normal = [mesh.normals() for mesh in lenses]
    count = lenses[0].points[..., 0].size
    faces = np.concatenate(
        [mesh.faces(n) + k * count for k, (mesh, n) in enumerate(zip(lenses, normal))]
    )
    hits = rasterise(geometry.cells(camera.project(world)), world[:, 2], faces, geometry.side)
    # Where a tilted lens would touch the cheek, it is still before it.
    in_front = hits.depth > geometry.z.reshape(-1)[hits.pixel] - 0.08
    tilt = np.abs(
        np.concatenate([n.reshape(-1, 3) for n in normal])[faces[hits.triangle[in_front], 0], 2]
    )
    return hits.pixel[in_front], tilt.astype(np.float32)
