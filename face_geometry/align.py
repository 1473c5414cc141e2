"""Alignment: one similarity transform per face brings eyes and mouth to the same points.

Coordinates are continuous: pixel (i, j) covers [j, j + 1) x [i, i + 1), so a picture W pixels wide
reaches from x = 0 to x = W and scaling it by s multiplies coordinates by s. A transform is a
(2, 3) array that takes source pixels to aligned pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

Points = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""(x, y) of the eye on the image's left, of the eye on its right, and of the mouth."""

_SEAM = 12.0  # width, in pixels, of the passage from the source's edge to one colour


@dataclass(frozen=True)
class Framing:
    """Where a data set's aligned faces have their eyes and mouth.

    points: as fractions of the side. native: sources that come in this framing already, and keep
    their pixels. median: for sources whose every photo must get through, where eyes and mouth
    usually lie, as fractions of width and height; used where no face is detected.
    """

    points: Points
    native: frozenset[str] = frozenset()
    median: Mapping[str, Points] = field(default_factory=dict)

    def target(self, size: int) -> np.ndarray:
        """Return eyes and mouth in an aligned picture of side `size`: (3, 2), pixels."""
        return np.array(self.points) * size

    def usual_points(self, source: str, width: int, height: int) -> np.ndarray | None:
        """Return the median eyes and mouth of a source's photos, (3, 2) pixels; None if unknown."""
        points = self.median.get(source)
        return None if points is None else np.array(points) * (width, height)


PORTRAIT = Framing(points=((0.385, 0.42), (0.615, 0.42), (0.5, 0.66)))
"""Head and hair inside the square, as in FFHQ: eyes at 42 % of the height, their outer corners
33 % of the width apart."""


def eyes_and_mouth(landmarks: np.ndarray) -> np.ndarray:
    """Return means (3, 2) of right eye, left eye and mouth corners of 68 iBUG landmarks."""
    eyes = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    return np.stack([*eyes, landmarks[[48, 54]].mean(axis=0)]).astype(np.float64)


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the rotation, scale and shift that bring `source` nearest to `target`.

    In least squares and without reflections (Umeyama 1991, Eq. 40-42).

    Args:
        source: (N, 2) points, not all the same.
        target: (N, 2) points.

    Returns:
        (2, 3) float64.
    """
    from skimage.transform import SimilarityTransform  # slow to import; few need it

    matrix: np.ndarray = SimilarityTransform.from_estimate(source, target).params[:2]
    return matrix


def fit(width: int, height: int, size: int) -> np.ndarray:
    """Return the transform that scales a whole `width` x `height` picture to `size` x `size`."""
    return np.array([[size / width, 0.0, 0.0], [0.0, size / height, 0.0]])


def transform_points(points: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Apply a (2, 3) transform to (N, 2) points."""
    return points @ transform[:, :2].T + transform[:, 2]


def warp(image: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """Warp a photo or sketch, without aliasing where it shrinks.

    Outside the source, the nearest edge fades into the median colour of the source's border: paper
    stays paper, and edges do not smear into stripes.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        transform: (2, 3), source pixels to aligned pixels.
        size: side of the result.
    """
    warped = _area_warp(image, transform, size, cv2.BORDER_REPLICATE)
    outside = _outside(image.shape[:2], transform, size)
    if outside is None:
        return warped
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)
    beyond = outside > 0
    keep = np.clip(1 - distance[beyond] / _SEAM, 0, 1)
    keep = keep[:, None] if image.ndim == 3 else keep
    warped[beyond] = np.rint(warped[beyond] * keep + _border_colour(image) * (1 - keep))
    return warped


def warp_labels(labels: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """Warp a label map, nearest pixel; 0 (background) outside the source."""
    matrix = _centred(transform)
    return cv2.warpAffine(labels, matrix, (size, size), flags=cv2.INTER_NEAREST)


def warp_depth(depth: np.ndarray, transform: np.ndarray, size: int) -> np.ndarray:
    """Warp a float32 depth map; 0 (background) outside the source."""
    return np.clip(_area_warp(depth, transform, size, None), 0, 1)


def _area_warp(
    image: np.ndarray, transform: np.ndarray, size: int, border: int | None
) -> np.ndarray:
    """Warp, averaging over the area that each aligned pixel covers; `border` None fills with 0.

    Large sources are first averaged over whole blocks. The rest is sampled on a grid finer than
    the source's, and averaged over the aligned pixels.
    """
    scale = float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    block = int(1 / scale)
    if block > 1:
        height, width = image.shape[:2]
        small = max(1, round(width / block)), max(1, round(height / block))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        transform = transform @ np.diag([width / small[0], height / small[1], 1.0])
        scale *= block
    fine = 2 if scale < 1 else 1
    border = cv2.BORDER_CONSTANT if border is None else border
    grid = (size * fine, size * fine)
    matrix = _centred(transform * fine)
    fine_image = cv2.warpAffine(image, matrix, grid, flags=cv2.INTER_LINEAR, borderMode=border)
    return cv2.resize(fine_image, (size, size), interpolation=cv2.INTER_AREA)


def _outside(shape: tuple[int, ...], transform: np.ndarray, size: int) -> np.ndarray | None:
    """Return 1 where an aligned pixel's centre lies beyond the source's edges, (size, size) uint8.

    None where no corner of the aligned picture does, and so none of its pixels.
    """
    height, width = shape[:2]
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], float)
    back = cv2.invertAffineTransform(transform)
    reached = transform_points(corners, back)
    slack = 1e-6 * max(height, width)
    if reached.min() >= -slack and (reached <= np.array([width, height]) + slack).all():
        return None
    centres = np.arange(size) + 0.5
    x = back[0, 0] * centres + (back[0, 1] * centres[:, None] + back[0, 2])
    y = back[1, 0] * centres + (back[1, 1] * centres[:, None] + back[1, 2])
    return ((x < 0) | (x > width) | (y < 0) | (y > height)).view(np.uint8)


def _centred(transform: np.ndarray) -> np.ndarray:
    """Return the transform in OpenCV's coordinates, where whole numbers are pixel centres."""
    shift = transform[:, 2] + transform[:, :2] @ (0.5, 0.5) - 0.5
    return np.column_stack([transform[:, :2], shift])


def _border_colour(image: np.ndarray) -> np.ndarray:
    """Return the median of the outermost pixels, a number or one for each channel."""
    edges = [image[0], image[-1], image[:, 0], image[:, -1]]
    return np.median(np.concatenate(edges), axis=0)
