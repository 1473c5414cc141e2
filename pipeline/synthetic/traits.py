"""Strokes of the features: eyes, brows, nose, mouth, whiskers, lines of the skin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.synthetic.anatomy import SIDES
from pipeline.synthetic.curves import spline
from pipeline.synthetic.pencil import Pencil
from pipeline.synthetic.scene import Geometry, Scene
from pipeline.synthetic.skin import beard_mask, moustache_mask


class Traits:
    """Draws what lies on the face's surface: curves of the face plane, where they can be seen."""

    def __init__(self, scene: Scene, geometry: Geometry, bare: np.ndarray, pencil: Pencil) -> None:
        """bare: (S, S) bool, True where no hair covers the face."""
        self.scene, self.geometry, self.bare, self.pencil = scene, geometry, bare, pencil
        self._noted: list[tuple[np.ndarray, Callable[[np.ndarray], None]]] = []

    def locate(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Face-plane points (..., 2) -> canvas pixels (..., 2), and whether each is visible."""
        side = self.geometry.side
        world = self.scene.camera.to_world(self.scene.surface.at(points))
        at = self.scene.camera.project(world) * side - 0.5
        cell = np.clip(np.round(at).astype(int), 0, side - 1)
        rows, columns = cell[..., 1], cell[..., 0]
        seen = (world[..., 2] > self.geometry.z[rows, columns] - 0.09) & self.bare[rows, columns]
        return at, seen

    def line(self, points: np.ndarray, width: float, pressure: float, taper: float = 0.6) -> None:
        """Note a stroke along face-plane points (N, 2)."""
        self._noted.append((points, lambda part: self.pencil.stroke(part, width, pressure, taper)))

    def blot(self, outline: np.ndarray, pressure: float) -> None:
        """Note a filled area of the face plane."""
        self._noted.append((outline, lambda part: self.pencil.blot(part, pressure)))

    def _put_down(self) -> None:
        """Draw what was noted, where it can be seen; all points are placed at once."""
        at, seen = self.locate(np.concatenate([points for points, _ in self._noted]))
        ends = np.cumsum([len(points) for points, _ in self._noted])[:-1]
        for (_, mark), place, shown in zip(self._noted, np.split(at, ends), np.split(seen, ends)):
            cuts = np.flatnonzero(np.diff(shown.astype(int))) + 1
            for part, visible in zip(np.split(place, cuts), np.split(shown, cuts)):
                if visible[0] and len(part) > 1:
                    mark(part)
        self._noted = []

    def draw(self, detail: int) -> None:
        """All features. detail: 1 the lines that make a likeness, 2 and 3 more of them."""
        for side in SIDES:
            self._eye(side, detail)
            self._brow(side, detail)
            self._nose(side, detail)
        self._mouth(detail)
        self._whiskers(detail)
        self._skin(detail)
        self._put_down()

    def _eye(self, side: int, detail: int) -> None:
        p = self.scene.parameters.eyes
        eye = self.scene.anatomy.eyes[side > 0]
        self.line(eye.upper, 4.6 + 2.4 * p.lashes, 0.98, 0.3)
        self.line(eye.lower[3:-3], 3.0, 0.5 + 0.15 * (detail > 1))
        bow = np.sin(np.linspace(0, np.pi, len(eye.upper)))[:, None]
        lift = (0.028 + 0.038 * p.crease) * p.size
        crease = eye.upper - np.array([0, 1]) * lift * (0.45 + 0.55 * bow)
        self.line(crease[4:-4], 2.8, 0.35 + 0.35 * p.crease)
        self._iris(side, detail)
        if p.lashes > 0.6:
            for k in range(1, 17, 3):
                tip = eye.upper[k] + 0.05 * (1 - k / 24) * np.array([side * (1.1 - 0.07 * k), -0.9])
                self.line(np.stack([eye.upper[k], tip]), 2.2, 0.8)
        if p.bags > 0.4 and detail > 1:
            ring = eye.centre + np.array([[-0.15, 0.1], [0.0, 0.15], [0.15, 0.1]])
            self.line(spline(ring, 16), 2.4, 0.5 * p.bags)

    def _iris(self, side: int, detail: int) -> None:
        """Clipped by the lids: ring, shaded iris, pupil with a spark left white."""
        p = self.scene.parameters.eyes
        eye = self.scene.anatomy.eyes[side > 0]
        angle = np.linspace(0, 2 * np.pi, 41)
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        dark = 1 - sum(p.iris) / 3 / 255

        def clipped(radius: float) -> np.ndarray:
            ring = eye.iris + radius * circle
            order = np.argsort(eye.upper[:, 0])
            x = eye.upper[order, 0]
            top = np.interp(ring[:, 0], x, eye.upper[order, 1])
            bottom = np.interp(ring[:, 0], x, eye.lower[order, 1])
            return np.stack([ring[:, 0], np.clip(ring[:, 1], top, bottom)], axis=1)

        self.blot(clipped(eye.iris_radius), 0.18 + 0.6 * max(dark - 0.4, 0) + 0.06 * detail)
        self.line(clipped(eye.iris_radius), 2.6, 0.8, 0.0)
        self.blot(clipped(0.46 * eye.iris_radius), 1.0)

    def _brow(self, side: int, detail: int) -> None:
        p = self.scene.parameters
        spine = self.scene.anatomy.brows[side > 0]
        count = int((16 + 10 * detail) * (0.6 + 0.5 * p.brows.density))
        t = np.linspace(0, 1, count)
        k = t * (len(spine) - 1)
        at = np.stack([np.interp(k, np.arange(len(spine)), spine[:, c]) for c in range(3)], axis=1)
        across = self.pencil.rng.uniform(-0.8, 0.9, count)
        lean = np.radians(75 - 66 * t**0.7)
        reach = (0.03 + 0.95 * at[:, 2])[:, None]
        direction = np.stack([side * np.cos(lean), -np.sin(lean)], axis=1)
        root = at[:, :2] + np.stack([0 * across, across * at[:, 2]], axis=1)
        steps = np.linspace(0, 1, 4)[None, :, None]
        lines, seen = self.locate(root[:, None, :] + steps * (reach * direction)[:, None, :])
        dark = 1 - 0.5 * sum(p.hair.colour) / 3 / 255
        shown = seen.all(1)
        force = (0.45 + 0.45 * p.brows.density) * dark * (0.8 + 0.3 * self.pencil.rng.random(count))
        self.pencil.tufts(lines[shown], 3.4, force[shown])

    def _nose(self, side: int, detail: int) -> None:
        a = self.scene.anatomy
        h, y = a.nose_half, a.y_nose
        wing = [
            (h * 0.80, y - 0.175),
            (h * 1.05, y - 0.12),
            (h * 1.05, y - 0.045),
            (h * 0.78, y - 0.01),
        ]
        self.line(spline(np.array(wing) * [side, 1], 18), 3.8, 0.75)
        self.blot(a.nostrils[side > 0], 0.78)
        if side > 0:
            base = [(-h * 0.62, y - 0.02), (-0.06, y - 0.005), (0, y + 0.018)]
            base += [(0.06, y - 0.005), (h * 0.62, y - 0.02)]
            self.line(spline(np.array(base), 22), 3.2, 0.6)
        shaded = -np.sign(self.scene.parameters.light.azimuth)
        if side == shaded:
            ridge = [(0.13, -0.1), (0.09, 0.08), (0.105, 0.27), (0.14, y - 0.2)]
            self.line(spline(np.array(ridge) * [side, 1], 24), 2.6, 0.28 + 0.1 * detail)

    def _mouth(self, detail: int) -> None:
        m, lips = self.scene.parameters.mouth, self.scene.anatomy.lips
        self.line(lips.upper_inner, 4.8, 0.95, 0.4)
        paint = 0.2 * m.lipstick
        self.line(lips.upper_outer[3:-3], 3.2, 0.5 + paint)
        self.line(lips.lower_outer[7:-7], 3.4, 0.52 + paint)
        if m.opening > 0:
            self.line(lips.lower_inner, 3.6, 0.8, 0.3)
            teeth = lips.upper_inner - [0, -min(0.085, 0.8 * m.opening)]
            if m.opening > 0.1:
                hole = np.vstack([teeth[6:-6], lips.lower_inner[::-1][6:-6]])
                self.blot(hole, 0.75)
        below = self.scene.anatomy.lips.lower_outer[20, 1] + 0.07
        self.line(
            spline(np.array([(-0.14, below - 0.01), (0, below + 0.01), (0.14, below - 0.01)]), 12),
            2.6,
            0.4,
        )

    def _whiskers(self, detail: int) -> None:
        p, a, rng = self.scene.parameters, self.scene.anatomy, self.pencil.rng
        for amount, mask, spread in (
            (p.hair.beard, beard_mask, ((-0.98, 0.98), (0.0, a.y_chin))),
            (p.hair.moustache, moustache_mask, ((-0.5, 0.5), (a.y_nose, a.y_mouth + 0.1))),
        ):
            area = (spread[0][1] - spread[0][0]) * (spread[1][1] - spread[1][0])
            count = int(amount * (70 + 75 * detail) * area)
            if amount <= 0:
                continue
            x, y = rng.uniform(*spread[0], count), rng.uniform(*spread[1], count)
            chosen = mask(a, x, y) > 0.35 + 0.4 * rng.random(count)
            chosen &= np.abs(x) < 0.97 * self.scene.surface.profile(y)[0]
            root = np.stack([x, y], 1)[chosen]
            full = amount > 0.6
            length = 0.12 if full else 0.018
            direction = np.stack([0.55 * root[:, 0], np.ones(len(root))], 1) * length
            steps = np.linspace(0, 1, 4)[None, :, None]
            lines, seen = self.locate(root[:, None, :] + steps * direction[:, None, :])
            edge = self.scene.surface.profile(root[:, 1] + length)[0]
            shown = seen.all(1) & (np.abs(1.2 * root[:, 0]) < edge)
            dark = 0.9 - 0.4 * sum(p.hair.colour) / 3 / 255 - 0.2 * p.hair.grey
            force = dark * (0.6 + 0.4 * rng.random(len(root))) * (0.8 if full else 0.55)
            self.pencil.tufts(lines[shown], 2.8, force[shown])

    def _skin(self, detail: int) -> None:
        p, a = self.scene.parameters, self.scene.anatomy
        smile, old = max(p.mouth.smile, 0), max(p.skin.age - 0.35, 0) / 0.65
        fold = 0.3 * (detail > 1) + 0.55 * smile + 0.6 * old
        for side in SIDES:
            corner = a.lips.upper_inner[40 if side > 0 else 0]
            nose = np.array([side * a.nose_half * 1.12, a.y_nose - 0.1])
            middle = 0.5 * (nose + corner) + [side * 0.09, -0.015]
            if fold > 0.25:
                points = np.array([nose, middle, corner - [-side * 0.11, 0.0]])
                self.line(spline(points, 20), 2.8, min(0.75, fold), 0.9)
        if old > 0.15 and detail > 1:
            for k in range(3):
                x = np.linspace(-0.45, 0.45, 26)
                points = np.stack([x, -0.5 - 0.11 * k + 0.02 * np.cos(7 * x + k)], 1)
                self.line(points, 2.2, 0.55 * old, 0.9)
        for mx, my, radius in p.skin.moles:
            angle = np.linspace(0, 2 * np.pi, 9)[:-1]
            dot = np.stack([mx + radius * np.cos(angle), my + radius * np.sin(angle)], 1)
            self.blot(dot, 0.7)
        if p.skin.freckles > 0 and detail > 1:
            self._freckles(int(60 * p.skin.freckles))

    def _freckles(self, count: int) -> None:
        rng = self.pencil.rng
        root = np.stack([rng.normal(0, 0.42, count), rng.normal(0.33, 0.18, count)], 1)
        lines, seen = self.locate(root[:, None, :] + np.array([[0, 0], [0.012, 0], [0.02, 0.004]]))
        shown = seen.all(1)
        self.pencil.tufts(lines[shown], 3.0, np.full(int(shown.sum()), 0.45))
