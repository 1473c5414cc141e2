"""Outlines: where one part of the figure ends and another begins."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.synthetic import labels, vector

FACE = (*range(labels.SKIN, labels.R_BROW + 1), labels.MOUTH, labels.UPPER_LIP, labels.LOWER_LIP)
# Drawn in this order; a border already drawn is not drawn again. (labels, width, pressure)
BORDERS: tuple[tuple[tuple[int, ...], float, float], ...] = (
    ((labels.HAIR,), 5.0, 0.86),
    ((labels.L_EAR,), 4.2, 0.72),
    ((labels.R_EAR,), 4.2, 0.72),
    (FACE, 5.2, 0.92),
    ((labels.EARRING,), 3.6, 0.7),
    ((labels.CLOTH,), 4.6, 0.74),
    ((labels.NECK,), 4.2, 0.66),
)


def outlines(names: np.ndarray) -> list[tuple[np.ndarray, float, float]]:
    """Strokes (points (N, 2), width, pressure) along the borders of a label map (S, S)."""
    factor = max(1, names.shape[0] // 256)
    side = names.shape[0] // factor
    names = names[factor // 2 :: factor, factor // 2 :: factor]
    drawn = np.zeros((side, side), np.uint8)
    found = []
    reach = max(3, round(side / 110))
    for members, width, pressure in BORDERS:
        mask = np.isin(names, members).astype(np.uint8) * 255
        fresh = []
        for loop in _loops(mask, side):
            cell = np.clip(np.round(loop).astype(int), 0, side - 1)
            inside = (loop > 2).all(1) & (loop < side - 3).all(1)
            keep = inside & (drawn[cell[:, 1], cell[:, 0]] == 0)
            for piece in _runs(loop, keep):
                if len(piece) > side / 60:
                    fresh.append(piece)
                    found.append(((piece + 0.5) * factor - 0.5, width, pressure))
        for piece in fresh:
            vector.lines(drawn, [piece], reach, 255)
    return found


def _loops(mask: np.ndarray, side: int) -> list[np.ndarray]:
    """Smoothed contours (N, 2) of a mask, without specks."""
    soft = cv2.GaussianBlur(mask, (0, 0), side / 220)
    contours, _ = cv2.findContours(
        (soft > 127).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    loops = []
    for contour in contours:
        points = contour[:, 0, :].astype(np.float64)
        if len(points) < side / 14:
            continue
        window = max(3, side // 110) | 1
        kernel = np.hanning(window + 2)[1:-1]
        kernel /= kernel.sum()
        ring = np.vstack([points[-window:], points, points[:window]])
        smooth = np.stack([np.convolve(ring[:, k], kernel, "same") for k in (0, 1)], axis=1)
        loops.append(smooth[window:-window])
    return loops


def _runs(loop: np.ndarray, keep: np.ndarray) -> list[np.ndarray]:
    """The stretches of a closed loop whose points are kept."""
    if keep.all():
        return [np.vstack([loop, loop[:1]])]
    first = int(np.argmin(keep))  # start where something is left out, so that no run wraps
    loop, keep = np.roll(loop, -first, 0), np.roll(keep, -first)
    cuts = np.flatnonzero(np.diff(keep.astype(int))) + 1
    parts = zip(np.split(loop, cuts), np.split(keep, cuts))
    return [piece for piece, kept in parts if kept[0]]
