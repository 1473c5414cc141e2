"""Hats: a crown fitted round the skull, with a turned-up cuff, a peak or a brim."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure.anatomy import Anatomy
from synthetic_faces.figure.surface import EXPONENT, Surface
from synthetic_faces.geometry.camera import Camera
from synthetic_faces.geometry.meshes import Mesh, Part, ball, bare
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.geometry.zbuffer import Geometry, visible

ON_CROWN, ON_FLAP, ON_CUFF = 0.0, 1.0, 2.0  # what a point of a hat belongs to
PRESSED = 0.035  # thickness of hair under a hat
# Per hat: rim above the brows in front, its height at the back, crown above the skull, boxiness.
HAT_MODELS = {
    "beanie": (0.14, 0.06, 0.16, 2.45),
    "cap": (0.25, -0.14, 0.12, 2.6),
    "brim": (0.27, -0.16, 0.14, 3.4),
}
HAT_COLUMNS = 73
BULGE_HEIGHT = -0.4  # height at which skulls are longest


def rim_height(anatomy: Anatomy, theta: np.ndarray) -> np.ndarray:
    """Return the height y of the rim at azimuths theta (radians)."""
    wear = anatomy.parameters.wear
    above, back, _, _ = HAT_MODELS[wear.hat]
    brows = min(float((brow[:, 1] - brow[:, 2]).min()) for brow in anatomy.brows)
    front = min(brows, -0.36) - above + wear.hat_low
    sway = 0.5 * (1 + np.cos(theta))
    return back + (front - back) * sway + np.tan(np.radians(wear.hat_tilt)) * np.sin(theta)


def pressed(anatomy: Anatomy, theta: np.ndarray, y: np.ndarray, lift: np.ndarray) -> np.ndarray:
    """Return the thickness of hair, reduced where a hat presses it."""
    if anatomy.parameters.wear.hat == "none":
        return lift
    free = smoothstep(-0.02, 0.3, y - rim_height(anatomy, theta))
    return np.minimum(lift, PRESSED + 0.6 * free)


def hat(surface: Surface, camera: Camera) -> list[Mesh]:
    """Build every surface of the hat, in the world; an empty list for none.

    `plane` holds azimuth and height (0 at the rim, 1 at the top or the edge of brim or peak),
    `strand` which part of the hat it is.
    """
    wear = surface.anatomy.parameters.wear
    kind = wear.hat
    if kind == "none":
        return []
    parts = [_crown(surface, kind)]
    if kind == "beanie":
        parts.append(_cuff(surface))
    elif kind == "cap":
        parts.append(_peak(surface))
    else:
        parts.append(_brim(surface))
    meshes = [_mesh(camera, *part) for part in parts]
    radius = {"cap": 0.05, "beanie": 0.16 * wear.hat_size * (wear.hat_size > 1.08)}.get(kind, 0)
    if radius > 0:
        top = parts[0][0][0].mean(0) - [0, 0.7 * radius, 0]
        knob = ball(Part.HAT, camera.to_world(top), radius)
        meshes.append(bare(Part.HAT, knob.points, np.zeros_like(knob.plane)))
    return meshes


def seams(surface: Surface, camera: Camera, geometry: Geometry) -> list[np.ndarray]:
    """Return visible seams of the hat as lines (N, 2) in canvas pixels."""
    kind = surface.anatomy.parameters.wear.hat
    if kind not in ("cap", "beanie"):
        return []
    crown = _crown(surface, kind)[0]
    if kind == "cap":
        lines = [
            crown[:, k]
            for k in range((HAT_COLUMNS - 1) // 12, HAT_COLUMNS - 1, (HAT_COLUMNS - 1) // 6)
        ]
    else:  # some of the ribs, above the cuff
        lines = [crown[3:-7, k] for k in range(2, HAT_COLUMNS - 1, 5)]
    return [part for line in lines for part in visible(camera, geometry, camera.to_world(line))]


def _mesh(camera: Camera, points: np.ndarray, height: np.ndarray, kind: float, open: bool) -> Mesh:
    theta = np.linspace(-np.pi, np.pi, points.shape[1])[None, :] + 0 * height
    strand = np.stack([np.full_like(theta, kind), height], axis=-1)
    plane = np.stack([theta, height], axis=-1)
    bald = np.full(theta.shape, -1.0)
    return Mesh(Part.HAT, camera.to_world(points), plane, strand, bald, open=open)


def _rim(surface: Surface, gap: float) -> np.ndarray:
    """Return a closed loop (HAT_COLUMNS, 3) a gap outside the skin, starting at the back."""
    theta = np.linspace(-np.pi, np.pi, HAT_COLUMNS)
    y = rim_height(surface.anatomy, theta)
    # Hats are rounder than slices of a head: no dents at the temples.
    points = surface.around(theta, y)
    # The back of the head may bulge above the rim.
    higher = surface.around(theta, np.minimum(y, BULGE_HEIGHT))
    wider = np.hypot(higher[:, 0], higher[:, 2]) > np.hypot(points[:, 0], points[:, 2])
    points[:, [0, 2]] = np.where(wider[:, None], higher[:, [0, 2]], points[:, [0, 2]])
    width, centre, front, back = surface.profile(np.minimum(y, BULGE_HEIGHT))[:4]
    s, c = np.sin(theta), np.cos(theta)
    reach = np.where(c > 0, front - centre, centre - back)
    round_x, round_z = (width + gap) * s, centre + (reach + gap) * c
    outward = points[:, [0, 2]] - np.stack([0 * s, centre], 1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    points[:, [0, 2]] += gap * outward
    points[:, 0] = np.where(np.abs(round_x) > np.abs(points[:, 0]), round_x, points[:, 0])
    points[:, 2] = np.where(np.abs(round_z) > np.abs(points[:, 2]), round_z, points[:, 2])
    return points


def _crown(surface: Surface, kind: str) -> tuple[np.ndarray, np.ndarray, float, bool]:
    """Build the crown: points (R, HAT_COLUMNS, 3) from top to rim, and height above the rim."""
    wear = surface.anatomy.parameters.wear
    _, _, above, boxy = HAT_MODELS[kind]
    gap = PRESSED + {"beanie": 0.045, "cap": 0.035, "brim": 0.055}[kind]
    rim = _rim(surface, gap)
    angle = np.linspace(0.04, np.pi / 2, 26)[:, None]
    radius = np.sin(angle) ** (2 / boxy)
    up = np.cos(angle) ** (2 / boxy)
    if kind == "brim":  # straight walls that lean in a little
        radius = radius * (1 - 0.1 * up)
    tall = above + 0.12 * (wear.hat_size - 1) + (0.16 if kind == "brim" else 0.0)
    top = np.array([0.0, surface.anatomy.y_crown - tall, -0.12 if kind == "cap" else -0.18])
    foot = np.array([0.0, rim[:, 1].mean(), rim[:, 2].mean()])
    axis = foot + up[..., None] * (top - foot)
    # The slant of the rim fades toward the top.
    spread = np.stack([radius, radius**2.5, radius], axis=-1)
    points = axis + spread * (rim - foot)
    height = 0 * rim[None, :, 0] + up
    if kind == "beanie":  # the top is loose and leans back
        slack = smoothstep(0.55, 1.0, height)
        points[..., 2] -= 0.16 * slack
        points[..., 1] -= 0.05 * slack
    elif kind == "brim":
        x, z = points[..., 0], points[..., 2]
        dent = np.exp(-((x / 0.28) ** 2)) * smoothstep(-1.3, 0.2, z)
        points[..., 1] += 0.15 * dent * smoothstep(0.55, 0.95, height)
        pinch = smoothstep(0.1, 0.9, z) * smoothstep(0.35, 0.95, height)
        points[..., 0] *= 1 - 0.24 * pinch
    else:  # the front panels of a cap stand upright
        stand = np.sin(np.pi * height) * smoothstep(0.3, 1.0, points[..., 2])
        points[..., 2] += 0.07 * stand
    return _cleared(surface, points), height, ON_CROWN, False


def _cleared(surface: Surface, points: np.ndarray) -> np.ndarray:
    """Move points of a crown (R, C, 3) out where skull or pressed hair would show through."""
    width, centre, front, back = surface.profile(points[..., 1])[:4]
    gap = PRESSED + 0.035
    x, z = points[..., 0], points[..., 2] - centre
    reach = np.where(z > 0, front - centre, centre - back) + gap
    inside = (np.abs(x) / (width + gap)) ** EXPONENT + (np.abs(z) / reach) ** EXPONENT
    # Right above the skull there is nothing to clear.
    grow = np.maximum(1.0, np.maximum(inside, 1e-3) ** (-1 / EXPONENT))
    grow = np.where(width > 0.4, grow, 1.0)
    moved = points.copy()
    moved[..., 0] = x * grow
    moved[..., 2] = centre + z * grow
    return moved


def _cuff(surface: Surface) -> tuple[np.ndarray, np.ndarray, float, bool]:
    """Build the turned-up edge of a beanie: a thick convex band."""
    crown = _crown(surface, "beanie")[0]
    tall = 0.24 + 0.1 * (surface.anatomy.parameters.wear.hat_size - 1)
    t = np.linspace(0, 1, 9)
    rows = np.stack([_row_at(crown, tall * (1 - k)) for k in t])
    bulge = 0.012 + 0.05 * (1 - np.abs(2 * t - 1) ** 4)
    outward = rows - np.array([0.0, 0.0, -0.15])
    outward[..., 1] = 0
    outward /= np.linalg.norm(outward, axis=-1, keepdims=True)
    rows = rows + bulge[:, None, None] * outward
    rows[-1, :, 1] += 0.02
    return rows, np.broadcast_to(1 - t[:, None], rows.shape[:2]), ON_CUFF, False


def _peak(surface: Surface) -> tuple[np.ndarray, np.ndarray, float, bool]:
    """Build the peak of a cap: a sheet in front of the rim, bent down at its sides."""
    size = surface.anatomy.parameters.wear.hat_size
    theta = np.linspace(-np.pi, np.pi, HAT_COLUMNS)
    rim = _rim(surface, PRESSED + 0.035)
    angle = np.linspace(-np.radians(66), np.radians(66), 33)
    root = np.stack([np.interp(angle, theta, rim[:, k]) for k in range(3)], axis=1)
    u = np.linspace(0, 1, 12)[:, None]
    reach = 0.72 * size * np.clip(np.cos(angle / np.radians(66) * np.pi / 2), 0, 1) ** 0.55
    x = root[:, 0] * (1 - 0.04 * u)
    z = root[:, 2] + u * reach
    # An arch across: the middle stays high, the sides come down.
    arch = 0.2 * (x / 0.85) ** 2 * u**0.7
    y = root[:, 1] - 0.03 + 0.04 * np.minimum(u / 0.1, 1) + 0.2 * u * reach + arch - 0.05 * u
    points = np.stack([x, y, z + 0 * y], axis=-1)
    return points, np.broadcast_to(u, points.shape[:2]), ON_FLAP, True


def _brim(surface: Surface) -> tuple[np.ndarray, np.ndarray, float, bool]:
    """Build the brim: a ring round the crown, rolled up at the sides."""
    size = surface.anatomy.parameters.wear.hat_size
    rim = _rim(surface, PRESSED + 0.045)
    theta = np.linspace(-np.pi, np.pi, HAT_COLUMNS)
    u = np.linspace(0, 1, 10)[:, None]
    outward = np.stack([np.sin(theta), np.zeros(HAT_COLUMNS), np.cos(theta)], axis=1)
    wide = 0.52 * size * (1 + 0.12 * np.cos(theta))
    points = rim + (u * wide)[..., None] * outward
    roll = 0.26 * np.abs(np.sin(theta)) ** 2.5 * u**2 - 0.1 * (np.cos(theta) > 0) * (
        np.cos(theta) ** 3 * u
    )
    points[..., 1] -= roll
    return points, np.broadcast_to(u, points.shape[:2]), ON_FLAP, True


def _row_at(crown: np.ndarray, height: float) -> np.ndarray:
    """Return the loop (HAT_COLUMNS, 3) of a crown at a relative height above its rim."""
    level = (crown[-1, :, 1] - crown[:, :, 1]) / (crown[-1, :, 1] - crown[0, :, 1])
    k = np.argmax(level <= height, axis=0)
    columns = np.arange(crown.shape[1])
    high, low = level[np.maximum(k - 1, 0), columns], level[k, columns]
    mix = np.clip((high - height) / np.maximum(high - low, 1e-6), 0, 1)[:, None]
    return (1 - mix) * crown[np.maximum(k - 1, 0), columns] + mix * crown[k, columns]
