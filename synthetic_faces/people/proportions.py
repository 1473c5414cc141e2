"""Who a face is: its proportions, drawn so that they go together as in people.

Four things a face has as a whole shift many of its parts: how masculine it is, its age, its weight
and whether it is long. Lips and nose each have a size of their own that their parts share. What is
left of each part is its own. Skin tone is drawn apart and moves none of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from synthetic_faces.randomness import stream
from synthetic_faces.ranges import RANGES

GROUPS = ("shape", "eyes", "brows", "nose", "mouth")
REACH = 2.2  # spreads beyond which nothing is drawn


class Trait(NamedTuple):
    """How one parameter is spread over people.

    mean, spread: of what is its own. masculine, age: added at 1 and taken away at 0, by half.
    weight, long, lips, nose: added for each standard deviation of these.
    """

    mean: float
    spread: float
    masculine: float = 0.0
    age: float = 0.0
    weight: float = 0.0
    long: float = 0.0
    lips: float = 0.0
    nose: float = 0.0


TRAITS: dict[str, Trait] = {
    "shape.width": Trait(1.0, 0.032, masculine=0.03, weight=0.012, long=-0.016),
    "shape.jaw": Trait(1.0, 0.055, masculine=0.12, weight=0.018, long=-0.012),
    "shape.chin_width": Trait(1.0, 0.13, masculine=0.30, weight=0.04),
    "shape.chin_length": Trait(1.0, 0.062, masculine=0.12, long=0.042),
    "shape.chin_depth": Trait(0.02, 0.033, masculine=0.06, weight=-0.008),
    "shape.middle_length": Trait(1.0, 0.04, long=0.03),
    "shape.philtrum": Trait(1.0, 0.085, masculine=0.10, age=0.08, long=0.03),
    "shape.forehead": Trait(1.0, 0.036, long=0.016),
    "shape.slope": Trait(0.025, 0.022, masculine=0.05),
    "shape.temples": Trait(0.0, 0.02, age=-0.015, weight=0.008),
    "shape.brow_ridge": Trait(0.95, 0.28, masculine=0.9),
    "shape.occiput": Trait(1.0, 0.045),
    "shape.cheekbones": Trait(0.02, 0.023, masculine=-0.03, weight=-0.006),
    "shape.fullness": Trait(0.0, 0.026, masculine=-0.02, age=-0.02, weight=0.034),
    "shape.ear_size": Trait(1.0, 0.09, masculine=0.06, age=0.12),
    "shape.ear_angle": Trait(28.0, 9.0, masculine=4.0),
    "shape.neck": Trait(0.62, 0.026, masculine=0.13, weight=0.02),
    "eyes.spacing": Trait(1.0, 0.034),
    "eyes.size": Trait(1.02, 0.053, masculine=-0.08, age=-0.03),
    "eyes.opening": Trait(1.05, 0.14, masculine=-0.15, age=-0.12),
    "eyes.tilt": Trait(3.0, 3.8, masculine=-1.0, age=-3.0),
    "eyes.depth": Trait(1.0, 0.21, masculine=0.30, age=0.15, weight=-0.05),
    "eyes.bags": Trait(0.4, 0.15, age=0.6, weight=0.04),
    "eyes.iris_size": Trait(1.0, 0.03),
    "brows.height": Trait(0.02, 0.022, masculine=-0.05, age=-0.02),
    "brows.arch": Trait(0.045, 0.021, masculine=-0.05),
    "brows.slope": Trait(0.0, 0.038, age=0.03),
    "brows.length": Trait(1.0, 0.06),
    "brows.thickness": Trait(0.072, 0.016, masculine=0.035, age=-0.01),
    "nose.width": Trait(1.0, 0.1, masculine=0.12, age=0.06, nose=0.06),
    "nose.wings": Trait(1.0, 0.1, nose=0.04),
    "nose.height": Trait(1.0, 0.1, masculine=0.06, nose=0.07),
    "nose.root": Trait(1.0, 0.2, masculine=0.12),
    "nose.bridge": Trait(1.0, 0.14, masculine=0.08, nose=0.05),
    "nose.tip": Trait(1.0, 0.16, age=0.08, nose=0.05),
    "nose.bump": Trait(0.0, 0.019, masculine=0.015),
    "nose.turn": Trait(0.002, 0.023, masculine=-0.012, age=-0.02),
    "mouth.width": Trait(1.0, 0.075, masculine=0.04, long=-0.01),
    "mouth.upper": Trait(1.0, 0.12, masculine=-0.25, age=-0.25, lips=0.16),
    "mouth.lower": Trait(1.0, 0.09, masculine=-0.15, age=-0.15, lips=0.13),
    "mouth.protrusion": Trait(0.005, 0.014, lips=0.012),
}


def identity(masculine: float, age: float, seed: int, id: int | str) -> dict[str, dict[str, Any]]:
    """Values of the traits as `{group: {field: value}}`: a pure function of the arguments.

    masculine, age: in [0, 1]. Beside `TRAITS` it has the fold of the lids, the density of the
    brows, Cupid's bow and the cleft of the chin, which are not normal.
    """
    rng = stream(seed, id, "identity")
    weight, long, lips, nose = np.clip(rng.standard_normal(4), -REACH, REACH)
    own = np.clip(rng.standard_normal(len(TRAITS)), -REACH, REACH)
    shared = np.array([masculine - 0.5, age - 0.5, weight, long, lips, nose])
    values: dict[str, dict[str, Any]] = {group: {} for group in GROUPS}
    for (name, trait), noise in zip(TRAITS.items(), own):
        value = trait.mean + trait.spread * noise + float(np.dot(trait[2:], shared))
        group, field = name.split(".")
        allowed = RANGES[name]
        values[group][field] = float(np.clip(value, allowed.low, allowed.high))
    values["eyes"]["crease"] = float(rng.uniform(0, 1))
    values["brows"]["density"] = float(np.clip(rng.uniform(0.45, 1.05) - 0.15 * age, 0.35, 1))
    values["mouth"]["bow"] = float(rng.uniform(0.2, 1.2))
    cleft = rng.random() < 0.06 + 0.2 * masculine
    values["shape"]["chin_cleft"] = float(rng.uniform(0.3, 1)) if cleft else 0.0
    return values
