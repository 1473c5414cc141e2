"""Faces in plain dress, with what a test changes of them."""

import numpy as np

from synthetic_faces import Rendering, render_parameters
from synthetic_faces.face_parameters import Parameters
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.ranges import changed

SIZE = 96
FRONT = {"view.yaw": 0.0, "view.pitch": 0.0, "view.roll": 0.0}
TURNS = [(0, 0), (45, 0), (-45, 0), (0, 20), (0, -20), (30, -15)]
PLAIN = {
    **FRONT,
    "wear.hat": "none",
    "wear.glasses": "none",
    "wear.necklace": "none",
    "wear.earrings": 0.0,
    "hair.style": "short",
    "hair.cap": 1.0,
    "hair.top": 0.18,
    "hair.side": 0.07,
    "hair.fringe": 0.05,
    "hair.length": 0.0,
    "hair.bun": 0.0,
    "hair.curl": 0.0,
    "hair.beard_length": 0.0,
    "eyes.lid_right": 1.0,
    "eyes.lid_left": 1.0,
}


def parameters(id: int, **changes: object) -> Parameters:
    """Face `id`, plain; a change is named `wear__hat` for `wear.hat`."""
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return changed(sample_person(0, id), {**PLAIN, **named})


def face(id: int, size: int = SIZE, **changes: object) -> Rendering:
    """The same, rendered."""
    return render_parameters(parameters(id, **changes), 0, id, size)


def near(mask: np.ndarray, reach: int = 1) -> np.ndarray:
    """A mask grown by `reach` pixels."""
    grown = np.pad(mask, reach)
    span = range(-reach, reach + 1)
    rolled = [np.roll(grown, (dy, dx), (0, 1)) for dy in span for dx in span]
    return np.any(rolled, axis=0)[reach:-reach, reach:-reach]


def rows(it: Rendering, *names: int) -> np.ndarray:
    """Row of every pixel of these classes."""
    return np.nonzero(np.isin(it.labels, names))[0]
