"""Identity: the proportions of a face, sampled so that they correlate as in people.

Four factors shift many proportions: masculinity, age, weight and length of the face. The parts of
the lips share one size factor, and so do those of the nose. The rest of each proportion varies
independently. Skin tone is sampled separately and affects none of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from synthetic_faces.randomness import stream
from synthetic_faces.ranges import RANGES

IDENTITY_GROUPS = ("shape", "eyes", "brows", "nose", "mouth")
NORMAL_LIMIT = 2.2  # standard deviations at which normal values are cut off


class Distribution(NamedTuple):
    """How one parameter is distributed over people.

    mean, spread: of the part that varies independently. masculine, age: difference between a
    factor of 1 and of 0. weight, long, lips, nose: added per standard deviation of these factors.
    """

    mean: float
    spread: float
    masculine: float = 0.0
    age: float = 0.0
    weight: float = 0.0
    long: float = 0.0
    lips: float = 0.0
    nose: float = 0.0


DISTRIBUTIONS: dict[str, Distribution] = {
    "shape.width": Distribution(1.0, 0.032, masculine=0.03, weight=0.012, long=-0.016),
    "shape.jaw": Distribution(1.0, 0.055, masculine=0.12, weight=0.018, long=-0.012),
    "shape.chin_width": Distribution(1.0, 0.13, masculine=0.30, weight=0.04),
    "shape.chin_length": Distribution(1.0, 0.062, masculine=0.12, long=0.042),
    "shape.chin_depth": Distribution(0.02, 0.033, masculine=0.06, weight=-0.008),
    "shape.middle_length": Distribution(1.0, 0.04, long=0.03),
    "shape.philtrum": Distribution(1.0, 0.085, masculine=0.10, age=0.08, long=0.03),
    "shape.forehead": Distribution(1.0, 0.036, long=0.016),
    "shape.slope": Distribution(0.025, 0.022, masculine=0.05),
    "shape.temples": Distribution(0.0, 0.02, age=-0.015, weight=0.008),
    "shape.brow_ridge": Distribution(0.95, 0.28, masculine=0.9),
    "shape.occiput": Distribution(1.0, 0.045),
    "shape.cheekbones": Distribution(0.02, 0.023, masculine=-0.03, weight=-0.006),
    "shape.fullness": Distribution(0.0, 0.026, masculine=-0.02, age=-0.02, weight=0.034),
    "shape.ear_size": Distribution(1.0, 0.09, masculine=0.06, age=0.12),
    "shape.ear_angle": Distribution(28.0, 9.0, masculine=4.0),
    "shape.neck": Distribution(0.62, 0.026, masculine=0.13, weight=0.02),
    "eyes.spacing": Distribution(1.0, 0.034),
    "eyes.size": Distribution(1.02, 0.053, masculine=-0.08, age=-0.03),
    "eyes.opening": Distribution(1.05, 0.14, masculine=-0.15, age=-0.12),
    "eyes.tilt": Distribution(3.0, 3.8, masculine=-1.0, age=-3.0),
    "eyes.depth": Distribution(1.0, 0.21, masculine=0.30, age=0.15, weight=-0.05),
    "eyes.bags": Distribution(0.4, 0.15, age=0.6, weight=0.04),
    "eyes.iris_size": Distribution(1.0, 0.03),
    "brows.height": Distribution(0.02, 0.022, masculine=-0.05, age=-0.02),
    "brows.arch": Distribution(0.045, 0.021, masculine=-0.05),
    "brows.slope": Distribution(0.0, 0.038, age=0.03),
    "brows.length": Distribution(1.0, 0.06),
    "brows.thickness": Distribution(0.072, 0.016, masculine=0.035, age=-0.01),
    "nose.width": Distribution(1.0, 0.1, masculine=0.12, age=0.06, nose=0.06),
    "nose.wings": Distribution(1.0, 0.1, nose=0.04),
    "nose.height": Distribution(1.0, 0.1, masculine=0.06, nose=0.07),
    "nose.root": Distribution(1.0, 0.2, masculine=0.12),
    "nose.bridge": Distribution(1.0, 0.14, masculine=0.08, nose=0.05),
    "nose.tip": Distribution(1.0, 0.16, age=0.08, nose=0.05),
    "nose.bump": Distribution(0.0, 0.019, masculine=0.015),
    "nose.turn": Distribution(0.002, 0.023, masculine=-0.012, age=-0.02),
    "mouth.width": Distribution(1.0, 0.075, masculine=0.04, long=-0.01),
    "mouth.upper": Distribution(1.0, 0.12, masculine=-0.25, age=-0.25, lips=0.16),
    "mouth.lower": Distribution(1.0, 0.09, masculine=-0.15, age=-0.15, lips=0.13),
    "mouth.protrusion": Distribution(0.005, 0.014, lips=0.012),
}


def identity(masculine: float, age: float, seed: int, id: int | str) -> dict[str, dict[str, Any]]:
    """Sample a face's proportions as `{group: {field: value}}`: a pure function of the arguments.

    masculine, age: in [0, 1]. Besides those of `DISTRIBUTIONS`: the fold of the lids, the density
    of the brows, Cupid's bow and the cleft of the chin, which are not normally distributed.
    """
    rng = stream(seed, id, "identity")
    weight, long, lips, nose = np.clip(rng.standard_normal(4), -NORMAL_LIMIT, NORMAL_LIMIT)
    independent = np.clip(rng.standard_normal(len(DISTRIBUTIONS)), -NORMAL_LIMIT, NORMAL_LIMIT)
    shared = np.array([masculine - 0.5, age - 0.5, weight, long, lips, nose])
    values: dict[str, dict[str, Any]] = {group: {} for group in IDENTITY_GROUPS}
    for (name, distribution), noise in zip(DISTRIBUTIONS.items(), independent):
        value = (
            distribution.mean
            + distribution.spread * noise
            + float(np.dot(distribution[2:], shared))
        )
        group, field = name.split(".")
        allowed = RANGES[name]
        values[group][field] = float(np.clip(value, allowed.low, allowed.high))
    values["eyes"]["crease"] = float(rng.uniform(0, 1))
    values["brows"]["density"] = float(np.clip(rng.uniform(0.45, 1.05) - 0.15 * age, 0.35, 1))
    values["mouth"]["bow"] = float(rng.uniform(0.2, 1.2))
    cleft = rng.random() < 0.06 + 0.2 * masculine
    values["shape"]["chin_cleft"] = float(rng.uniform(0.3, 1)) if cleft else 0.0
    return values
