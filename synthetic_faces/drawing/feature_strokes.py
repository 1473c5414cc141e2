"""Pencil strokes of the features: eyes, brows, nose, mouth, whiskers, lines of the skin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from synthetic_faces.drawing.pencil import Pencil
from synthetic_faces.drawing.subject import Subject
from synthetic_faces.figure.anatomy import SIDES
from synthetic_faces.geometry.shapes import spline, stretches
from synthetic_faces.looks.whiskers import beard_mask, moustache_mask


class FeatureStrokes:
    """Draws features that lie on the face: curves of the face plane, where they are visible.

    Strokes are queued and drawn together, since projecting them is the costly part.
    """

    def __init__(self, subject: Subject, pencil: Pencil) -> None:
        self.scene, self.subject, self.pencil = subject.scene, subject, pencil
        self._queued: list[tuple[np.ndarray, Callable[[np.ndarray, np.ndarray], None]]] = []

    def line(self, points: np.ndarray, width: float, pressure: float, taper: float = 0.6) -> None:
        """Add a stroke along face-plane points (N, 2)."""

        def mark(at: np.ndarray, visible: np.ndarray) -> None:
            for part in stretches(at, visible):
                self.pencil.stroke(part, width, pressure, taper)

        self._queued.append((points, mark))

    def blot(self, outline: np.ndarray, pressure: float) -> None:
        """Add a filled area of the face plane."""

        def mark(at: np.ndarray, visible: np.ndarray) -> None:
            for part in stretches(at, visible):
                self.pencil.blot(part, pressure)

        self._queued.append((outline, mark))

    def tufts(self, lines: np.ndarray, width: float, pressure: np.ndarray) -> None:
        """Add many short lines (K, N, 2) of the face plane, each with its pressure (K,)."""
        count, length = lines.shape[:2]

        def mark(at: np.ndarray, visible: np.ndarray) -> None:
            whole = visible.reshape(count, length).all(1)
            self.pencil.tufts(at.reshape(lines.shape)[whole], width, pressure[whole])

        self._queued.append((lines.reshape(-1, 2), mark))

    def _draw_queued(self) -> None:
        points = np.concatenate([points for points, _ in self._queued])
        world = self.scene.camera.to_world(self.scene.surface.at(points))
        at = self.subject.lattice.cells(self.scene.camera.project(world))
        visible = world[:, 2] > self.subject.at(self.subject.z, at) - 0.09
        visible &= self.subject.at(self.subject.bare, at)
        start = 0
        for points, mark in self._queued:
            stop = start + len(points)
            mark(at[start:stop], visible[start:stop])
            start = stop
        self._queued = []

    def draw(self, detail: int) -> None:
        """Draw all features. detail: 1 few lines, 2 and 3 more of them."""
        for side in SIDES:
            self._eye(side, detail)
            self._brow(side, detail)
            self._nose(side, detail)
        self._mouth(detail)
        self._whiskers(detail)
        self._skin(detail)
        self._draw_queued()

    def _eye(self, side: int, detail: int) -> None:
        p = self.scene.parameters.eyes
        eye = self.scene.anatomy.eyes[side > 0]
        self.line(eye.upper, 4.6 + 2.4 * p.lashes, 0.98, 0.3)
        self.line(eye.crease[4:-4], 2.8, 0.35 + 0.35 * p.crease)
        if not eye.shut:
            self.line(eye.lower[3:-3], 3.0, 0.5 + 0.15 * (detail > 1))
            self._iris(side, detail)
        if p.lashes > 0.6:
            for k in range(1, 17, 3):
                up = 0.6 if eye.shut else -0.9
                tip = eye.upper[k] + 0.05 * (1 - k / 24) * np.array([side * (1.1 - 0.07 * k), up])
                self.line(np.stack([eye.upper[k], tip]), 2.2, 0.8)
        if p.bags > 0.4 and detail > 1:
            ring = eye.centre + np.array([[-0.15, 0.1], [0.0, 0.15], [0.15, 0.1]])
            self.line(spline(ring, 16), 2.4, 0.5 * p.bags)

    def _iris(self, side: int, detail: int) -> None:
        """Draw the iris, clipped by the lids: ring, shaded disc, pupil with a white highlight."""
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
        glint = np.array([-0.32, -0.34]) * eye.iris_radius
        top = np.interp(
            eye.iris[0], np.sort(eye.upper[:, 0]), eye.upper[np.argsort(eye.upper[:, 0]), 1]
        )
        if eye.iris[1] + glint[1] - 0.2 * eye.iris_radius > top:
            self.blot(eye.iris + glint + 0.22 * eye.iris_radius * circle[::4], 0.0)

    def _brow(self, side: int, detail: int) -> None:
        p = self.scene.parameters
        spine = self.scene.anatomy.brows[side > 0]
        count = int((26 + 14 * detail) * (0.6 + 0.5 * p.brows.density))
        t = np.linspace(0, 1, count)
        k = t * (len(spine) - 1)
        at = np.stack([np.interp(k, np.arange(len(spine)), spine[:, c]) for c in range(3)], axis=1)
        across = self.pencil.rng.uniform(-0.8, 0.9, count)
        lean = np.radians(75 - 66 * t**0.7)
        reach = (0.03 + 0.95 * at[:, 2])[:, None]
        direction = np.stack([side * np.cos(lean), -np.sin(lean)], axis=1)
        root = at[:, :2] + np.stack([0 * across, across * at[:, 2]], axis=1)
        steps = np.linspace(0, 1, 4)[None, :, None]
        lines = root[:, None, :] + steps * (reach * direction)[:, None, :]
        dark = 1 - 0.5 * sum(p.hair.colour) / 3 / 255
        force = (0.62 + 0.38 * p.brows.density) * dark * (0.8 + 0.3 * self.pencil.rng.random(count))
        self.tufts(lines, 3.6, force)

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
        # The edge of the bridge shows in shade, and on the far side of a turned head.
        lit, yaw = self.scene.parameters.light.azimuth * side > 0, self.scene.parameters.view.yaw
        turned = float(np.clip((yaw * side - 8) / 22, 0, 1))
        force = max((0.16 + 0.12 * detail) * (not lit), 0.62 * turned)
        if force > 0:
            ridge = [(0.13, -0.1), (0.09, 0.08), (0.105, 0.27), (0.14, y - 0.2)]
            # Turned away, the flank of the nose hides: its contour runs nearer to the crest.
            nearer = side * (1 - 0.6 * turned)
            self.line(spline(np.array(ridge) * [nearer, 1], 24), 2.8, force, 0.8)

    def _mouth(self, detail: int) -> None:
        m, lips = self.scene.parameters.mouth, self.scene.anatomy.lips
        self.line(lips.upper_inner, 4.8, 0.95, 0.4)
        paint = 0.2 * m.lipstick
        self.line(lips.upper_outer[3:-3], 3.2, 0.5 + paint)
        self.line(lips.lower_outer[7:-7], 3.4, 0.52 + paint)
        if m.opening > 0:
            self.line(lips.lower_inner, 3.6, 0.8, 0.3)
            self._teeth(detail)
        if detail > 1:
            self._lip_tone(detail)
        below = self.scene.anatomy.lips.lower_outer[20, 1] + 0.07
        self.line(
            spline(np.array([(-0.14, below - 0.01), (0, below + 0.01), (0.14, below - 0.01)]), 12),
            2.6,
            0.4,
        )

    def _teeth(self, detail: int) -> None:
        """Draw the edge of the upper teeth, the dark under it, and hints of the gaps."""
        lips, gap = self.scene.anatomy.lips, self.scene.parameters.mouth.opening
        s = np.linspace(-1, 1, len(lips.upper_inner))
        edge = lips.upper_inner.copy()
        edge[:, 1] += min(0.085, 0.80 * gap) * (1 - 0.45 * s**2)
        edge[:, 1] = np.minimum(edge[:, 1], lips.lower_inner[:, 1])
        open_ = np.flatnonzero(lips.lower_inner[:, 1] - edge[:, 1] > 0.006)
        if len(open_) > 4:
            inside = slice(open_[0], open_[-1] + 1)
            self.blot(np.vstack([edge[inside], lips.lower_inner[inside][::-1]]), 0.8)
            self.line(edge[inside], 2.6, 0.5, 0.5)
        for x in 0.075 * np.arange(-4, 5) if detail > 1 else ():
            k = int(np.argmin(np.abs(edge[:, 0] - x)))
            self.line(np.linspace(lips.upper_inner[k], edge[k], 3), 2.0, 0.28, 0.9)

    def _lip_tone(self, detail: int) -> None:
        """Draw short strokes across the lips; the upper one is darker, facing away from the sky."""
        m, lips = self.scene.parameters.mouth, self.scene.anatomy.lips
        rng = self.pencil.rng
        steps = np.linspace(0.12, 0.92, 4)[None, :, None]
        for start, end, force in (
            (lips.upper_inner, lips.upper_outer, 0.36 + 0.34 * m.lipstick),
            (lips.lower_outer, lips.lower_inner, 0.20 + 0.40 * m.lipstick),
        ):
            at = rng.uniform(4, len(start) - 5, 14 + 10 * detail)
            index = np.arange(len(start))
            low, high = (
                np.stack([np.interp(at, index, c[:, k]) for k in (0, 1)], 1) for c in (start, end)
            )
            reach = rng.uniform(0.45, 1.0, (len(at), 1))
            lines = low[:, None] + steps * (reach * (high - low))[:, None]
            self.tufts(lines, 2.8, force * rng.uniform(0.7, 1.1, len(at)))

    def _whiskers(self, detail: int) -> None:
        p, a, rng = self.scene.parameters, self.scene.anatomy, self.pencil.rng
        for amount, mask, spread in (
            (p.hair.beard, beard_mask, ((-0.98, 0.98), (0.0, a.y_chin))),
            (p.hair.moustache, moustache_mask, ((-0.5, 0.5), (a.y_nose, a.y_mouth + 0.1))),
        ):
            area = (spread[0][1] - spread[0][0]) * (spread[1][1] - spread[1][0])
            count = int(amount * (240 + 200 * detail) * area)
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
            lines = root[:, None, :] + steps * direction[:, None, :]
            edge = self.scene.surface.profile(root[:, 1] + length)[0]
            inside = np.abs(1.12 * root[:, 0]) < edge
            dark = 0.9 - 0.4 * sum(p.hair.colour) / 3 / 255 - 0.2 * p.hair.grey
            force = dark * (0.6 + 0.4 * rng.random(len(root))) * (0.95 if full else 0.55)
            self.tufts(lines[inside], 3.4 if full else 2.6, force[inside])

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
        lines = root[:, None, :] + np.array([[0, 0], [0.012, 0], [0.02, 0.004]])
        self.tufts(lines, 3.0, np.full(count, 0.45))
