"""Light on surfaces: three lamps and a sky, soft shadows and occlusion from the z-buffer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from synthetic_faces.face_parameters import RGB, Light
from synthetic_faces.geometry.zbuffer import Geometry

SHADOW_SIDE = 192  # side of the z-buffer on which shadows and occlusion are computed
WALL = -3.0  # z taken where nothing is
TEAR = 0.06  # step in z between neighbours that are not of one surface
# Reach of occlusion in head units, and its weight: lips and lids; nose and sockets; chin on neck.
REACHES = ((0.035, 0.85), (0.11, 0.95), (0.3, 0.75))
GAMMA = np.float32(2.2)


@dataclass(frozen=True)
class Lamp:
    """A lamp and where its light arrives.

    direction: (3,), to the lamp. half: (3,), half-way to the viewer. lit: (P,), the part of it
    that no surface keeps from each covered pixel. colour: (3,) linear, strength included.
    """

    direction: np.ndarray
    half: np.ndarray
    lit: np.ndarray
    colour: np.ndarray


@dataclass(frozen=True)
class Illumination:
    """Light that reaches each covered pixel.

    lamps: those that are on, the key light first (it is here even when off). open: (P,) part of
    the sky that is not occluded. sky: (3,) linear colour of the sky.
    """

    lamps: tuple[Lamp, ...]
    open: np.ndarray
    sky: np.ndarray

    @property
    def key(self) -> np.ndarray:
        """Direction to the key light, (3,)."""
        return self.lamps[0].direction

    @property
    def lit(self) -> np.ndarray:
        """Part of the key light that reaches each pixel, (P,)."""
        return self.lamps[0].lit


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """Return the unit vector (3,) to a lamp; azimuth + to the image's right, elevation + up."""
    across, up = np.radians([azimuth, elevation])
    vector = [np.sin(across) * np.cos(up), -np.sin(up), np.cos(across) * np.cos(up)]
    return np.array(vector, np.float32)


def illuminate(light: Light, geometry: Geometry, scale: float) -> Illumination:
    """Compute the light of a scene; `scale` is the head unit in pixels of the canvas."""
    unit = scale * SHADOW_SIDE / geometry.side
    coarse = _Coarse(geometry)
    settings = (
        (light.azimuth, light.elevation, light.key, light.key_colour, light.softness),
        (light.fill_azimuth, light.fill_elevation, light.fill, light.fill_colour, 1.0),
        (light.rim_azimuth, light.rim_elevation, light.rim, light.rim_colour, 0.5),
    )
    lamps = []
    for number, (azimuth, elevation, strength, colour, softness) in enumerate(settings):
        if number and strength <= 0:
            continue
        to = direction(azimuth, elevation)
        half: np.ndarray = to + np.array([0, 0, 1], np.float32)
        half = half / np.float32(max(float(np.linalg.norm(half)), 1e-3))
        # Of the weaker lamps a coarser shadow is enough.
        step = 1 if number == 0 else 2
        shadow = _march(coarse.z[::step, ::step], to, unit / step, softness)
        lit = 1 - coarse.spread(shadow)
        lamps.append(Lamp(to, half, lit, np.float32(strength) * _hue(colour)))
    # Where a surface turns away, its near side is higher but hides nothing.
    turned = np.clip(0.2 + 1.6 * geometry.normal[:, 2], 0, 1)
    occluded = coarse.spread(_occlusion(coarse.z, unit)) * turned
    return Illumination(tuple(lamps), 1 - occluded, np.float32(light.ambient) * _hue(light.sky))


def _hue(colour: RGB) -> np.ndarray:
    """Return the linear colour, scaled so that its strongest channel is 1."""
    light = linear(colour)
    return light / max(float(light.max()), 1e-6)


class _Coarse:
    """A coarse z-buffer, and the interpolation from it to the covered pixels.

    z: (COARSE, COARSE) world z, WALL for nothing.
    """

    def __init__(self, geometry: Geometry) -> None:
        self._geometry = geometry
        cells = (SHADOW_SIDE, SHADOW_SIDE)
        z = cv2.resize(geometry.z, cells, interpolation=cv2.INTER_NEAREST)
        self.z = np.maximum(z, np.float32(WALL))
        # By an outline, interpolation would mix what lies before it with what lies behind: such
        # pixels take the value of that neighbouring cell whose depth is nearest to their own.
        smooth = self._enlarged(self.z)
        self._torn = np.flatnonzero(np.abs(smooth - geometry.depth) > TEAR)
        row, column = np.divmod(geometry.pixel[self._torn], geometry.side)
        self._cell = self._nearest(
            row * SHADOW_SIDE // geometry.side, column * SHADOW_SIDE // geometry.side
        )

    def _nearest(self, row: np.ndarray, column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        depth = self._geometry.depth[self._torn]
        best = np.full(len(row), np.inf, np.float32)
        cell = (row.copy(), column.copy())
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                r = np.clip(row + down, 0, SHADOW_SIDE - 1)
                c = np.clip(column + right, 0, SHADOW_SIDE - 1)
                gap = np.abs(self.z[r, c] - depth)
                closer = gap < best
                best = np.where(closer, gap, best)
                cell = (np.where(closer, r, cell[0]), np.where(closer, c, cell[1]))
        return cell

    def _enlarged(self, field: np.ndarray) -> np.ndarray:
        whole = (self._geometry.side, self._geometry.side)
        full = cv2.resize(field, whole, interpolation=cv2.INTER_LINEAR)
        return full.ravel()[self._geometry.pixel]

    def spread(self, field: np.ndarray) -> np.ndarray:
        """Return the values (P,) at the pixels of a field over these cells or every nth of them."""
        values = self._enlarged(field)
        step = SHADOW_SIDE // field.shape[0]
        values[self._torn] = field[self._cell[0] // step, self._cell[1] // step]
        return values


def _occlusion(z: np.ndarray, unit: float) -> np.ndarray:
    """Return the part of the sky that each cell's neighbourhood hides, in [0, 0.9].

    After depth-buffer unsharp masking (Luft et al. 2006): what lies deeper than the
    mean of its surroundings is a hollow. Several reaches together find hollows of every size.
    """
    mask = (z > WALL + 0.5).astype(np.float32)
    total: np.ndarray = np.zeros_like(z)
    for reach, weight in REACHES:
        weighted, share = (_wide_blur(f, reach * unit) for f in (z * mask, mask))
        # Past an outline the sky is open: there a neighbour counts as lying behind the cell.
        above = weighted - share * z - 1.5 * reach * (1 - share)
        total += weight * np.clip(above / (2.0 * reach), 0, 0.55)
    return np.clip(total, 0, 0.9)


def _wide_blur(field: np.ndarray, sigma: float) -> np.ndarray:
    """Blur with a Gaussian; a wide one at a quarter of the resolution."""
    if sigma < 8:
        return cv2.GaussianBlur(field, (0, 0), sigma)
    small = cv2.resize(field, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    return cv2.resize(blurred, field.shape[::-1], interpolation=cv2.INTER_LINEAR)


def _march(z: np.ndarray, to: np.ndarray, unit: float, softness: float) -> np.ndarray:
    """Return soft shadows in [0, 1]: march from each cell to the lamp through the z-buffer."""
    side = z.shape[0]
    shadow = np.zeros_like(z)
    for distance in (0.05, 0.08, 0.12, 0.17, 0.23, 0.3, 0.4, 0.52, 0.68, 0.9):
        dx, dy = to[0] * distance * unit, to[1] * distance * unit
        move = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
        there = cv2.warpAffine(
            z,
            move,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        over = there - (z + to[2] * distance)
        # A large lamp is hidden little by little, and the less the farther what hides it.
        edge = 0.02 + (0.05 + 0.22 * softness) * distance
        blocked = np.clip((over - 0.015) / edge, 0, 1) * (over < 0.9)
        shadow = np.maximum(shadow, blocked * (1 - (0.1 + 0.5 * softness) * distance))
    return cv2.GaussianBlur(shadow, (0, 0), 0.9 * side / SHADOW_SIDE)


def linear(colour: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """Convert sRGB values, 0 to 255, to linear light, 0 to 1, with a gamma of 2.2."""
    return (np.clip(np.asarray(colour, np.float32), 0, 255) / 255) ** GAMMA
