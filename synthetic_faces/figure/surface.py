"""The head as a surface: horizontal slices of a skull, and the relief of a face upon it.

A slice at height y is a superellipse of half-width W(y) about (0, y, Z0(y)); its front reaches
Zf(y) and its back Zb(y). Z0 moves forward below the ears, so that the line where a slice is widest
is the jaw line. Relief (sockets, nose, lips) lifts the front along z.
"""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure.anatomy import SIDES, Anatomy
from synthetic_faces.geometry.shapes import pchip, smoothstep

# Average head: y, W, Z0, Zf, Zb and the exponent of the front, from the crown to the chin. The
# front is broad at the forehead and rounder, like the dental arch under it, at the mouth.
KNOTS = np.array(
    [
        (-1.540, 0.00, -0.10, -0.10, -0.10, 2.25),
        (-1.505, 0.33, -0.10, 0.38, -0.60, 2.25),
        (-1.420, 0.57, -0.08, 0.70, -0.95, 2.3),
        (-1.230, 0.765, -0.05, 0.95, -1.20, 2.3),
        (-0.900, 0.945, 0.00, 1.12, -1.42, 2.3),
        (-0.400, 1.03, 0.02, 1.19, -1.52, 2.3),
        (0.000, 1.03, 0.06, 1.11, -1.45, 2.2),
        (0.340, 1.00, 0.12, 1.15, -1.22, 2.05),
        (0.660, 0.95, 0.18, 1.24, -0.90, 1.95),
        (0.900, 0.87, 0.27, 1.25, -0.55, 1.85),
        (1.090, 0.77, 0.40, 1.21, -0.25, 1.82),
        (1.285, 0.62, 0.60, 1.19, 0.05, 1.85),
        (1.445, 0.445, 0.82, 1.17, 0.40, 1.9),
        (1.545, 0.28, 0.97, 1.11, 0.75, 2.0),
        (1.585, 0.00, 1.03, 1.03, 1.03, 2.0),
    ]
)
EXPONENT = 2.5  # of the back of the head
BARE = -1.2  # above this there is no relief
SKIN_COLUMNS, SKIN_ROWS = 121, 122
AZIMUTH_REACH = np.pi


class Surface:
    """The skin of one head, in head coordinates."""

    def __init__(self, anatomy: Anatomy) -> None:
        self.anatomy = anatomy
        self.shape = anatomy.parameters.shape
        self._t = np.linspace(0, 1, 481)
        self._profile = self._profiles()
        self._bridge = self._nose_bridge()

    def _profiles(self) -> np.ndarray:
        """Return (481, 6): y, W, Z0, Zf, Zb and exponent of this head along its profile."""
        shape = self.shape
        knots = KNOTS.copy()
        y = KNOTS[:, 0]
        jaw = np.exp(-(((y - 1.06) / 0.3) ** 2))
        chin = smoothstep(1.2, 1.5, y)
        cheek = np.exp(-(((y - 0.3) / 0.3) ** 2))
        knots[:, 1] *= (
            shape.width * (1 + (shape.jaw - 1) * jaw) * (1 + 0.9 * shape.cheekbones * cheek)
        )
        knots[:, 1] *= (
            1 + 0.5 * (shape.chin_width - 1) * chin + shape.fullness * (jaw + 0.4 * cheek)
        )
        knots[:, 1] *= 1 + shape.temples * np.exp(-(((y + 0.35) / 0.3) ** 2))
        knots[:, 3] += shape.chin_depth * smoothstep(1.0, 1.4, y)
        knots[1:, 3] -= (shape.slope * smoothstep(-0.25, -0.95, y))[1:]
        behind = smoothstep(1.0, 0.3, y)
        knots[:, 4] += (shape.occiput - 1) * behind * (knots[:, 4] - knots[:, 2])
        knots[:, 0] = self.anatomy.stretched(y)
        return pchip(np.linspace(0, 1, len(knots)), knots, self._t)

    def profile(self, y: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return W, Z0, Zf, Zb at heights y, each shaped like y."""
        return self._profile_at(y)[:4]

    def _profile_at(self, y: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return W, Z0, Zf, Zb and the front's exponent at heights y, each shaped like y."""
        t = np.interp(y, self._profile[:, 0], self._t)
        return tuple(np.interp(t, self._t, self._profile[:, k]) for k in range(1, 6))

    def at(self, points: np.ndarray) -> np.ndarray:
        """Return points (..., 2) of the face plane on the front of the surface, as (..., 3)."""
        x, y = points[..., 0], points[..., 1]
        width, centre, front, _, exponent = self._profile_at(y)
        ratio = np.clip(np.abs(x) / np.maximum(width, 1e-6), 0, 1)
        depth = (front - centre) * (1 - ratio**exponent) ** (1 / exponent)
        return np.stack([x, y, centre + depth + self.relief(x, y)], axis=-1)

    def around(self, theta: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return points (..., 3) at azimuth theta and height y.

        Azimuth is in radians, 0 in front, + to the image's right.

        theta and y: of shapes that go together; the result has the type of theta.
        """
        kind = theta.dtype
        profile = [part.astype(kind, copy=False) for part in self._profile_at(y)]
        width, centre, front, back, exponent = profile
        s, c = np.sin(theta), np.cos(theta)
        ahead = c > 0
        power = 2 / np.where(ahead, exponent, kind.type(EXPONENT))
        x = width * np.sign(s) * np.abs(s) ** power
        reach = np.where(ahead, front - centre, centre - back)
        z = centre + reach * np.sign(c) * np.abs(c) ** power
        y = y.astype(kind, copy=False) + np.zeros_like(z)
        front_cells = np.nonzero(ahead & (y > BARE))
        z[front_cells] += self.relief(x[front_cells], y[front_cells])
        return np.stack([x, y, z], axis=-1)

    def skin(self) -> np.ndarray:
        """Return the mesh (SKIN_ROWS, SKIN_COLUMNS, 3) float32, one half mirrored to the other."""
        theta, y = self.grid()
        half = theta[SKIN_COLUMNS // 2 :].astype(np.float32)
        right = self.around(half[None, :], y[:, None])
        left = right[:, :0:-1] * np.array([-1, 1, 1], np.float32)
        return np.concatenate([left, right], axis=1)

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """Return azimuths (SKIN_COLUMNS,) and heights (SKIN_ROWS,) of a mesh, dense at the face."""
        q = np.linspace(-1, 1, SKIN_COLUMNS)
        theta = AZIMUTH_REACH * (0.6 * q + 0.4 * q**3)
        dense = np.interp(np.linspace(0, 1, SKIN_ROWS), [0, 0.2, 0.84, 1], [0, 0.34, 0.8, 1])
        return theta, np.interp(dense, self._t, self._profile[:, 0])

    def relief(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the height of the features above the plain slice, shaped like x."""
        lifted = self._nose(x, y) + self._mouth(x, y) + self._soft(x, y)
        for side in SIDES:
            lifted = lifted + self._eye_side(side * x, y)
        return lifted

    def _eye_side(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return socket, eyeball, brow ridge and cheekbone of the side where x > 0."""
        p = self.anatomy.parameters
        e = 0.445 * p.eyes.spacing
        smile = max(p.mouth.smile, 0.0)
        brow = -0.27 - 0.5 * p.brows.height
        ridge = 0.055 * p.eyes.depth * (0.35 + 0.65 * p.shape.brow_ridge)
        return (
            -0.115 * p.eyes.depth * _bump(x, y, e - 0.05, -0.04, 0.20, 0.125)
            + 0.085 * _bump(x, y, e, 0.0, 0.125, 0.095)
            + ridge * _bump(x, y, e, brow, 0.24, 0.07)
            - 0.016 * p.eyes.bags * _bump(x, y, e - 0.03, 0.15, 0.15, 0.03)
            + 0.018 * p.eyes.bags * _bump(x, y, e - 0.01, 0.10, 0.15, 0.03)
            - 0.07 * p.eyes.depth * _bump(x, y, e + 0.25, -0.03, 0.12, 0.1)
            + (0.07 + p.shape.cheekbones) * _bump(x, y, 0.68, 0.31, 0.19, 0.15)
            + 0.055 * smile * _bump(x, y, 0.52, 0.48, 0.15, 0.12)
        )

    def _nose(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        nose, base = self.anatomy.parameters.nose, self.anatomy.y_nose
        side = np.abs(x)
        # The rim of the nostril arches up beside the columella.
        arch = 0.045 * np.exp(-(((side - 0.125 * nose.width) / 0.05) ** 2))
        turned = y + (nose.turn + arch) * smoothstep(0.2, 0.5, y)
        heights, ridges, sigmas = self._bridge
        ridge = np.interp(turned, heights, ridges).astype(x.dtype)
        sigma = np.interp(turned, heights, sigmas).astype(x.dtype)
        wing, floor = 0.19 * nose.width, smoothstep(base + 0.05, base - 0.06, y)
        wings = 0.17 * nose.wings
        return (
            ridge * np.exp(-0.5 * (side / sigma) ** 2.1)
            + 0.03 * nose.tip * _bump(x, y, 0, base - 0.13, 0.085, 0.07)
            + wings * floor * _bump(side, y, wing, base - 0.085, 0.058 * nose.width, 0.07)
        )

    def _nose_bridge(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return heights y, and the height and width of the nose there: (200,) each."""
        nose = self.anatomy.parameters.nose
        knots = np.array([-0.36, -0.2, -0.07, 0.11, 0.27, 0.44, 0.52, 0.58, 0.625, 0.68, 0.8])
        height = np.array([0.0, 0.04, 0.105, 0.23, 0.325, 0.395, 0.385, 0.295, 0.125, 0.02, 0.0])
        height[1:3] *= nose.root
        height[1:5] *= nose.bridge
        height = height * nose.height + nose.bump * np.exp(-(((knots - 0.15) / 0.1) ** 2))
        width = np.array([0.2, 0.13, 0.085, 0.08, 0.092, 0.112, 0.115, 0.10, 0.09, 0.08, 0.08])
        ys = knots * self.anatomy.parameters.shape.middle_length
        fine = np.linspace(ys[0], ys[-1], 200)
        return fine, pchip(ys, height, fine), np.interp(fine, ys, width * np.sqrt(nose.width))

    def _mouth(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        m, lips = self.anatomy.parameters.mouth, self.anatomy.lips
        top, seam = lips.upper_outer[20, 1], lips.upper_inner[20, 1]
        rim, low = lips.lower_inner[20, 1], lips.lower_outer[20, 1]
        bend = (lips.upper_inner[0, 1] - lips.upper_inner[20, 1]) * (x / 0.39) ** 2
        v = y - bend
        side = np.exp(-0.5 * np.abs(x / (0.30 * m.width)) ** 3)
        arch = np.exp(-0.5 * np.abs(x / 0.4) ** 2.5) * _bell(v, 0.5 * (top + low), 0.2)
        teeth = (0.07 + m.protrusion) * arch
        upper = 0.055 * m.upper * _bell(v, 0.45 * top + 0.55 * seam, 0.042)
        lower = 0.065 * m.lower * _bell(v, 0.5 * (rim + low), 0.055)
        cavity = 0.045 + 0.35 * (rim - seam)
        groove = -cavity * _bell(v, 0.5 * (seam + rim), 0.02 + 0.33 * (rim - seam))
        groove = groove - 0.045 * _bell(v, low + 0.085, 0.06)
        philtrum = -0.018 * _bump(x, v, 0, top - 0.08, 0.035, 0.06)
        philtrum = philtrum + 0.012 * _bump(np.abs(x), v, 0.075, top - 0.07, 0.035, 0.06)
        return teeth + side * (upper + lower + groove) + philtrum

    def _soft(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return chin, cheeks, the fold from nose to mouth, and both bulges of the forehead."""
        p, a = self.anatomy.parameters, self.anatomy
        side, smile = np.abs(x), max(p.mouth.smile, 0.0)
        depth = 0.006 + 0.02 * smile + 0.016 * p.skin.age - 0.1 * min(p.shape.fullness, 0.06)
        at = 0.27 * p.nose.width + (y - a.y_nose) * (0.5 + 0.18 * smile)
        length = smoothstep(a.y_nose - 0.16, a.y_nose, y) * smoothstep(
            a.y_mouth + 0.16, a.y_mouth - 0.04, y
        )
        fold = -depth * length * np.exp(-(((side - at) / 0.045) ** 2))
        plump = 0.9 * depth * length * np.exp(-(((side - at - 0.1) / 0.07) ** 2))
        chin = a.y_chin - 0.24
        return (
            0.075 * _bump(x, y, 0, chin, 0.17 * p.shape.chin_width, 0.13)
            + (1.2 * p.shape.fullness - 0.06) * _bump(side, y, 0.6, 0.8 * a.y_mouth, 0.17, 0.19)
            + 0.02 * _bump(side, y, 0.33, -0.65, 0.22, 0.2)
            - 0.02 * _bump(side, y, 0.9, -0.25, 0.12, 0.2)
            + 0.03 * (p.shape.brow_ridge - 1) * _bump(x, y, 0, -0.28, 0.16, 0.09)
            + fold
            + plump
            + self._furrows(side, y, chin)
        )

    def _furrows(self, side: np.ndarray, y: np.ndarray, chin: float) -> np.ndarray:
        """Return the cleft of the chin and the furrows of a frown."""
        cleft, frown = self.shape.chin_cleft, self.anatomy.parameters.brows.frown
        deep = np.zeros_like(side)
        if cleft > 0:
            deep -= 0.05 * cleft * _bump(side, y, 0, chin + 0.05, 0.03, 0.09)
        if frown > 0:
            deep -= 0.02 * frown * _bump(side, y, 0.065, -0.26, 0.02, 0.07)
            deep += 0.02 * frown * _bump(side, y, 0.13, -0.27, 0.04, 0.06)
        return deep


def _bell(y: np.ndarray, centre: float, sigma: float) -> np.ndarray:
    return np.exp(-0.5 * ((y - centre) / sigma) ** 2)


def _bump(x: np.ndarray, y: np.ndarray, cx: float, cy: float, sx: float, sy: float) -> np.ndarray:
    across, down = (x - cx) * (0.7071 / sx), (y - cy) * (0.7071 / sy)
    return np.exp(-(across * across + down * down))
