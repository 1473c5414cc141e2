"""Add hair, neck and shoulders behind a face mesh, as three ellipsoids.

The mesh ends at hairline, ears and chin. Around it the depth of an average head and body is
assumed, placed by the mesh itself: the hair turns with the face, neck and shoulders hang straight
down from it. The figures were fitted to the outlines of people in photos and to the exact depth of
the built-in faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

RIGHT_EAR, LEFT_EAR, HAIRLINE, CHIN = 234, 454, 10, 152
"""Mesh vertices."""
_FADE = 0.12  # face widths in which the surroundings leave the depth of the face's edge
_SMOOTH = 0.08  # face widths; of the edge's depth where it is spread outwards
_CELLS, _COARSEST = 48, 4  # of the grid for what is smooth: cells to a face's width, pixels a cell


@dataclass(frozen=True)
class Ellipsoid:
    """A part of the body. Lengths in face widths; axes right, down, away from the viewer.

    turns: whether it turns with the face. centre: from the middle between the ears, or, for what
    does not turn, from the chin and the depth of the ears. half: half-axes.
    """

    turns: bool
    centre: tuple[float, float, float]
    half: tuple[float, float, float]


BODY = (
    Ellipsoid(True, (0.0, -0.11, 0.14), (0.69, 0.97, 0.77)),  # skull and hair
    Ellipsoid(False, (0.0, 0.55, 0.15), (0.99, 0.83, 0.16)),  # neck, and hair that falls on it
    Ellipsoid(False, (0.0, 1.17, 0.05), (0.99, 0.78, 0.45)),  # shoulders and chest
)


def add_surroundings(mesh: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Return the z of a face with its surroundings.

    Args:
        mesh: (468 or 478, 3) float, pixels, smaller z is nearer.
        face: (H, W) float, z of the face itself, +inf around it.

    Returns:
        (H, W) float32: `face` where it is finite, hair, neck and shoulders around it, starting at
        its edge with its own depth; +inf elsewhere.
    """
    width, frame, origins = _frame(mesh.astype(np.float64))
    z = np.full(face.shape, np.inf, np.float32)
    for part in BODY:
        turn = frame if part.turns else np.eye(3)
        centre = origins[part.turns] + width * (np.array(part.centre) @ turn)
        _draw_ellipsoid(z, centre, width * np.array(part.half), turn)
    inside = np.isfinite(face)
    if not inside.any():
        return z
    return _joined(z, inside, face, width)


def _frame(mesh: np.ndarray) -> tuple[float, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the width of the face, its axes (right, down, away), chin and middle of the ears."""
    across, down = mesh[LEFT_EAR] - mesh[RIGHT_EAR], mesh[CHIN] - mesh[HAIRLINE]
    width = float(np.linalg.norm(across))
    right = across / max(width, 1e-9)
    down = down - (down @ right) * right
    down /= max(float(np.linalg.norm(down)), 1e-9)
    middle = (mesh[LEFT_EAR] + mesh[RIGHT_EAR]) / 2
    chin = np.array([*mesh[CHIN, :2], middle[2]])
    return width, np.stack([right, down, np.cross(right, down)]), (chin, middle)


def _draw_ellipsoid(z: np.ndarray, centre: np.ndarray, half: np.ndarray, turn: np.ndarray) -> None:
    """Draw an ellipsoid's near side into `z` wherever it is nearer.

    |S (p - centre)| = 1, where S turns and scales, is a quadratic equation in z at each pixel.
    """
    scaled = turn / half[:, None]
    quadric = scaled.T @ scaled
    # How far the outline reaches along x and y: each axis adds its part squared.
    reach = np.sqrt(((half[:, None] * turn) ** 2).sum(axis=0))[:2]
    limit = np.array(z.shape[::-1])
    left, top = np.clip(np.floor(centre[:2] - reach), 0, limit).astype(int)
    right, bottom = np.clip(np.ceil(centre[:2] + reach), 0, limit).astype(int)
    x = np.arange(left, right) + (0.5 - centre[0])
    y = np.arange(top, bottom) + (0.5 - centre[1])
    # The near root: a plane less the square root of a quadratic form.
    q = quadric / quadric[2, 2]
    xx, xy, yy = q[0, 2] ** 2 - q[0, 0], q[0, 2] * q[1, 2] - q[0, 1], q[1, 2] ** 2 - q[1, 1]
    # In place, here and below: fresh memory costs more than what is done with it.
    front = np.multiply.outer(_column(2 * xy * y)[:, 0], x.astype(np.float32))
    front += (xx * x * x + 1 / quadric[2, 2]).astype(np.float32)
    front += _column(yy * y * y)
    with np.errstate(invalid="ignore"):  # no number outside the outline, and `fmin` passes it over
        np.sqrt(front, out=front)
    np.subtract((centre[2] - q[0, 2] * x).astype(np.float32), front, out=front)
    front -= _column(q[1, 2] * y)
    view = z[top:bottom, left:right]
    np.fmin(view, front, out=view)


def _column(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)[:, None]


def _blurred(field: np.ndarray, sigma: float) -> np.ndarray:
    """Blur (H, W, C) with a Gaussian, on a coarser grid where that makes no visible difference."""
    height, width = field.shape[:2]
    step = max(1, int(sigma / 2))
    grid = max(1, width // step), max(1, height // step)
    small = cv2.resize(field, grid, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(sigma / step, 0.3))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _joined(z: np.ndarray, inside: np.ndarray, face: np.ndarray, width: float) -> np.ndarray:
    """Join `z`, in place, to the face's edge; it is nowhere nearer than the edge.

    width: of the face, pixels.
    """
    if inside.all():
        return z
    base, away = _edge_fields(inside, face, width)
    # z = base + max(z - base, 0) * away; where nothing is, infinity stays.
    z -= base
    np.maximum(z, 0, out=z)
    z *= away
    z += base
    np.copyto(z, face, where=inside, casting="same_kind")
    return z


def _edge_fields(
    inside: np.ndarray, face: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the z of the face's edge spread outwards, and the part of it that is left, in (0, 1].

    Both change over a good part of the face's width, and are computed on a coarser grid.
    """
    height, across = inside.shape
    step = min(max(1, int(width / _CELLS)), _COARSEST)
    grid = max(1, across // step), max(1, height // step)
    covered = inside.astype(np.float32)
    shown = cv2.resize(covered, grid, interpolation=cv2.INTER_AREA)
    np.copyto(covered, face, where=inside, casting="same_kind")
    depth = cv2.resize(covered, grid, interpolation=cv2.INTER_AREA)
    touched = shown > 0
    np.divide(depth, shown, out=depth, where=touched)
    outside = ~touched
    distance, labels = cv2.distanceTransformWithLabels(
        outside.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # Labels number the face's pixels; each pixel outside carries its nearest one's.
    edge = np.zeros(labels.max() + 1, np.float32)
    edge[labels[touched]] = depth[touched]
    # Where the face falls off steeply, one pixel of the edge may be much farther than the next:
    # spread outwards as they are, they make streaks.
    weight = outside.astype(np.float32)
    nearest = edge.take(np.asarray(labels)) * weight
    spread = _blurred(cv2.merge([nearest, weight]), _SMOOTH * width / step)
    base = spread[..., 0] / np.maximum(spread[..., 1], 1e-6)
    away = 1 - np.exp(distance * np.float32(-step / max(_FADE * width, 1e-6)))
    np.maximum(away, 1e-6, out=away)  # infinity times 0 would be no number
    return cv2.resize(base, (across, height), dst=covered), cv2.resize(away, (across, height))
