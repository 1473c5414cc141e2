"""Where a canvas samples the picture.

A canvas is finer than its picture by a whole number of steps. Its samples are placed so that one of
them falls exactly on the centre of each picture pixel: what is read there (labels, depth, normals)
is exact, and what is averaged around it (photo, drawing) is centred.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from sketchface_models.errors import SketchFaceError


@dataclass(frozen=True)
class Lattice:
    """size: side of the picture. step: canvas samples a picture pixel, along each side."""

    size: int
    step: int

    @property
    def side(self) -> int:
        """Side of the canvas."""
        return self.size * self.step

    @property
    def _shift(self) -> float:
        # Picture pixel i has its centre at (i + 0.5) * step samples from the edge.
        return 0.5 * (self.step % 2)

    def cells(self, points: np.ndarray) -> np.ndarray:
        """Picture points in widths (..., 2) -> canvas coordinates, integers at samples."""
        return points * self.side - self._shift

    def centres(self, canvas: np.ndarray) -> np.ndarray:
        """What a canvas (side, side, ...) holds at the centres of the picture's pixels."""
        return canvas[self.step // 2 :: self.step, self.step // 2 :: self.step]


def lattice(size: int) -> Lattice:
    """Finer for small pictures, whose edges need it more.

    Raises:
        SketchFaceError: for a size that is no whole number of pixels.
    """
    if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 1:
        raise SketchFaceError(f"size: {size!r}; allowed: a whole number of pixels, 1 or more")
    return Lattice(size, 4 if size <= 96 else 2 if size <= 1024 else 1)


def reduce(canvas: np.ndarray, size: int) -> np.ndarray:
    """Mean over each picture pixel: (side, side, ...) float32 -> (size, size, ...)."""
    step = canvas.shape[0] // size
    if step % 2 == 0:
        # Half a sample to the left and half to the right of each: centred on sample step / 2.
        canvas = cv2.blur(canvas, (2, 2), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
