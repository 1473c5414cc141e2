"""The 68 iBUG landmarks, read off the anatomy and projected: exact by construction."""

from __future__ import annotations

import numpy as np

from pipeline.synthetic.anatomy import SIDES, Anatomy, Eye
from pipeline.synthetic.scene import Scene

JAW_HEIGHTS = np.array([0.06, 0.28, 0.58, 0.82, 1.04, 1.255, 1.44, 1.545])  # average head, 0-7
# Sample numbers on the lids (33, outer to inner corner), lips (41, left to right), brows (25).
LID = (10, 20)
UPPER, LOWER = (0, 8, 14, 20, 26, 32, 40), (34, 26, 20, 14, 6)
BROW = (24, 20, 14, 8, 0)


def landmarks(scene: Scene) -> np.ndarray:
    """(68, 2) in widths of the picture.

    The jaw follows the visible outline: where a side turns away, its points slide to the edge.
    """
    anatomy = scene.anatomy
    inner = scene.project(scene.surface.at(_inner_points(anatomy)))
    chin = np.array([[0.0, anatomy.y_chin - 1e-3]])
    left, right = (_jaw(scene, side) for side in SIDES)
    bottom = scene.project(scene.surface.at(chin))
    return np.concatenate([left, bottom, right[::-1], inner])


def _jaw(scene: Scene, side: int) -> np.ndarray:
    """(8, 2): from the ear downward."""
    heights = scene.anatomy.stretched(JAW_HEIGHTS)
    theta = side * np.radians(np.linspace(45, 84, 40))
    seen = scene.project(scene.surface.around(theta[None, :], heights[:, None]))
    edge = np.argmax(side * seen[..., 0], axis=1)
    return seen[np.arange(len(heights)), edge]


def _inner_points(anatomy: Anatomy) -> np.ndarray:
    """(51, 2): points 17-67 in the face plane."""
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
    bridge = np.array([-0.09, 0.11, 0.26, 0.43]) * p.shape.middle_length
    x = np.array([-0.205, -0.125, 0.0, 0.125, 0.205]) * p.nose.width
    y = anatomy.y_nose + np.array([-0.05, -0.005, 0.01, -0.005, -0.05])
    return np.concatenate([np.stack([0 * bridge, bridge], 1), np.stack([x, y], 1)])


def _eye(eye: Eye) -> np.ndarray:
    """(6, 2): outer corner, along the upper lid, inner corner, back along the lower lid."""
    near, far = LID
    lids = [eye.upper[near], eye.upper[far], eye.inner, eye.lower[far], eye.lower[near]]
    return np.stack([eye.outer, *lids])
