"""Strokes of hair: lines that follow the strands wherever hair shows."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.synthetic.pencil import Pencil


def strands(
    flow: np.ndarray, mask: np.ndarray, curl: float, count: int, pencil: Pencil
) -> np.ndarray:
    """(K, N, 2) lines in canvas pixels, traced along a direction field.

    flow: (S, S, 2) unit directions in the picture. mask: (S, S), 1 where there is hair. count: how
    many would be drawn were the whole canvas hair.
    """
    side, rng = flow.shape[0], pencil.rng
    share = float(mask.mean())
    wanted = int(count * share)
    rows, columns = np.nonzero(mask > 0.6)
    if wanted == 0 or len(rows) == 0:
        return np.zeros((0, 2, 2))
    pick = rng.integers(0, len(rows), wanted)
    at = np.stack([columns[pick], rows[pick]], axis=1).astype(np.float64)
    steps = 13
    stride = side * 0.009 * rng.uniform(0.5, 1.3, (wanted, 1)) * (1 - 0.4 * curl)
    spin = curl * rng.choice([-1, 1], wanted) * rng.uniform(0.15, 0.55, wanted)
    path = [at]
    heading = np.zeros((wanted, 2))
    turn = rng.uniform(-0.6, 0.6, wanted) * curl
    for _ in range(steps):
        cell = np.clip(np.round(at).astype(int), 0, side - 1)
        direction = flow[cell[:, 1], cell[:, 0]].astype(np.float64)
        # A direction has no sign: keep going the way one went.
        back = (direction * heading).sum(1) < 0
        direction[back] *= -1
        heading = direction
        turn = turn + spin
        c, s = np.cos(turn), np.sin(turn)
        turned = np.stack(
            [c * direction[:, 0] - s * direction[:, 1], s * direction[:, 0] + c * direction[:, 1]],
            1,
        )
        ahead = np.clip(np.round(at + stride * turned).astype(int), 0, side - 1)
        inside = mask[ahead[:, 1], ahead[:, 0]] > 0.4
        at = np.where(inside[:, None], at + stride * turned, at)
        path.append(at)
    return np.stack(path, axis=1)


def flow_field(tangent: np.ndarray) -> np.ndarray:
    """Directions of hair in the picture (S, S, 2) -> smooth unit ones."""
    flat = cv2.GaussianBlur(tangent.astype(np.float32), (0, 0), tangent.shape[0] / 300)
    length = np.sqrt(flat[..., 0] ** 2 + flat[..., 1] ** 2)
    return flat / np.maximum(length, 1e-4)[..., None]
