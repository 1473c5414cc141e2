"""A hand that draws quickly with a mouse: strokes drift, stay open and are not symmetric."""

from __future__ import annotations

import itertools

import numpy as np

from synthetic_faces.geometry.shapes import spline

Stroke = np.ndarray
"""(N, 2) float: x to the right and y down, in the drawing's own units, N >= 2."""

_WAVES = np.arange(1, 6)[:, None]


class Hand:
    """The hand of one person in one drawing.

    sloppiness: how far strokes stray, as a part of their size; 0 is a plotter, 1 a typical player.
    """

    def __init__(self, random: np.random.Generator, sloppiness: float) -> None:
        self.random = random
        self.sloppiness = sloppiness

    def trace(self, points: np.ndarray, care: float = 1.0) -> Stroke:
        """Return an intended line (N, 2) as the hand draws it; `care` 2 strays half as far."""
        points = np.asarray(points, float)
        step = np.hypot(*np.diff(points, axis=0).T)
        length = step.sum()
        if length == 0:
            return points
        along = np.concatenate([[0.0], np.cumsum(step)]) / length
        reach = 0.5 * (np.ptp(points, axis=0).max() + 0.12)
        phase = self.random.uniform(0, 2 * np.pi, (2, *_WAVES.shape))
        height = self.random.normal(0, 0.035, (2, *_WAVES.shape)) / _WAVES
        waves = (height * np.sin(np.pi * _WAVES * (1 + reach) * along + phase)).sum(axis=1).T
        lost = self.random.normal(0, 0.045, 2) * along[:, None] ** 2
        return points + self.sloppiness / care * reach * (waves + lost)

    def curve(
        self, points: list[tuple[float, float]], count: int = 24, care: float = 1.0
    ) -> Stroke:
        """Draw a smooth line through a few points."""
        return self.trace(spline(np.array(points), count), care)

    def arc(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        turn: tuple[float, float],
        care: float = 1.0,
    ) -> Stroke:
        """Draw part of an ellipse from `turn[0]` to `turn[1]`: radians, clockwise, 0 right."""
        angle = np.linspace(*turn, max(10, int(5 * abs(turn[1] - turn[0]))))
        ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return self.trace(np.array(centre) + ring * radii, care)

    def ring(
        self, centre: tuple[float, float], radii: tuple[float, float], care: float = 1.0
    ) -> Stroke:
        """Draw a circle that ends a little before or behind its start."""
        start = self.random.normal(-np.pi / 2, 0.5)
        way = 1 if self.random.random() < 0.3 else -1
        end = start + way * (2 * np.pi + self.random.normal(-0.05, 0.3) * self.sloppiness)
        return self.arc(centre, radii, (start, end), care)

    def dot(self, centre: tuple[float, float], size: float) -> Stroke:
        """Draw a click, a tick or a small blob."""
        if self.random.random() < 0.45:
            offset = self.random.normal(0, 0.35 * size, 2)
            return np.array([centre, centre + offset])
        turns = self.random.uniform(0.8, 2.0)
        angle = np.linspace(0, 2 * np.pi * turns, int(8 * turns) + 2)
        radius = size * np.linspace(0.9, 0.3, len(angle))
        ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
        return self.trace(np.array(centre) + ring)

    def zigzag(self, tops: np.ndarray, feet: np.ndarray) -> Stroke:
        """Draw one line up and down between two rows of points, each (N, 2)."""
        points = np.empty((2 * len(tops), 2))
        points[0::2], points[1::2] = feet, tops
        points += self.random.normal(0, 0.02 * self.sloppiness, points.shape)
        return np.concatenate(
            [
                np.linspace(start, end, 5, endpoint=False)
                for start, end in itertools.pairwise(points)
            ]
            + [points[-1:]]
        )
