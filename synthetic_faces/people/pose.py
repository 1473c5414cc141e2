"""How a head is held and framed."""

from __future__ import annotations

import numpy as np

from synthetic_faces.geometry.camera import OUTER_EYES
from synthetic_faces.parameters import Hair, View
from synthetic_faces.streams import stream

FRONTAL = 20.0  # degrees of yaw within which a face counts as frontal
CROWN = 1.54  # head units from the eyes to the top of the skull
TURNED = 0.25  # how many faces are turned further


def pose(hair: Hair, seed: int, id: int | str) -> View:
    """The view of a face: a pure function of its arguments.

    Three quarters of the heads are within 20 degrees of yaw; the rest are spread out to 45, fewer
    as they turn further. Who turns also tends to tilt and to nod more.
    """
    rng = stream(seed, id, "pose")
    side = float(rng.choice([-1, 1]))
    if rng.random() < TURNED:
        yaw = side * (FRONTAL + (45 - FRONTAL) * float(rng.beta(1.1, 1.6)))
    else:
        yaw = side * min(abs(float(rng.normal(0, 9.5))), FRONTAL)
    looser = 1 + abs(yaw) / 45
    pitch = float(np.clip(rng.normal(-1, 4.4 * looser), -20, 20))
    roll = float(np.clip(0.06 * yaw + rng.normal(0, 3.2 * looser), -15, 15))
    distance = float(rng.uniform(0.302, 0.335))
    turn = np.sin(np.radians(yaw))
    # Tall hair needs room above it, and a turned head room behind it.
    height = max(hair.top, 1.5 * hair.bun)
    distance -= 0.05 * max(height - 0.2, 0)
    # Who looks down shows the crown, which lies behind the eyes.
    crown = CROWN + 0.8 * height + 1.5 * np.sin(np.radians(-pitch))
    eye_y = 0.03 + distance / OUTER_EYES * crown + rng.normal(0, 0.006)
    return View(
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        eye_x=float(0.5 + 0.10 * turn + 0.012 * np.clip(rng.normal(), -2, 2)),
        eye_y=float(np.clip(eye_y, 0.38, 0.52)),
        eye_distance=distance,
    )
