"""A pencil: strokes with pressure and a little unsteadiness, on paper with a grain."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.synthetic import vector
from pipeline.synthetic.noise import sample

CHUNK = 5  # points drawn at one pressure


class Pencil:
    """Collects strokes on a side x side canvas and draws them, light ones first.

    Widths are in thousandths of the side. A stroke is (N, 2) canvas pixels.
    """

    def __init__(self, side: int, rng: np.random.Generator, wobble: float) -> None:
        self.side = side
        self.rng = rng
        self.wobble = wobble * side / 1000
        self._marks: list[tuple[float, int, np.ndarray]] = []

    def stroke(self, points: np.ndarray, width: float, pressure: float, taper: float = 0.6) -> None:
        """One line. taper: how much of the pressure goes at its ends, in [0, 1]."""
        if len(points) < 2:
            return
        count = len(points)
        t = np.linspace(0, 1, count)
        drawn = points + self._unsteady(points)
        swell = (1 - taper) + taper * np.sin(np.pi * np.clip(0.06 + 0.88 * t, 0, 1)) ** 0.7
        swell = swell * (1 + 0.12 * np.sin(2 * np.pi * (1.7 * t + self.rng.random())))
        for start in range(0, count - 1, CHUNK):
            piece = drawn[start : start + CHUNK + 1]
            force = float(swell[min(start + CHUNK // 2, count - 1)])
            self._mark(piece, width * (0.55 + 0.45 * force), pressure * force)

    def tufts(self, lines: np.ndarray, width: float, pressure: np.ndarray) -> None:
        """Many short lines (K, N, 2) at once, each with its pressure (K,), thinning at the end."""
        half = lines.shape[1] // 2
        for line, force in zip(lines, pressure):
            self._mark(line[: half + 1], width, float(force))
            self._mark(line[half:], 0.6 * width, 0.7 * float(force))

    def blot(self, outline: np.ndarray, pressure: float) -> None:
        """Fill a closed outline (N, 2)."""
        self._marks.append((pressure, 0, outline))

    def _mark(self, points: np.ndarray, width: float, pressure: float) -> None:
        thick = max(1, round(width * self.side / 1000))
        # A line cannot be thinner than a pixel, but it can be fainter.
        faint = min(1.0, width * self.side / 1000 / thick)
        self._marks.append((min(pressure * faint, 1.0), thick, points))

    def _unsteady(self, points: np.ndarray) -> np.ndarray:
        """A smooth drift (N, 2): a hand is sure over short distances and not over long ones."""
        length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        phase = self.rng.uniform(0, 2 * np.pi, (3, 2))
        waves = np.array([0.045, 0.11, 0.23]) * 1000 / self.side / 6
        turn = 2 * np.pi * length[:, None, None] * waves[None, :, None] + phase
        return self.wobble * (np.sin(turn) * np.array([1.0, 0.6, 0.3])[:, None]).sum(1)

    def ink(self) -> np.ndarray:
        """(side, side) float32 in [0, 1]: what has been drawn."""
        canvas = np.zeros((self.side, self.side), np.uint8)
        for pressure, thick, points in sorted(self._marks, key=lambda mark: mark[0]):
            shade = round(255 * max(pressure, 0))
            if thick:
                vector.lines(canvas, [points], thick, shade)
            else:
                vector.fill(canvas, [points], shade)
        return canvas.astype(np.float32) / 255


def on_paper(ink: np.ndarray, size: int, offset: np.ndarray) -> np.ndarray:
    """Ink (S, S) in [0, 1] -> a (size, size) uint8 drawing on white paper with a grain.

    offset: (2,) in [0, 1), which piece of paper.
    """
    reduced = cv2.resize(ink, (size, size), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / 512
    tooth = sample("fine", x + offset[0], y + offset[1])
    # Light strokes touch only the tops of the grain.
    caught = reduced * np.clip(1 + 0.22 * tooth * (1.1 - reduced), 0.3, 1.3)
    page = 255 * (1 - 0.93 * np.clip(caught, 0, 1))
    return np.clip(np.round(page), 0, 255).astype(np.uint8)
