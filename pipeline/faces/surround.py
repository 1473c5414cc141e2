"""What lies behind a face mesh: hair, neck and shoulders, as three ellipsoids.

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


def behind(mesh: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Depth of a face with its surroundings.

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
        _lay_in_front(z, centre, width * np.array(part.half), turn)
    inside = np.isfinite(face)
    if not inside.any():
        return z
    z[inside] = face[inside]
    return _joined(z, inside, face, width)


def _frame(mesh: np.ndarray) -> tuple[float, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Width of the face, its axes (rows: right, down, away), chin and middle of the ears."""
    across, down = mesh[LEFT_EAR] - mesh[RIGHT_EAR], mesh[CHIN] - mesh[HAIRLINE]
    width = float(np.linalg.norm(across))
    right = across / max(width, 1e-9)
    down = down - (down @ right) * right
    down /= max(float(np.linalg.norm(down)), 1e-9)
    middle = (mesh[LEFT_EAR] + mesh[RIGHT_EAR]) / 2
    chin = np.array([*mesh[CHIN, :2], middle[2]])
    return width, np.stack([right, down, np.cross(right, down)]), (chin, middle)


def _lay_in_front(z: np.ndarray, centre: np.ndarray, half: np.ndarray, turn: np.ndarray) -> None:
    """Put an ellipsoid's near side into `z` wherever it is nearer.

    |S (p - centre)| = 1, where S turns and scales, is a quadratic equation in z at each pixel.
    """
    scaled = turn / half[:, None]
    quadric = scaled.T @ scaled
    # How far the outline reaches along x and y: each axis adds its part squared.
    reach = np.sqrt(((half[:, None] * turn) ** 2).sum(axis=0))[:2]
    limit = np.array(z.shape[::-1])
    left, top = np.clip(np.floor(centre[:2] - reach), 0, limit).astype(int)
    right, bottom = np.clip(np.ceil(centre[:2] + reach), 0, limit).astype(int)
    x = np.arange(left, right, dtype=np.float32)[None] + np.float32(0.5 - centre[0])
    y = np.arange(top, bottom, dtype=np.float32)[:, None] + np.float32(0.5 - centre[1])
    a, q = float(quadric[2, 2]), quadric.astype(np.float32)
    # In place, here and below: at 1,024 pixels fresh memory costs more than what is done with it.
    b = q[0, 2] * x + q[1, 2] * y
    c = 2 * q[0, 1] * x * y
    c += q[0, 0] * x * x
    c += q[1, 1] * y * y
    c -= 1
    c *= np.float32(a)
    root = np.subtract(b * b, c, out=c)
    hit = root >= 0
    front = np.sqrt(np.maximum(root, 0, out=root), out=root)
    front += b
    front /= np.float32(a)
    np.subtract(np.float32(centre[2]), front, out=front)
    view = z[top:bottom, left:right]
    hit &= front < view
    np.copyto(view, front, where=hit)


def _blurred(field: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur of (H, W, C), on a coarser grid where that shows nothing."""
    height, width = field.shape[:2]
    step = max(1, int(sigma / 2))
    grid = max(1, width // step), max(1, height // step)
    small = cv2.resize(field, grid, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(sigma / step, 0.3))
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def _joined(z: np.ndarray, inside: np.ndarray, face: np.ndarray, width: float) -> np.ndarray:
    """`z`, which is changed, joined to the face's edge, and nowhere nearer than it.

    width: of the face, pixels.
    """
    outside = ~inside
    around = np.isfinite(z) & outside
    if not around.any():
        return z
    distance, labels = cv2.distanceTransformWithLabels(
        outside.view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # Labels number the face's pixels; each pixel outside carries its nearest one's.
    edge = np.zeros(labels.max() + 1, np.float32)
    edge[labels[inside]] = face[inside]
    nearest = edge.take(np.asarray(labels))
    # Where the face falls off steeply, one pixel of the edge may be much farther than the next:
    # spread outwards as they are, they make streaks.
    weight = outside.astype(np.float32)
    nearest *= weight
    spread = _blurred(cv2.merge([nearest, weight]), _SMOOTH * width)
    base = np.divide(spread[..., 0], np.maximum(spread[..., 1], 1e-6, out=weight), out=weight)
    distance /= -(_FADE * width)
    away = np.subtract(1, np.exp(distance, out=distance), out=distance)
    joined = np.subtract(z, base, out=nearest)
    np.maximum(joined, 0, out=joined)
    with np.errstate(invalid="ignore"):  # infinite where nothing is, and nothing is written there
        joined *= away
    joined += base
    np.copyto(z, joined, where=around)
    return z
