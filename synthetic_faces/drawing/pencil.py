"""A pencil and its paper: strokes of varying pressure from a slightly unsteady hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np

from synthetic_faces.geometry import shapes
from synthetic_faces.randomness import NOISE_SIDE, noise_at, noise_patch

CHUNK = 3  # segments drawn at one pressure
GREYS = 24  # shades of grey
NODES = 64  # places along a side between which the hand's drift is interpolated
GRAPHITE = 26  # the darkest a pencil gets, of 255
STAIN = 1.1  # grey levels of unevenness of the paper
STAIN_CELL = 2  # pixels a cell of that unevenness

_NO_MAP = np.empty(0, np.float32)
Warp = Callable[[np.ndarray], np.ndarray]


@dataclass
class _Layer:
    """Strokes as flat arrays of points, their widths and pressures; areas to fill."""

    points: list[np.ndarray] = field(default_factory=list)
    width: list[np.ndarray] = field(default_factory=list)
    pressure: list[np.ndarray] = field(default_factory=list)
    counts: list[np.ndarray] = field(default_factory=list)
    areas: list[tuple[float, np.ndarray]] = field(default_factory=list)


class Pencil:
    """Collects strokes on a side x side canvas and draws them all at once, light ones first.

    Points are canvas pixels, widths thousandths of the side, pressures in [0, 1]. Strokes of one
    layer cover each other; layers darken each other, as crossing hatches do.
    """

    def __init__(
        self,
        side: int,
        rng: np.random.Generator,
        wobble: float,
        warp: Warp | None = None,
        shift: float = 0.0,
    ) -> None:
        """wobble: typical drift of the hand, in thousandths of the side. warp: moves all points.

        shift: added to all coordinates last, in pixels.
        """
        self.side = side
        self.rng = rng
        self._wobble = wobble * side / 1000
        self._warp = warp
        self._shift = shift
        self._drift_offset = rng.random(2)
        self._layers: dict[str, _Layer] = {}

    def stroke(
        self,
        points: np.ndarray,
        width: float,
        pressure: float,
        taper: float = 0.6,
        layer: str = "line",
    ) -> None:
        """Add one line (N, 2). taper: share of the pressure lost at its ends, in [0, 1]."""
        count = len(points)
        if count < 2:
            return
        t = np.linspace(0, 1, count)
        swell = (1 - taper) + taper * np.sin(np.pi * np.clip(0.05 + 0.9 * t, 0, 1)) ** 0.7
        self.marks(points, np.array([count]), width, pressure * swell, layer)

    def tufts(
        self,
        lines: np.ndarray,
        width: float,
        pressure: np.ndarray,
        counts: np.ndarray | None = None,
    ) -> None:
        """Add many short lines (K, N, 2) at once, each with its pressure (K,), thinning at the end.

        counts: (K,), how many points of each line are drawn; without it, all.
        """
        if len(lines) == 0:
            return
        number = np.arange(lines.shape[1])
        counts = np.full(len(lines), lines.shape[1]) if counts is None else counts
        t = number / np.maximum(counts - 1, 1)[:, None]
        swell = np.interp(t, [0, 0.12, 0.45, 1], [0.75, 1.0, 0.95, 0.3])
        used = number < counts[:, None]
        self.marks(lines[used], counts, width, (pressure[:, None] * swell)[used])

    def marks(
        self,
        points: np.ndarray,
        counts: np.ndarray,
        width: float,
        pressure: np.ndarray,
        layer: str = "line",
    ) -> None:
        """Add lines one after the other: points (T, 2), pressure (T,), and the points of each."""
        strokes = self._layers.setdefault(layer, _Layer())
        strokes.points.append(points)
        strokes.counts.append(counts)
        strokes.pressure.append(pressure)
        strokes.width.append(np.full(len(points), width))

    def blot(self, outline: np.ndarray, pressure: float) -> None:
        """Fill a closed outline (N, 2); pressure 0 erases it."""
        self._layers.setdefault("line", _Layer()).areas.append((pressure, outline))

    def displaced(self, points: np.ndarray) -> np.ndarray:
        """Return points (N, 2) as the hand draws them: warped, and with its drift.

        The drift depends on the position alone, so that lines that meet still meet.
        """
        width = min(4096, len(points))  # cv2.remap takes no row of 32,768
        block = np.pad(points / (self.side / NODES), ((0, -len(points) % width), (0, 0)))
        at = block.astype(np.float32).reshape(-1, width, 2)
        move = cv2.remap(
            self._field, at, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return points + move.reshape(-1, 2)[: len(points)]

    @cached_property
    def _field(self) -> np.ndarray:
        """Displacements at a grid of nodes, (NODES + 1, NODES + 1, 2) float32."""
        step = np.arange(NODES + 1) * (self.side / NODES)
        nodes = np.stack(np.meshgrid(step, step), axis=-1).reshape(-1, 2)
        moved = nodes if self._warp is None else self._warp(nodes)
        position = moved / (0.9 * self.side)
        across, down = (
            noise_at("cloud", position[:, 0] + u, position[:, 1] + v)
            for u, v in (self._drift_offset, self._drift_offset + np.array([0.37, 0.61]))
        )
        drift = self._wobble * np.stack([across, down], axis=1) + self._shift
        return (moved - nodes + drift).astype(np.float32).reshape(NODES + 1, NODES + 1, 2)

    def paper(self) -> np.ndarray:
        """Draw all strokes: (side, side) uint8, 255 where the paper is empty, 0 where black."""
        page: np.ndarray = np.full((self.side, self.side), 255, np.uint8)
        for layer in self._layers.values():
            page = cv2.multiply(page, 255 - self._ink(layer), scale=1 / 255)
        return page

    def _ink(self, layer: _Layer) -> np.ndarray:
        canvas = np.zeros((self.side, self.side), np.uint8)
        outlines = [outline for _, outline in layer.areas]
        sizes = [len(outline) for outline in outlines]
        drifted = self.displaced(np.concatenate([*outlines, *layer.points]))
        *moved, points = np.split(drifted, np.cumsum(sizes)) if sizes else [drifted]
        areas = [(round(GREYS * p), shape) for (p, _), shape in zip(layer.areas, moved)]
        pending = sorted((a for a in areas if a[0] > 0), key=lambda area: area[0])
        for shade, thick, paths in self._pieces(layer, points):
            while pending and pending[0][0] <= shade:
                level, outline = pending.pop(0)
                shapes.fill(canvas, [outline], 255 * level / GREYS)
            grey = (255 * shade / GREYS,)
            cv2.polylines(canvas, paths, False, grey, thick, cv2.LINE_AA, shapes.SUBPIXEL_BITS)
        for level, outline in pending:
            shapes.fill(canvas, [outline], 255 * level / GREYS)
        for level, outline in areas:
            if level == 0:
                shapes.fill(canvas, [outline], 0)
        return canvas

    def _pieces(self, layer: _Layer, points: np.ndarray) -> list[tuple[int, int, list[np.ndarray]]]:
        """Group short runs of strokes at points (T, 2) by shade and thickness, light ones first."""
        if not layer.counts:
            return []
        counts = np.concatenate(layer.counts)
        first, last = _runs(counts)
        middle = (first + last + 1) // 2
        pressure = np.concatenate(layer.pressure)[middle]
        width = np.concatenate(layer.width)[middle] * (0.6 + 0.4 * np.clip(pressure, 0, 1))
        width = width * self.side / 1000
        thick = np.maximum(1, np.round(width)).astype(np.int64)
        # A line cannot be thinner than a pixel, but it can be fainter.
        faint = pressure * np.minimum(1, width / thick)
        shade = np.clip(np.round(GREYS * faint), 0, GREYS).astype(np.int64)
        key = shade * 4096 + thick
        order = np.argsort(key, kind="stable")
        order = order[shade[order] > 0]
        fixed = np.round(points * 2**shapes.SUBPIXEL_BITS).astype(np.int32)
        reach = np.minimum(first[order, None] + np.arange(CHUNK + 1), last[order, None])
        paths = fixed[reach]
        cuts = np.flatnonzero(np.diff(key[order])) + 1
        starts = np.concatenate([[0], cuts]) if len(order) else np.zeros(0, int)
        ends = np.concatenate([cuts, [len(order)]])
        return [
            (int(shade[order[a]]), int(thick[order[a]]), list(paths[a:b]))
            for a, b in zip(starts, ends)
        ]


def _runs(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return first and last point of each run of up to CHUNK segments; counts: points a line."""
    offset = np.concatenate([[0], np.cumsum(counts)[:-1]])
    pieces = -(-(counts - 1) // CHUNK)
    line = np.repeat(np.arange(len(counts)), pieces)
    number = np.arange(len(line)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    first = offset[line] + CHUNK * number
    return first, np.minimum(first + CHUNK, offset[line] + counts[line] - 1)


def on_paper(page: np.ndarray, size: int, sheet: np.ndarray) -> np.ndarray:
    """Put a drawing (S, S) uint8, 255 = empty, on paper: (size, size) uint8.

    sheet: (3,) in [0, 1): whiteness of the paper, and offset of its grain.
    """
    ink = 1 - cv2.resize(page, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    tooth = _tiled("fine", size, sheet[1:])
    coarse = _tiled("cloud", -(-size // STAIN_CELL), sheet[1:])
    stain = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    tone = np.float32(248 + 4 * sheet[0]) + STAIN * stain + 0.6 * tooth
    caught = ink * np.clip(1 + 0.30 * tooth * (1.05 - ink), 0.25, 1.4)
    picture = tone - (tone - GRAPHITE) * np.clip(caught, 0, 1)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def _tiled(kind: str, size: int, offset: np.ndarray) -> np.ndarray:
    """Return (size, size) noise, repeated where its texture is smaller."""
    side = min(size, NOISE_SIDE)
    again = -(-size // side)
    return np.tile(noise_patch(kind, (side, side), offset), (again, again))[:size, :size]
