"""Faces whose parameters stand at the ends of their ranges, many at once."""

import warnings

import numpy as np
import pytest

from synthetic_faces import STYLES, render_parameters
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.ranges import RANGES, changed

PLAIN = [
    name
    for name in RANGES
    if name.count(".") == 1  # a number of its own, neither a colour's part nor a mole's
]


@pytest.mark.parametrize("number", [3, 54, *range(100, 110)])
def test_a_face_at_its_limits_is_drawn_whole(number: int):
    """Without a warning, that is: no division by zero, nothing that is not a number."""
    draws = np.random.default_rng(number)
    chosen = [name for name in PLAIN if draws.random() < 0.3]
    ends = {name: draws.choice([RANGES[name].low, RANGES[name].high]) for name in chosen}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        face = render_parameters(changed(sample_person(0, number), ends), 0, number, 64)
        drawings = [face.sketch(style) for style in STYLES]
    assert np.isfinite(face.landmarks).all()
    assert np.isfinite(face.depth).all()
    assert face.depth.max() == pytest.approx(1, abs=1e-3)
    assert np.unique(face.labels).size > 4
    assert all(drawing.std() > 4 for drawing in drawings)
