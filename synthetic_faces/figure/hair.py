"""Hair: a cap that thickens the skull, a curtain of long hair, a bun; and the shape of a beard."""

from __future__ import annotations

import numpy as np

from synthetic_faces.face_parameters import Hair
from synthetic_faces.figure import hats
from synthetic_faces.figure.surface import Surface
from synthetic_faces.geometry.meshes import Mesh, Part
from synthetic_faces.geometry.shapes import pchip, smoothstep
from synthetic_faces.randomness import noise_at

CENTRE = np.array([0.0, -0.35, -0.1])  # hair stands away from here
# Brightness of neighbouring locks; the golden ratio spreads it evenly and never repeats.
TONES = (np.mod(np.arange(256) * 0.61803398875, 1.0) - 0.5).astype(np.float32)


def hairline(hair: Hair, theta: np.ndarray) -> np.ndarray:
    """Return the height y above which hair grows, at azimuths theta (radians)."""
    front = -0.89 + hair.line
    burn = 0.05 + hair.sideburn
    knots = np.radians([0.0, 14, 30, 44, 56, 66, 74, 83, 94, 108, 180])
    back = hair.recession
    heights = [front + hair.peak, front, front - 0.5 * back, front + 0.05 - back]
    heights += [-0.52 - 0.4 * back, -0.26, burn - 0.12, burn, 0.32, 0.62, 0.8]
    line = pchip(knots, np.array(heights), np.abs(theta).ravel()).reshape(theta.shape)
    if hair.length > 0 and hair.sweep > 0.4:  # parted hair frames the face
        part, edge = np.radians(hair.part), np.radians(max(hair.cover, 40.0))
        reach = np.where(theta > part, max(edge - part, 0.02), min(-edge - part, -0.02))
        apart = (theta - part) / reach
        bend = (1.2 + 1.3 / min(hair.sweep, 1.0)) * (1 - 0.9 * min(hair.fringe, 0.4))
        parted = front + (0.35 - front) * np.clip(apart, 0, 1) ** bend
        line = np.where(np.abs(theta) < np.radians(95), np.maximum(line, parted), line)
        if hair.fringe < 0.4:
            return line
    if hair.fringe <= 0:
        return line
    away = np.abs(theta - np.radians(hair.part)) / np.radians(62)
    swept = np.clip(away, 0, 1) ** 1.2
    depth = hair.fringe * ((1 - min(hair.sweep, 1)) + min(hair.sweep, 1) * 1.25 * swept)
    depth = depth * smoothstep(np.radians(72), np.radians(48), np.abs(theta))
    return line + depth * smoothstep(-0.15, -0.55, line)


def cap(
    surface: Surface, skin: np.ndarray, theta: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Lay hair on skin (R, C, 3) at a grid of azimuths and heights, each (R, C).

    Returns points (R, C, 3), hair (R, C): how far inside the hairline, and strand (R, C, 2).
    """
    hair = surface.anatomy.parameters.hair
    strand = strands(hair, skin, theta, y)
    inside = hairline(hair, theta) - y
    points = skin + outward(skin) * lift(surface, strand, theta, y, inside)[..., None]
    return points, np.where(hair.cap > 0, inside, -1.0), strand


def outward(points: np.ndarray) -> np.ndarray:
    """Return unit directions (..., 3) in which hair stands off at points of the head."""
    away = points - CENTRE
    return away / np.linalg.norm(away, axis=-1, keepdims=True)


def lift(
    surface: Surface, strand: np.ndarray, theta: np.ndarray, y: np.ndarray, inside: np.ndarray
) -> np.ndarray:
    """Return the thickness of the hair above the skin at azimuths and heights (...).

    strand: (..., 2) as `strands` gives it. inside: (...) how far above the hairline.
    """
    hair = surface.anatomy.parameters.hair
    wisp = 0.02 * noise_at("strand", theta * 0.5, y * 0.1)
    amount = smoothstep(0.0, 0.14 + 0.5 * max(hair.top, hair.side), inside + wisp)
    thick = _thickness(hair, theta, y)
    round_top = smoothstep(0.05, 0.5, surface.profile(y)[0])  # no noise at the pole
    lumps = 0.16 * hair.curl * noise_at("curl", theta * 0.16, y * 0.16) if hair.curl > 0.1 else 0.0
    height, tone = locks(strand[..., 0], strand[..., 1])
    above = amount * thick * (1 + round_top * lumps)
    rough = (0.012 + 0.16 * thick) * (1 - hair.curl)
    above = above + amount * round_top * rough * (height - 0.7 + 1.1 * tone)
    # At the parting the hair lies flat.
    if hair.sweep > 0.4:
        parting = np.exp(-(((theta - np.radians(hair.part)) / 0.1) ** 2))
        above = above * (1 - 0.28 * round_top * parting * smoothstep(0.5, -0.2, y + 0.6))
    return hats.pressed(surface.anatomy, theta, y, above)


def _thickness(hair: Hair, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the thickness of a style: high in front or to one side, tapered at the ears."""
    thick = hair.side + (hair.top - hair.side) * smoothstep(-0.45, -1.45, y)
    if hair.curl > 0.5:
        return thick
    high = smoothstep(-0.7, -1.15, y)
    if hair.sweep < 0.45 and hair.fringe < 0.3:
        thick = thick * (1 + 0.35 * high * np.exp(-((theta / 0.8) ** 2)))
    side = -np.sign(hair.part) * np.sin(theta)
    thick = thick * (1 + 0.3 * min(hair.sweep, 1.0) * high * side)
    if hair.length <= 0:
        thick = thick * (0.45 + 0.55 * smoothstep(0.25, -0.55, y))
    return thick


def strands(hair: Hair, points: np.ndarray, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return coordinates across and along the hair, from the crown or from a parting.

    points: (..., 3) of the skin at azimuths theta and heights y. Returns (..., 2).
    """
    sideways = 0.5 * min(hair.sweep, 1.0) * smoothstep(1.5, 0.3, np.abs(theta))
    part = np.radians(hair.part)
    # Arcs over the head that start steeply at the parting and run down its sides.
    x = points[..., 0] - 0.8 * np.sin(part)
    rows = np.hypot(x, points[..., 1] + 0.1) - 0.8 * points[..., 2] - 0.3 * np.abs(x)
    across = (1 - sideways) * (theta + 0.25 * np.sin(2.2 * y + 2 * part)) + sideways * 1.2 * rows
    along = (1 - sideways) * y + sideways * np.abs(theta - part)
    return np.stack([across, along], axis=-1)


def curtain(surface: Surface) -> Mesh | None:
    """Build long hair: the cap's outline from temple to temple, extended down to its length."""
    hair = surface.anatomy.parameters.hair
    if hair.length <= 0:
        return None
    theta = np.linspace(np.radians(hair.cover), np.radians(360 - hair.cover), 120)[None, :]
    down = np.linspace(0, 1, 48)[:, None]
    end = hair.length + 0.06 * noise_at("strand", theta * 0.4, theta * 0)
    end = end + 0.1 * locks(theta, 0 * theta)[1]
    points, strand = hanging(surface, theta, -1.1 + down * (end + 1.1))
    inside = np.ones(points.shape[:2])
    return Mesh(Part.HAIR, points, points[..., :2], strand, inside, open=True)


def hanging(
    surface: Surface, theta: np.ndarray, y: np.ndarray, more: np.ndarray | float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return points (R, C, 3) of hanging hair, `more` above its surface, and strand (R, C, 2).

    theta: (1, C) or (R, C) azimuths from 0 to 2 pi. y: (R, C) heights.
    """
    hair = surface.anatomy.parameters.hair
    attached = np.minimum(y, 0.1)  # from here on hair hangs free
    theta = theta + np.zeros_like(y)
    points = surface.around(theta, attached)
    fall = y - attached
    away = points - CENTRE
    away[..., 1] *= 0.3
    away /= np.linalg.norm(away, axis=-1, keepdims=True)
    across = theta + 0.12 * hair.wave * np.sin(5.2 * y)
    height, tone = locks(across, y)
    edge = np.minimum(theta, 2 * np.pi - theta) - np.radians(hair.cover)
    rounded = 0.25 + 0.75 * smoothstep(0.0, 0.4, edge)
    body = (hair.side + 0.03) * smoothstep(-1.15, -0.75, y) + 0.1 * smoothstep(-0.7, 0.0, y)
    waves = hair.wave * np.minimum(fall + 0.25, 1) * smoothstep(-0.4, 0.3, y)
    wave = waves * 0.055 * np.sin(5.2 * y + 3 * noise_at("cloud", theta * 0.1, theta * 0.07))
    lumps = 0.04 * (height - 0.7) + (0.05 + 0.05 * smoothstep(0.2, 1.5, y)) * tone
    lumps = lumps + 0.05 * hair.curl * noise_at("curl", theta * 0.14, y * 0.14)
    turned_in = -0.12 * smoothstep(hair.length - 0.55, hair.length, y) * (hair.length < 1.7)
    above = body * rounded + hair.flare * fall + wave + lumps * smoothstep(-1.0, -0.4, y)
    above = hats.pressed(surface.anatomy, theta, y, above + turned_in + more)
    points = points + away * above[..., None]
    points[..., 1] = y
    # Hair gathers behind the neck, and falls forward over the shoulders.
    behind = points[..., 2] < 0
    gather = 1 - 0.45 * smoothstep(0.3, 1.6, y)
    points[..., 2] = np.where(behind, points[..., 2] * gather, points[..., 2])
    points[..., 2] += np.where(behind, 0.0, 0.25 * smoothstep(1.3, 2.2, y) * (hair.length > 1.7))
    return points, np.stack([across, y], axis=-1)


def bun(surface: Surface) -> Mesh | None:
    """Build a bun on top of the head."""
    hair = surface.anatomy.parameters.hair
    if hair.bun <= 0 or surface.anatomy.parameters.wear.hat != "none":
        return None
    around = np.linspace(0, 2 * np.pi, 49)[None, :]
    up = np.linspace(0.02, np.pi - 0.02, 30)[:, None]
    radius = hair.bun * (1 + 0.05 * np.sin(3 * around + 4 * up))
    x = radius * 1.1 * np.sin(up) * np.sin(around)
    y = -radius * 0.85 * np.cos(up)
    z = radius * np.sin(up) * np.cos(around)
    centre = np.array([0.0, surface.anatomy.y_crown - hair.top - 0.4 * hair.bun, -0.4])
    points = np.stack([x, y + np.zeros_like(x), z], axis=-1) + centre
    across = 1.6 * up + 0.5 * np.sin(around) + 0 * around
    strand = np.stack([across, 0.3 * around + 0 * up], axis=-1)
    return Mesh(Part.HAIR, points, points[..., :2], strand, np.ones_like(x))


def locks(across: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the relief of locks in [0, 1], 0 between two, and the tone of each in +-0.5.

    across, along: coordinates of hair; a unit of `across` holds six locks, which waver.
    """
    waver = noise_at("cloud", 0.11 * across + 0.05 * along, 0.13 * along)
    phase = 6.0 * across + 0.55 * waver
    number = np.floor(phase)
    fraction = phase - number
    return 4 * fraction * (1 - fraction), TONES[number.astype(int) % len(TONES)]


def beard(surface: Surface, skin: np.ndarray) -> np.ndarray:
    """Return the displacement of chin and jaw by a full beard: (R, C, 3)."""
    p, a = surface.anatomy.parameters, surface.anatomy
    if p.hair.beard_length <= 0:
        return np.zeros_like(skin)
    x, y = skin[..., 0], skin[..., 1]
    below = smoothstep(a.y_mouth + 0.12, a.y_chin, y) * np.exp(-(np.abs(x / 0.62) ** 3))
    direction = np.stack([0.35 * x, 0 * x + 1.0, 0 * x + 0.45], axis=-1)
    return p.hair.beard_length * below[..., None] * direction
