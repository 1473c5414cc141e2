"""Rough lines: an amateur's version of a finished sketch, for `pix2pix` (lines -> sketch).

The published data of that task hold hand-drawn lines for every sketch (docs/papers.md, Portrait
sketches); other data sets have none. Here the sketch is reduced to its main edges, the edges to
thin strokes, and the strokes are drawn again the way an unpractised hand does it: in short, nearly
straight pieces that miss each other a little. Likeness stays, because every piece stays close to
its edge.

It knows no more of a face than the pixels of a finished sketch. The built-in faces' own rough
drawings cut and displace with the same two functions, but know the features and misplace each as
a whole.
"""

from __future__ import annotations

import hashlib

import cv2
import numpy as np

from face_geometry.polylines import PAPER, REFERENCE_SIZE, draw_lines
from face_geometry.strokes import SHORTEST, cut, displace

# All lengths are pixels on a picture of side `REFERENCE_SIZE`.
_SIGMA = 2.4
_WIDTH = 2.6
_EDGE = 0.03  # depth of an edge, as part of the sketch's own contrast

Pixel = tuple[int, int]  # row, column

_NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, -1), (-1, 1))


def rough_lines(sketch: np.ndarray, seed: int, id: str, roughness: float = 1.0) -> np.ndarray:
    """Draw the rough lines of a sketch; a pure function of the arguments.

    Args:
        sketch: (S, S) uint8, 255 = paper.
        seed: of the study.
        id: of the face.
        roughness: how far strokes stray; 0 keeps them on the edge, 1 looks like an amateur's.

    Returns:
        (S, S) uint8, 0 = line, 255 = paper, antialiased.
    """
    size = sketch.shape[0]
    scale = size / REFERENCE_SIZE
    digest = hashlib.sha256(f"lines\0{seed}\0{id}".encode()).digest()
    random = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    thin = cv2.ximgproc.thinning(edge_mask(sketch).astype(np.uint8) * 255) > 0
    pieces, darkness = [], []
    for path in trace(thin):
        if len(path) < SHORTEST * scale:
            continue
        for piece in cut(path, scale, random):
            pieces.append(displace(piece, scale, roughness, random))
            darkness.append(random.uniform(0.65, 1.0))
    return draw_lines(pieces, size, _WIDTH, darkness)


def edge_mask(sketch: np.ndarray) -> np.ndarray:
    """Mask a sketch's main lines: a thresholded difference of Gaussians (1 : 1.6).

    The threshold follows the sketch's contrast, so that pale pencil gives lines as well.

    Args:
        sketch: (S, S) uint8, 255 = paper.

    Returns:
        (S, S) bool.
    """
    sigma = _SIGMA * sketch.shape[0] / REFERENCE_SIZE
    grey = sketch.astype(np.float32) / PAPER
    fine = cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    coarse = cv2.GaussianBlur(grey, (0, 0), 1.6 * sigma, borderType=cv2.BORDER_REPLICATE)
    contrast = np.percentile(coarse, 95) - np.percentile(fine, 2)
    return fine - coarse < -_EDGE * max(float(contrast), 0.1)


def trace(thin: np.ndarray) -> list[np.ndarray]:
    """Trace paths along lines one pixel wide, straight on where lines meet.

    Args:
        thin: (H, W) bool.

    Returns:
        Paths of (N, 2) float, pixel centres x, y; every line pixel stands in exactly one path.
    """
    inked = thin.astype(np.float32)
    around = cv2.boxFilter(inked, -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    free = dict.fromkeys(zip(*(axis.tolist() for axis in np.nonzero(thin)), strict=True))
    ends = zip(*(axis.tolist() for axis in np.nonzero(thin & (around <= 2))), strict=True)
    paths = []
    for start in [*ends, *free]:
        if start in free:
            path = _walk(start, free)
            paths.append(np.array(path, float)[:, ::-1] + 0.5)
    return paths


def _walk(start: Pixel, free: dict[Pixel, None]) -> list[Pixel]:
    """Follow the line from `start`, as straight as it goes, taking its pixels out of `free`."""
    del free[start]
    path = [start]
    while True:
        y, x = path[-1]
        back_y, back_x = path[max(0, len(path) - 4)]
        steps = [step for dy, dx in _NEIGHBOURS if (step := (y + dy, x + dx)) in free]
        if not steps:
            return path
        ahead = [(step[0] - y) * (y - back_y) + (step[1] - x) * (x - back_x) for step in steps]
        step = steps[ahead.index(max(ahead))]
        del free[step]
        path.append(step)
