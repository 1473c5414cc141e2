"""The layout of a face: its features as curves and points of the face plane, without depth.

Proportions follow the average of adult faces (head units, see `parameters`); each function turns
one feature's parameters into curves of shape (N, 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthetic_faces.face_parameters import Parameters
from synthetic_faces.geometry.shapes import pchip, smoothstep, spline

Y_CROWN, Y_NOSE, Y_MOUTH, Y_CHIN = -1.54, 0.62, 0.915, 1.585
SHUT = 0.12  # opening of the lids below which they meet
SIDES = (-1, 1)  # image left (the subject's right), image right


@dataclass(frozen=True)
class Eye:
    """One eye. Lids and the fold above them run from the outer to the inner corner.

    shut: the lids meet, and nothing of the ball is seen.
    """

    outer: np.ndarray
    inner: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    crease: np.ndarray
    shut: bool
    centre: np.ndarray
    iris: np.ndarray
    iris_radius: float


@dataclass(frozen=True)
class Lips:
    """Four curves from image left to image right; between the inner ones the mouth is open."""

    upper_outer: np.ndarray
    upper_inner: np.ndarray
    lower_inner: np.ndarray
    lower_outer: np.ndarray


class Anatomy:
    """The layout of one face.

    Attributes: `y_crown`, `y_nose`, `y_mouth`, `y_chin` (heights), `eyes` and `brows` (image left,
    image right), `lips`, `nose` (outline, closed) and `nostrils`.
    """

    def __init__(self, parameters: Parameters) -> None:
        p = self.parameters = parameters
        shape, mouth = p.shape, p.mouth
        self.y_crown = Y_CROWN - 1.2 * (shape.forehead - 1)
        self.y_nose = Y_NOSE * shape.middle_length
        self.y_mouth = self.y_nose + (Y_MOUTH - Y_NOSE) * shape.philtrum
        self.jaw_drop = 0.75 * mouth.opening
        self.y_chin = self.y_mouth + (Y_CHIN - Y_MOUTH) * shape.chin_length + self.jaw_drop
        self.eyes = tuple(self._eye(side) for side in SIDES)
        self.brows = tuple(self._brow(side) for side in SIDES)
        self.lips = self._lips()
        self.nose_half = 0.25 * p.nose.width
        self.nose = self._nose()
        self.nostrils = tuple(self._nostril(side) for side in SIDES)

    def stretched(self, y: np.ndarray) -> np.ndarray:
        """Map heights of the average face to heights of this one."""
        average = np.array([-3.0, Y_CROWN, -0.2, 0.0, Y_NOSE, Y_MOUTH, Y_CHIN, 3.0])
        heights = [self.y_crown - 1.4, self.y_crown, -0.2, 0.0, self.y_nose, self.y_mouth]
        heights += [self.y_chin, self.y_chin + 1.415]
        return np.interp(y, average, heights)

    def _eye(self, side: int) -> Eye:
        e, smile = self.parameters.eyes, max(self.parameters.mouth.smile, 0.0)
        half = 0.196 * e.size
        centre = np.array([side * 0.445 * e.spacing, -0.005])
        angle = np.radians(-e.tilt)
        along = np.array([side * np.cos(angle), np.sin(angle)])
        outer, inner = centre + half * along, centre - half * along
        s = np.linspace(1, -1, 33)  # from the outer corner to the inner one
        bow = (1 - s**2) ** 0.72
        open_up = 0.088 * e.opening * e.size * (1 - 0.12 * smile)
        open_down = 0.047 * e.size * (0.7 + 0.3 * e.opening) * (1 - 0.45 * smile)
        axis = centre + np.outer(s * half, along)
        # The upper lid peaks toward the nose, the lower one toward the temple.
        rest = axis - np.outer(open_up * bow * (1 - 0.22 * s), [0, 1])
        lower = axis + np.outer(open_down * bow * (1 + 0.25 * s), [0, 1])
        # The upper lid does the moving, and follows the gaze down; the fold follows it a little.
        lid = (e.lid_left if side > 0 else e.lid_right) * (1 - 0.9 * max(e.gaze_y, 0.0))
        shut = lid < SHUT
        upper = lower + (0.0 if shut else lid) * (rest - lower)
        lift = (
            (0.028 + 0.038 * e.crease) * e.size * (0.45 + 0.55 * np.sin(np.linspace(0, np.pi, 33)))
        )
        crease = rest + 0.3 * (upper - rest) - np.outer(lift, [0, 1])
        radius = 0.088 * e.size * e.iris_size
        gaze = np.array([e.gaze_x * half, e.gaze_y * half - 0.012])
        return Eye(outer, inner, upper, lower, crease, shut, centre, centre + gaze, radius)

    def _brow(self, side: int) -> np.ndarray:
        """Return (25, 3): points of the spine from the nose outward, and the half-thickness."""
        b, e = self.parameters.brows, self.parameters.eyes
        reach = 0.60 * b.length
        start = 0.205 * e.spacing
        t = np.linspace(0, 1, 25)
        lift = 0.7 * b.arch * np.interp(t, [0, 0.6, 1], [0, 1, 0.45]) + 0.02
        base = np.interp(t, [0, 0.35, 0.66, 0.86, 1.0], [-0.255, -0.29, -0.295, -0.26, -0.19])
        smooth = pchip(np.linspace(0, 1, 9), np.interp(np.linspace(0, 1, 9), t, base - lift), t)
        inner, outer = (1 - t) ** 1.4, np.sin(np.pi * np.clip(t, 0, 0.9) / 1.25) ** 1.5
        moved = self.raised(b.raise_inner) * inner + self.raised(b.raise_outer) * outer
        moved = moved - 0.035 * b.frown * (1 - t) ** 2
        y = smooth - b.height + b.slope * (t - 0.5) - moved
        half = 0.5 * b.thickness * np.interp(t, [0, 0.1, 0.55, 1], [0.75, 1.1, 0.95, 0.15])
        x = start + reach * t - 0.06 * b.frown * (1 - t) ** 1.5
        return np.stack([side * x, y, half], axis=1)

    @staticmethod
    def raised(amount: float) -> float:
        """Return how far a brow moves up, in head units; it moves further up than down."""
        return 0.11 * amount if amount > 0 else 0.07 * amount

    def _lips(self) -> Lips:
        m = self.parameters.mouth
        smile, gap = m.smile, m.opening
        broad = float(smoothstep(0.1, 0.6, np.array(smile)))  # a laugh does not purse the lips
        half = 0.385 * m.width * (1 + 0.17 * max(smile, 0)) * (1 - 0.75 * gap * (1 - broad))
        corner = (-0.055 if smile > 0 else -0.09) * smile + 0.25 * gap
        s = np.linspace(-1, 1, 41)
        x = half * s
        thin = 1 - 0.22 * max(smile, 0)
        corner_y = self.y_mouth + corner * s**2
        taper = (1 - np.abs(s) ** 2.2) ** 0.8
        bow = (
            0.020
            * m.bow
            * (np.exp(-(((np.abs(s) - 0.3) / 0.17) ** 2)) - np.exp(-((s / 0.16) ** 2)))
        )
        upper_inner = corner_y - 0.12 * gap * taper + 0.008 * np.cos(3 * np.pi * s) * taper
        lower_inner = (
            corner_y + 0.88 * gap * (1 - s**2) ** 0.7 + 0.008 * np.cos(3 * np.pi * s) * taper
        )
        upper_outer = upper_inner - 0.092 * m.upper * thin * taper - bow * m.upper
        lower_outer = lower_inner + 0.168 * m.lower * thin * (1 - s**2) ** 0.75
        return Lips(
            *(np.stack([x, y], 1) for y in (upper_outer, upper_inner, lower_inner, lower_outer))
        )

    def _nose(self) -> np.ndarray:
        """Return the closed outline of the nose, from the root down the image-right side."""
        h, y = self.nose_half, self.y_nose
        right = [
            (0.07, -0.12),
            (0.105, 0.1),
            (0.13, 0.27),
            (h * 0.86, y - 0.2),
            (h * 1.05, y - 0.1),
        ]
        right += [(h * 0.96, y - 0.015), (0.12, y + 0.005), (0.0, y + 0.02)]
        half = spline(np.array(right), 40)
        return np.vstack([half, (half * [-1, 1])[::-1]])

    def _nostril(self, side: int) -> np.ndarray:
        """Return the closed outline of one nostril."""
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        a, b = 0.058 * self.parameters.nose.width, 0.021
        x, y = a * np.cos(angle), b * np.sin(angle)
        tilt = np.radians(14)
        centre = np.array([0.118 * self.parameters.nose.width, self.y_nose - 0.055])
        turned = np.stack(
            [x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)], 1
        )
        return (centre + turned) * [side, 1]
