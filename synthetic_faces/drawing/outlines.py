"""Outlines: where one part of the figure ends or occludes another.

Both come from the pictures of the geometry: borders of the label map, and jumps in depth inside one
label (a nose before its cheek, a lock before the hair behind), so that any new object is outlined.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from synthetic_faces.drawing.subject import Subject
from synthetic_faces.geometry import shapes
from synthetic_faces.geometry.meshes import Label

FACE_LABELS = (*range(Label.SKIN, Label.R_BROW + 1), Label.MOUTH, Label.UPPER_LIP, Label.LOWER_LIP)
JUMP = 0.07  # head units of depth between neighbouring cells that make an edge
SEAM = 90  # gradient of 8-bit colour at which a change of colour is a seam
JEWELLERY = (Label.EARRING, Label.NECKLACE)


@dataclass(frozen=True)
class Border:
    """Where some labels end; width and pressure of the line. against: only at these labels."""

    members: tuple[int, ...]
    width: float
    pressure: float
    against: tuple[int, ...] = ()


# Drawn in this order; a border already drawn is not drawn again.
BORDERS = (
    Border((Label.HAT,), 4.6, 0.84),
    Border((Label.EARRING,), 3.4, 0.72),
    Border((Label.NECKLACE,), 3.2, 0.68),
    # A hairline is where strokes begin, hardly a line.
    Border((Label.HAIR,), 3.2, 0.36, against=(*FACE_LABELS, Label.L_EAR, Label.R_EAR)),
    Border((Label.HAIR,), 3.8, 0.74),
    Border((Label.L_EAR,), 4.0, 0.76),
    Border((Label.R_EAR,), 4.0, 0.76),
    Border(FACE_LABELS, 4.6, 0.86),
    Border((Label.CLOTH,), 4.2, 0.76),
    Border((Label.NECK,), 4.0, 0.72),
)


@dataclass(frozen=True)
class Outline:
    """One piece of border. points: (N, 2) canvas pixels, at most 1.5 cells apart."""

    points: np.ndarray
    width: float
    pressure: float


def outlines(subject: Subject) -> list[Outline]:
    """Return every border of a subject, once."""
    labels = subject.labels
    side = len(labels)
    page = np.zeros((side, side), np.uint8)
    if subject.glasses is not None:  # drawn as lines, not as borders
        rims = [(line - subject.step // 2) / subject.step for line in subject.glasses.lines]
        thick = subject.glasses.width / subject.step
        shapes.lines(page, rims, max(3, round(thick + side / 80)), 255)
    lines = []
    present = np.bincount(labels.ravel(), minlength=19) > 0
    for border in BORDERS:
        if not present[list(border.members)].any():
            continue
        mask = _mask(labels, border.members)
        small = border.members[0] in JEWELLERY
        beside = None
        if border.against:
            beside = cv2.dilate(_mask(labels, border.against), np.ones((7, 7), np.uint8))
        fresh = []
        for loop in _loops(mask, side / 60 if small else side / 14):
            cell = np.clip(np.round(loop).astype(int), 0, side - 1)
            inside = (loop > 2).all(1) & (loop < side - 3).all(1)
            keep = inside & (page[cell[:, 1], cell[:, 0]] == 0)
            if beside is not None:
                keep &= beside[cell[:, 1], cell[:, 0]] > 0
            fresh += [piece for piece in _runs(loop, keep) if len(piece) > side / 60]
        for piece in fresh:
            shapes.lines(page, [piece], max(3, round(side / 110)), 255)
            lines.append(Outline(subject.pixels(piece), border.width, border.pressure))
    for piece in jumps(subject.z, page, subject.labels == Label.HAIR):
        lines.append(Outline(subject.pixels(piece), 3.6, 0.66))
        shapes.lines(page, [piece], 3, 255)
    if present[Label.HAT] or subject.scene.parameters.wear.pattern != "plain":
        for piece in _seams(subject, page):
            lines.append(Outline(subject.pixels(piece), 3.0, 0.5))
    return lines


def _mask(labels: np.ndarray, members: tuple[int, ...]) -> np.ndarray:
    table = np.zeros(256, np.uint8)
    table[list(members)] = 255
    return cv2.LUT(labels, table)


def _loops(mask: np.ndarray, shortest: float) -> list[np.ndarray]:
    """Return the smoothed contours (N, 2) of a mask, without specks."""
    if not mask.any():
        return []
    side = len(mask)
    soft = cv2.GaussianBlur(mask, (0, 0), side / 200)
    contours, _ = cv2.findContours(
        (soft > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    return [_smooth(c[:, 0, :], side, True) for c in contours if len(c) >= shortest]


def _smooth(points: np.ndarray, side: int, closed: bool) -> np.ndarray:
    """Average the points (N, 2) of a path over a few neighbours."""
    window = min(max(3, side // 60), max(1, len(points) // 2)) | 1
    kernel = np.hanning(window + 2)[1:-1]
    kernel /= kernel.sum()
    pad = ((window, window), (0, 0))
    longer = np.pad(points.astype(float), pad, "wrap" if closed else "edge")
    smooth = np.stack([np.convolve(longer[:, k], kernel, "same") for k in (0, 1)], axis=1)
    return smooth[window:-window]


def _runs(loop: np.ndarray, keep: np.ndarray) -> list[np.ndarray]:
    """Return the stretches of a closed loop whose points are kept."""
    if keep.all():
        return [np.vstack([loop, loop[:1]])]
    first = int(np.argmin(keep))  # start where something is left out, so that no run wraps
    loop, keep = np.roll(loop, -first, 0), np.roll(keep, -first)
    return shapes.stretches(loop, keep, least=1)


def jumps(z: np.ndarray, page: np.ndarray, hair: np.ndarray) -> list[np.ndarray]:
    """Trace paths (N, 2) along jumps in depth that no border covers; in hair, big ones.

    z: (G, G), -inf for nothing. page: (G, G) uint8, above 0 on borders.
    hair: (G, G) bool.
    """
    side = len(z)
    solid = np.where(np.isfinite(z), z, -9.0).astype(np.float32)
    nearest = cv2.dilate(solid, np.ones((3, 3), np.uint8))
    edge = (nearest - solid > np.where(hair, 3 * JUMP, JUMP)) & (solid > -9)
    known = cv2.dilate(page, np.ones((3, 3), np.uint8)) > 0
    # On a slope seen edge-on depth falls at every cell; a jump has level ground behind it.
    furthest = cv2.erode(solid, np.ones((3, 3), np.uint8))
    edge &= ~known & (solid - furthest < 0.5 * (nearest - solid))
    edge[:2] = edge[-2:] = edge[:, :2] = edge[:, -2:] = False
    paths = _traced(edge)
    return [_smooth(path, side, False) for path in paths if len(path) > side / 32]


def _seams(subject: Subject, page: np.ndarray) -> list[np.ndarray]:
    """Return paths (N, 2) where clothes or hat change colour: bands, peaks, stripes."""
    attire = cv2.erode(_mask(subject.labels, (Label.HAT, Label.CLOTH)), np.ones((3, 3), np.uint8))
    colour = cv2.GaussianBlur(subject.albedo, (0, 0), 0.8)
    across = cv2.Sobel(colour, cv2.CV_16S, 1, 0)
    down = cv2.Sobel(colour, cv2.CV_16S, 0, 1)
    edge = cv2.Canny(across, down, SEAM, 2 * SEAM) > 0
    edge &= (attire > 0) & (page == 0)
    side = len(page)
    return [_smooth(path, side, False) for path in _traced(edge) if len(path) > side / 20]


def _traced(edge: np.ndarray) -> list[np.ndarray]:
    """Trace paths of neighbouring cells through a thin mask."""
    rows, columns = np.nonzero(edge)
    left = dict.fromkeys(zip(columns.tolist(), rows.tolist()))
    around = [(1, 0), (0, 1), (-1, 0), (0, -1), (1, 1), (-1, 1), (-1, -1), (1, -1)]
    paths = []
    while left:
        seed, _ = left.popitem()
        path = [seed]
        for _ in range(2):
            x, y = path[-1]
            while True:
                near = next((c for c in ((x + a, y + b) for a, b in around) if c in left), None)
                if near is None:
                    break
                # Where the mask is two cells thick, do not come back along the other side.
                for a, b in around:
                    left.pop((x + a, y + b), None)
                path.append(near)
                x, y = near
            path.reverse()
        paths.append(np.array(path))
    return paths
