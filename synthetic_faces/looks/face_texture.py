"""The texture of the face: colour, gloss and labels over the face plane."""

from __future__ import annotations

import cv2
import numpy as np

from synthetic_faces.face_parameters import RGB
from synthetic_faces.geometry import shapes
from synthetic_faces.geometry.meshes import Label

SCALE = 150  # texels per head unit
LEFT, TOP, RIGHT, BOTTOM = -1.15, -1.05, 1.15, 1.95
TEXELS_ACROSS, TEXELS_DOWN = int((RIGHT - LEFT) * SCALE), int((BOTTOM - TOP) * SCALE)


def texels(points: np.ndarray) -> np.ndarray:
    """Convert face-plane points (..., 2) to texel coordinates, integers at texel centres."""
    offset = np.array([-LEFT * SCALE - 0.5, -TOP * SCALE - 0.5], np.float32)
    return points * np.float32(SCALE) + offset


def plane() -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of every texel, each (TEXELS_DOWN, TEXELS_ACROSS) float32."""
    x = (np.arange(TEXELS_ACROSS, dtype=np.float32) + 0.5) / SCALE + LEFT
    y = (np.arange(TEXELS_DOWN, dtype=np.float32) + 0.5) / SCALE + TOP
    return np.broadcast_to(x, (TEXELS_DOWN, TEXELS_ACROSS)), np.broadcast_to(
        y[:, None], (TEXELS_DOWN, TEXELS_ACROSS)
    )


def enlarged(field: np.ndarray) -> np.ndarray:
    """Resize a field of the whole texture to (TEXELS_DOWN, TEXELS_ACROSS, ...)."""
    return cv2.resize(field, (TEXELS_ACROSS, TEXELS_DOWN), interpolation=cv2.INTER_LINEAR)


class Window:
    """A rectangle of the texture that holds some points, with a margin."""

    def __init__(self, points: np.ndarray, margin: float = 0.04) -> None:
        at = texels(points)
        low = np.floor(at.min(0) - margin * SCALE).astype(int)
        high = np.ceil(at.max(0) + margin * SCALE).astype(int)
        self.low = np.clip(low, 0, [TEXELS_ACROSS - 2, TEXELS_DOWN - 2])
        self.high = np.clip(high, self.low + 2, [TEXELS_ACROSS, TEXELS_DOWN])
        self.slices = (slice(self.low[1], self.high[1]), slice(self.low[0], self.high[0]))

    def _at(self, points: np.ndarray) -> np.ndarray:
        return texels(points) - self.low

    def _empty(self) -> np.ndarray:
        return np.zeros((self.high[1] - self.low[1], self.high[0] - self.low[0]), np.uint8)

    def fill(self, outline: np.ndarray, blur: float = 0.0) -> np.ndarray:
        """Return the coverage in [0, 1] of a closed outline (N, 2); blur: head units."""
        mask = self._empty()
        shapes.fill(mask, [self._at(outline)], 255)
        return _soft(mask, blur)

    def line(self, points: np.ndarray, width: float, blur: float = 0.0) -> np.ndarray:
        """Return the coverage in [0, 1] of an open line (N, 2); width: head units."""
        thick = max(1, round(width * SCALE))
        mask = self._empty()
        shapes.lines(mask, [self._at(points)], thick, 255)
        return _soft(mask, blur) * min(1.0, width * SCALE / thick)

    def lines(
        self, paths: list[np.ndarray] | np.ndarray, width: float, blur: float = 0.0
    ) -> np.ndarray:
        """Return the coverage in [0, 1] of many open lines (N, 2), or (M, N, 2), of one width."""
        thick = max(1, round(width * SCALE))
        mask = self._empty()
        if isinstance(paths, np.ndarray):
            shapes.lines(mask, self._at(paths), thick, 255)
        else:
            shapes.lines(mask, [self._at(path) for path in paths], thick, 255)
        return _soft(mask, blur) * min(1.0, width * SCALE / thick)

    def disc(self, centre: np.ndarray, radius: float, blur: float = 0.0) -> np.ndarray:
        """Return the coverage in [0, 1] of a disc."""
        mask = self._empty()
        shapes.disc(mask, self._at(centre), radius * SCALE, 255)
        return _soft(mask, blur)

    def dots(self, centres: np.ndarray, radii: np.ndarray, blur: float) -> np.ndarray:
        """Return the coverage in [0, 1] of many discs."""
        mask = self._empty()
        for centre, radius in zip(self._at(centres), radii):
            shapes.disc(mask, centre, radius * SCALE, 255)
        return _soft(mask, blur)

    def from_point(self, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return each texel's offset from a point in head units: x (1, W), y (H, 1), float32."""
        cx, cy = self._at(centre)
        rows, columns = np.ogrid[: self.high[1] - self.low[1], : self.high[0] - self.low[0]]
        return ((columns - cx) / SCALE).astype(np.float32), ((rows - cy) / SCALE).astype(np.float32)

    def distance(self, centre: np.ndarray) -> np.ndarray:
        """Return the distance of each texel of the window from a point, in head units."""
        x, y = self.from_point(centre)
        return np.hypot(x, y)


class FaceTexture:
    """The texture; H = TEXELS_DOWN, W = TEXELS_ACROSS.

    colour: (H, W, 3) float32 sRGB. gloss: (H, W) float32. label: (H, W) uint8.
    """

    def __init__(self, tone: RGB, gloss: float) -> None:
        self.colour = np.empty((TEXELS_DOWN, TEXELS_ACROSS, 3), np.float32)
        self.colour[:] = tone
        self.gloss = np.full((TEXELS_DOWN, TEXELS_ACROSS), gloss, np.float32)
        self.label = np.full((TEXELS_DOWN, TEXELS_ACROSS), Label.SKIN, np.uint8)

    def blend(self, window: Window, mask: np.ndarray, colour: RGB | np.ndarray) -> None:
        """Blend a colour (3 numbers, or 3 per texel) in by a mask in [0, 1]."""
        region = self.colour[window.slices]
        region += mask[..., None] * (np.asarray(colour, np.float32) - region)

    def darken(self, window: Window, mask: np.ndarray, amount: float) -> None:
        """Take up to `amount` of the light away; blue and green first, as in skin."""
        lost = mask[..., None] * (-amount * np.array([0.82, 1.0, 1.05], np.float32))
        lost += 1
        self.colour[window.slices] *= np.maximum(lost, 0, out=lost)

    def set_label(self, window: Window, mask: np.ndarray, label: int) -> None:
        """Label the texels that a mask covers by half."""
        self.label[window.slices][mask > 0.5] = label


def _soft(mask: np.ndarray, blur: float) -> np.ndarray:
    soft = mask.astype(np.float32) / 255
    return cv2.GaussianBlur(soft, (0, 0), blur * SCALE) if blur > 0 else soft
