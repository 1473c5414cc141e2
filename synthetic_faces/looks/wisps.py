"""Single strands of hair, over the shaded hair and beyond its outline.

Strands are traced in the picture along the direction of the hair beneath them. Those that start
near the outline run on over what lies behind; nothing nearer is crossed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from synthetic_faces.face_parameters import Hair
from synthetic_faces.geometry.zbuffer import Geometry
from synthetic_faces.scene import Scene

WISP_STEPS = 12
COAT_CELL = 4  # canvas pixels per cell of the maps that need not be fine
SHADES = (0.45, 0.62, 0.8, 1.25, 1.5, 1.85)  # of strands, against the hair they lie on
BEFORE = 0.06  # a surface this much nearer than a strand hides it, in head units


@dataclass(frozen=True)
class Coat:
    """Hair as a canvas sees it, S its side.

    owner: (S, S) number of the covered pixel, -1 for none. mask: (S, S) uint8, 1 on hair.
    outward: (S / COARSE, S / COARSE, 2) toward the nearest border, longer the nearer it is.
    """

    geometry: Geometry
    owner: np.ndarray
    mask: np.ndarray
    outward: np.ndarray

    def border(self, pixel: np.ndarray) -> np.ndarray:
        """Return `outward` (K, 2) at flat canvas pixels (K,)."""
        # A side that COAT_CELL does not divide ends in a part of a cell, which has none of its own.
        row, column = (
            np.minimum(position // COAT_CELL, len(self.outward) - 1)
            for position in np.divmod(pixel, self.geometry.side)
        )
        return self.outward[row, column]


def comb(
    canvas: np.ndarray,
    scene: Scene,
    geometry: Geometry,
    amount: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Draw strands over a linear canvas (S, S, 3); amount: (P,) how much of a pixel is hair."""
    hair = scene.parameters.hair
    hairy = np.flatnonzero(amount > 0.6)
    if len(hairy) < 200 or hair.style == "buzz":
        return
    coat = _coat(geometry, amount)
    share = len(hairy) / geometry.side**2
    unit = scene.camera.scale * geometry.side
    inside = hairy[rng.integers(0, len(hairy), int(700 * share) + 40)]
    edge = hairy[rng.integers(0, len(hairy), int(1600 * share) + 100)]
    edge = edge[np.hypot(*coat.border(geometry.pixel[edge]).T) > 0.45]
    free = np.repeat([False, True], [len(inside), len(edge)])
    lines = _trace(coat, hair, np.concatenate([inside, edge]), unit, free, rng)
    _paint(canvas, coat, (lines[~free], lines[free]), rng)


def _coat(geometry: Geometry, amount: np.ndarray) -> Coat:
    side = geometry.side
    owner = np.full(side * side, -1, np.int32)
    owner[geometry.pixel] = np.arange(len(geometry.pixel), dtype=np.int32)
    mask = geometry.map((amount > 0.5).astype(np.uint8))
    small = mask[COAT_CELL // 2 :: COAT_CELL, COAT_CELL // 2 :: COAT_CELL].astype(np.float32)
    soft = cv2.GaussianBlur(small, (0, 0), max(len(small) / 90, 0.8))
    outward = -np.dstack([cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)])
    return Coat(geometry, owner.reshape(side, side), mask, outward)


def _trace(
    coat: Coat,
    hair: Hair,
    seeds: np.ndarray,
    unit: float,
    free: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Trace lines (K, WISP_STEPS + 1, 2) from covered pixels `seeds`.

    free: (K,), which may leave the hair. unit: a head unit in pixels. Positions and directions
    are complex numbers here.
    """
    geometry, side, count = coat.geometry, coat.geometry.side, len(seeds)
    pixel = geometry.pixel[seeds]
    at = pixel % side + 1j * (pixel // side) + _complex(rng.uniform(-0.5, 0.5, (count, 2)))
    near = geometry.depth[seeds] + BEFORE
    outward = free * _complex(coat.border(pixel))
    heading = _unit(_complex(geometry.tangent[seeds]))
    # A direction has no sign: strands go out, or down.
    away = (heading * np.conj(outward + 0.15j)).real
    heading = np.where(away < 0, -heading, heading) + rng.uniform(0.0, 0.22, count) * outward
    length = np.where(free, 0.03, 0.045) * unit * rng.uniform(0.5, 1.3, count)
    length *= 1 - 0.45 * hair.curl
    spin = hair.curl * rng.choice([-1.0, 1.0], count) * rng.uniform(0.25, 0.75, count)
    spin += np.where(free, 0.11, 0.05) * rng.standard_normal(count)
    inertia = np.where(free, 0.65, 0.35)
    bend, turn = np.exp(1j * spin), np.ones(count, complex)
    going = np.ones(count, bool)
    steps_outside, beyond = np.zeros(count, int), np.where(free, rng.integers(1, 6, count), 0)
    owners, mask, z = coat.owner.ravel(), coat.mask.ravel(), geometry.z.ravel()
    path, cell = [at], pixel
    for _ in range(WISP_STEPS):
        flow = _complex(geometry.tangent[owners[cell]])
        flow = np.where((flow * np.conj(heading)).real < 0, -flow, flow)
        heading = _unit(np.where(mask[cell] > 0, inertia * heading + flow, heading))
        turn = turn * bend
        ahead = at + length * turn * heading
        column = np.clip(np.round(ahead.real), 0, side - 1).astype(np.intp)
        next_cell = np.clip(np.round(ahead.imag), 0, side - 1).astype(np.intp) * side + column
        steps_outside = steps_outside + (mask[next_cell] == 0)
        going = going & (steps_outside <= beyond) & (z[next_cell] < near)
        at, cell = np.where(going, ahead, at), np.where(going, next_cell, cell)
        path.append(at)
    traced = np.stack(path, axis=1)
    return np.stack([traced.real, traced.imag], axis=-1)


def _complex(vectors: np.ndarray) -> np.ndarray:
    """Return the first two components of (K, ...) as complex numbers (K,)."""
    return vectors[:, 0] + 1j * vectors[:, 1].astype(np.float64)


def _unit(numbers: np.ndarray) -> np.ndarray:
    return numbers / np.maximum(np.abs(numbers), 1e-3)


def _paint(
    canvas: np.ndarray, coat: Coat, groups: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> None:
    """Paint strands: one channel of a film counts their coverage, another their brightness."""
    side = canvas.shape[0]
    film = np.zeros((side, side, 3), np.uint8)
    width = max(1, round(side / 500))
    half = WISP_STEPS // 2
    for lines, cover in zip(groups, (150, 140)):
        shade = rng.integers(0, len(SHADES), len(lines))
        fixed = np.round(16 * lines).astype(np.int32)
        for k, gain in enumerate(SHADES):
            chosen = fixed[shade == k]
            # Strands fade toward their ends.
            for part, dense in ((chosen[:, half:], 0.45 * cover), (chosen[:, : half + 1], cover)):
                colour = (dense, dense * gain / 2, 0)
                cv2.polylines(film, list(part), False, colour, width, cv2.LINE_AA, 4)
    crossed = np.flatnonzero(cv2.extractChannel(film, 0))
    cover = film.reshape(-1, 3)[crossed, 0].astype(np.float32)[:, None] / 255
    gain = film.reshape(-1, 3)[crossed, 1].astype(np.float32)[:, None] * (2 / 255)
    flat = canvas.reshape(-1, 3)
    under = flat[crossed]
    hair = np.where(coat.mask.reshape(-1)[crossed, None] > 0, under, _beyond(canvas, coat, crossed))
    flat[crossed] = under * (1 - cover) + hair * gain


def _beyond(canvas: np.ndarray, coat: Coat, pixels: np.ndarray) -> np.ndarray:
    """Return the colour (K, 3) of the nearest hair at flat pixels of the canvas."""
    side = canvas.shape[0]
    weight = coat.mask[::COAT_CELL, ::COAT_CELL].astype(np.float32)
    blurred = cv2.blur(canvas[::COAT_CELL, ::COAT_CELL] * weight[..., None], (9, 9))
    field = blurred / np.maximum(cv2.blur(weight, (9, 9)), 1e-2)[..., None]
    return field[pixels // side // COAT_CELL, pixels % side // COAT_CELL]
