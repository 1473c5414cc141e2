"""The picture that is wrapped round the face: colour, gloss and labels over the face plane."""

from __future__ import annotations

import cv2
import numpy as np

from synthetic_faces.geometry import shapes
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.parameters import RGB

SCALE = 150  # texels per head unit
LEFT, TOP, RIGHT, BOTTOM = -1.15, -1.05, 1.15, 1.95
WIDTH, HEIGHT = int((RIGHT - LEFT) * SCALE), int((BOTTOM - TOP) * SCALE)


def texels(points: np.ndarray) -> np.ndarray:
    """Face-plane points (..., 2) -> texel coordinates, integers at texel centres."""
    offset = np.array([-LEFT * SCALE - 0.5, -TOP * SCALE - 0.5], np.float32)
    return points * np.float32(SCALE) + offset


def plane() -> tuple[np.ndarray, np.ndarray]:
    """Coordinates x and y of every texel, each (HEIGHT, WIDTH) float32."""
    x = (np.arange(WIDTH, dtype=np.float32) + 0.5) / SCALE + LEFT
    y = (np.arange(HEIGHT, dtype=np.float32) + 0.5) / SCALE + TOP
    return np.broadcast_to(x, (HEIGHT, WIDTH)), np.broadcast_to(y[:, None], (HEIGHT, WIDTH))


def enlarged(field: np.ndarray) -> np.ndarray:
    """Resize a field of any size, spread over the whole texture, to (HEIGHT, WIDTH, ...)."""
    return cv2.resize(field, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


class Window:
    """A rectangle of the canvas that holds some points, with room around them."""

    def __init__(self, points: np.ndarray, margin: float = 0.04) -> None:
        at = texels(points)
        low = np.floor(at.min(0) - margin * SCALE).astype(int)
        high = np.ceil(at.max(0) + margin * SCALE).astype(int)
        self.low = np.clip(low, 0, [WIDTH - 2, HEIGHT - 2])
        self.high = np.clip(high, self.low + 2, [WIDTH, HEIGHT])
        self.slices = (slice(self.low[1], self.high[1]), slice(self.low[0], self.high[0]))

    def _at(self, points: np.ndarray) -> np.ndarray:
        return texels(points) - self.low

    def _empty(self) -> np.ndarray:
        return np.zeros((self.high[1] - self.low[1], self.high[0] - self.low[0]), np.uint8)

    def fill(self, outline: np.ndarray, blur: float = 0.0) -> np.ndarray:
        """Coverage in [0, 1] of a closed outline (N, 2), blurred by `blur` head units."""
        mask = self._empty()
        shapes.fill(mask, [self._at(outline)], 255)
        return _soft(mask, blur)

    def line(self, points: np.ndarray, width: float, blur: float = 0.0) -> np.ndarray:
        """Coverage in [0, 1] of an open line (N, 2) of some width in head units."""
        thick = max(1, round(width * SCALE))
        mask = self._empty()
        shapes.lines(mask, [self._at(points)], thick, 255)
        return _soft(mask, blur) * min(1.0, width * SCALE / thick)

    def lines(
        self, paths: list[np.ndarray] | np.ndarray, width: float, blur: float = 0.0
    ) -> np.ndarray:
        """Coverage in [0, 1] of many open lines (N, 2), or (M, N, 2), of one width."""
        thick = max(1, round(width * SCALE))
        mask = self._empty()
        if isinstance(paths, np.ndarray):
            shapes.lines(mask, self._at(paths), thick, 255)
        else:
            shapes.lines(mask, [self._at(path) for path in paths], thick, 255)
        return _soft(mask, blur) * min(1.0, width * SCALE / thick)

    def disc(self, centre: np.ndarray, radius: float, blur: float = 0.0) -> np.ndarray:
        """Coverage in [0, 1] of a disc."""
        mask = self._empty()
        shapes.disc(mask, self._at(centre), radius * SCALE, 255)
        return _soft(mask, blur)

    def dots(self, centres: np.ndarray, radii: np.ndarray, blur: float) -> np.ndarray:
        """Coverage in [0, 1] of many discs."""
        mask = self._empty()
        for centre, radius in zip(self._at(centres), radii):
            shapes.disc(mask, centre, radius * SCALE, 255)
        return _soft(mask, blur)

    def from_point(self, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each texel's offset from a point in head units: x (1, W) and y (H, 1), float32."""
        cx, cy = self._at(centre)
        rows, columns = np.ogrid[: self.high[1] - self.low[1], : self.high[0] - self.low[0]]
        return ((columns - cx) / SCALE).astype(np.float32), ((rows - cy) / SCALE).astype(np.float32)

    def distance(self, centre: np.ndarray) -> np.ndarray:
        """Distance in head units of each texel of the window from a point."""
        x, y = self.from_point(centre)
        return np.hypot(x, y)


class Canvas:
    """colour: (HEIGHT, WIDTH, 3) float32 sRGB. gloss: (HEIGHT, WIDTH). label: (HEIGHT, WIDTH)."""

    def __init__(self, tone: RGB, gloss: float) -> None:
        self.colour = np.empty((HEIGHT, WIDTH, 3), np.float32)
        self.colour[:] = tone
        self.gloss = np.full((HEIGHT, WIDTH), gloss, np.float32)
        self.label = np.full((HEIGHT, WIDTH), Label.SKIN, np.uint8)

    def blend(self, window: Window, mask: np.ndarray, colour: RGB | np.ndarray) -> None:
        """Mix a colour (3 numbers or one per texel) in by a mask in [0, 1]."""
        here = self.colour[window.slices]
        here += mask[..., None] * (np.asarray(colour, np.float32) - here)

    def darken(self, window: Window, mask: np.ndarray, amount: float) -> None:
        """Take up to `amount` of the light away; blue and green first, as in skin."""
        lost = mask[..., None] * (-amount * np.array([0.82, 1.0, 1.05], np.float32))
        lost += 1
        self.colour[window.slices] *= np.maximum(lost, 0, out=lost)

    def name(self, window: Window, mask: np.ndarray, label: int) -> None:
        """Label the texels that a mask covers by half."""
        self.label[window.slices][mask > 0.5] = label


def _soft(mask: np.ndarray, blur: float) -> np.ndarray:
    soft = mask.astype(np.float32) / 255
    return cv2.GaussianBlur(soft, (0, 0), blur * SCALE) if blur > 0 else soft
