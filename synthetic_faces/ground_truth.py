"""The exact ground truth of a rendered face: 68 iBUG landmarks, label map and depth."""

from __future__ import annotations

import numpy as np

from synthetic_faces.figure import glasses
from synthetic_faces.figure.anatomy import SIDES, Anatomy, Eye
from synthetic_faces.geometry.shapes import smoothstep
from synthetic_faces.geometry.zbuffer import Geometry
from synthetic_faces.looks import attire
from synthetic_faces.looks.materials import Material
from synthetic_faces.scene import Scene

JAW_HEIGHTS = np.array([0.06, 0.28, 0.58, 0.82, 1.04, 1.255, 1.44, 1.545])  # average head, 0-7
# Sample numbers on the lids (33, outer to inner corner), lips (41, left to right), brows (25).
LID = (10, 20)
UPPER, LOWER = (0, 8, 14, 20, 26, 32, 40), (34, 26, 20, 14, 6)
BROW = (24, 20, 14, 8, 0)
LANDMARK_SLACK = 0.05  # head units: lids and lips bulge between the vertices of the mesh
CONTOUR = 17  # landmarks 0-16 slide along the head with the outline; the others stay on the skin
FARTHEST_Z = -1.6  # world z of the far end of the body, in head units
LEAST_DEPTH = 0.04  # depth there: what is covered never reads as background


def landmarks(scene: Scene, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Return landmarks (68, 2) in widths of the picture, and (68,) bool, whether visible.

    The jaw follows the visible outline: where a side turns away, its points slide to the edge. A
    point is hidden where the z-buffer holds something nearer: the nose, the turned head itself,
    a beard, hair, an ear, a hat, a rim of glasses. Lenses are seen through. Points on an edge count
    as visible.
    """
    points = points_3d(scene)
    projected = scene.camera.project(points)
    cells = np.round(geometry.cells(projected)).astype(int)
    inside = ((cells >= 0) & (cells < geometry.side)).all(1)
    columns, rows = np.clip(cells, 1, geometry.side - 2).T
    # The farthest of nine samples: beside an edge one of them lies beyond it.
    around = [geometry.z[rows + i, columns + k] for i in (-1, 0, 1) for k in (-1, 0, 1)]
    return projected, inside & (points[:, 2] > np.min(around, axis=0) - LANDMARK_SLACK)


def points_3d(scene: Scene) -> np.ndarray:
    """Return the landmarks in the world, (68, 3) in head units.

    Those from `CONTOUR` on are points of the skin: they turn with the head.
    """
    left, right = (_jaw(scene, side) for side in SIDES)
    chin = _jaw(scene, 0)
    inner = scene.camera.to_world(scene.surface.at(_inner_points(scene.anatomy)))
    return np.concatenate([left, chin, right[::-1], inner])


def _jaw(scene: Scene, side: int) -> np.ndarray:
    """Return (8, 3): from the ear downward; side 0 is the chin alone, (1, 3).

    Each point has a path over the edge of the jaw, level at the ear and upright at the chin, and
    takes the outermost visible point of it.
    """
    anatomy, roll = scene.anatomy, np.radians(scene.parameters.view.roll)
    heights = anatomy.stretched(JAW_HEIGHTS) if side else np.array([anatomy.y_chin - 1e-3])
    down = smoothstep(0.5, 1.0, np.linspace(0, 1, 9))[:-1] if side else np.ones(1)
    step = np.linspace(0, 1, 41)
    y = heights[:, None] - 0.34 * down[:, None] * step
    theta = side * np.radians(84 - 40 * (1 - 0.6 * down[:, None]) * step)
    world = scene.camera.to_world(scene.surface.around(theta, y))
    projected = scene.camera.project(world)
    outward = np.stack([side * (1 - 0.7 * down), down], axis=1)
    turned = outward @ np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    edge = np.argmax(np.einsum("isk,ik->is", projected, turned), axis=1)
    return world[np.arange(len(heights)), edge]


def _inner_points(anatomy: Anatomy) -> np.ndarray:
    """Return points 17-67 in the face plane, (51, 2)."""
    left, right = (anatomy.brows[k][list(BROW), :2] for k in (0, 1))
    lips = anatomy.lips
    mouth = [
        lips.upper_outer[list(UPPER)],
        lips.lower_outer[list(LOWER)],
        lips.upper_inner[[2, 15, 20, 25, 38]],
        lips.lower_inner[[25, 20, 15]],
    ]
    eyes = [_eye(anatomy.eyes[0]), _eye(anatomy.eyes[1])[[3, 2, 1, 0, 5, 4]]]
    return np.concatenate([left, right[::-1], _nose(anatomy), *eyes, *mouth])


def _nose(anatomy: Anatomy) -> np.ndarray:
    p = anatomy.parameters
    bridge = np.array([-0.06, 0.14, 0.29, 0.45]) * p.shape.middle_length
    x = np.array([-0.205, -0.125, 0.0, 0.125, 0.205]) * p.nose.width
    y = anatomy.y_nose + np.array([-0.05, -0.005, 0.01, -0.005, -0.05])
    return np.concatenate([np.stack([0 * bridge, bridge], 1), np.stack([x, y], 1)])


def _eye(eye: Eye) -> np.ndarray:
    """Return (6, 2): outer corner, upper lid, inner corner, lower lid, in that order."""
    near, far = LID
    lids = [eye.upper[near], eye.upper[far], eye.inner, eye.lower[far], eye.lower[near]]
    return np.stack([eye.outer, *lids])


def labels(
    geometry: Geometry, material: Material, face_glasses: glasses.Glasses | None
) -> np.ndarray:
    """Return the label map of a canvas, (side, side) uint8, lenses included."""
    label_map = geometry.map(material.label)
    if face_glasses is not None:
        attire.label_lenses(face_glasses, label_map)
    return label_map


def depth(geometry: Geometry) -> np.ndarray:
    """Return (size, size) float32 in [0, 1]: 1 at the nearest point, 0 for the background.

    World z is scaled; the far end of the body stays above 0.
    """
    z = geometry.lattice.centres(geometry.z)
    scaled = LEAST_DEPTH + (1 - LEAST_DEPTH) * np.clip(
        (z - FARTHEST_Z) / (z.max() - FARTHEST_Z), 0, 1
    )
    return np.where(np.isfinite(z), scaled, 0).astype(np.float32)
