"""Expressions: sampled apart from identity, so that one person can show many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from synthetic_faces.face_parameters import Parameters
from synthetic_faces.randomness import stream
from synthetic_faces.ranges import changed

Span = tuple[float, float]
BLINK, WINK = 0.015, 0.006  # how many faces have both eyes closed, or one


class Kind(NamedTuple):
    """An expression: the share of faces that show it, and the span of each of its parameters.

    opening: of the mouth. inner, outer: how far brows are raised there. lids: their opening.
    """

    share: float
    smile: Span
    opening: Span = (0.0, 0.0)
    inner: Span = (-0.15, 0.15)
    outer: Span = (-0.15, 0.15)
    frown: Span = (0.0, 0.15)
    lids: Span = (0.9, 1.05)


EXPRESSIONS = {
    "rest": Kind(0.36, smile=(-0.12, 0.3)),
    "smile": Kind(0.22, smile=(0.3, 0.9), outer=(0, 0.3), frown=(0, 0.1), lids=(0.82, 1)),
    "laugh": Kind(
        0.20, (0.55, 1), opening=(0.04, 0.15), inner=(0, 0.35), outer=(0, 0.4), lids=(0.68, 0.95)
    ),
    "lips apart": Kind(0.08, smile=(-0.1, 0.4), opening=(0.03, 0.12), lids=(0.85, 1.1)),
    "surprise": Kind(
        0.04, (-0.1, 0.3), opening=(0.08, 0.3), inner=(0.5, 1), outer=(0.5, 1), lids=(1.05, 1.25)
    ),
    "anger": Kind(
        0.04, (-0.45, -0.1), (0, 0.03), inner=(-1, -0.45), outer=(0, 0.5), frown=(0.5, 1)
    ),
    "grief": Kind(
        0.03, (-0.55, -0.2), (0, 0.03), (0.5, 1), (-0.6, -0.2), frown=(0.3, 0.8), lids=(0.72, 0.92)
    ),
    "doubt": Kind(
        0.03, (-0.3, 0.15), inner=(-0.3, 0.2), outer=(0.2, 0.9), frown=(0.2, 0.6), lids=(0.75, 1)
    ),
}


def express(parameters: Parameters, seed: int, id: int | str) -> Parameters:
    """Return the parameters with a random expression: a pure function of the arguments.

    Mouth, brows and lids go together as `EXPRESSIONS` says. The gaze varies a little, and turns
    part of the way back to the viewer where the head is turned.
    """
    rng = stream(seed, id, "expression")
    names = list(EXPRESSIONS)
    weights = np.array([kind.share for kind in EXPRESSIONS.values()])
    spans = EXPRESSIONS[names[rng.choice(len(names), p=weights / weights.sum())]][1:]
    smile, opening, inner, outer, frown, lid = (float(rng.uniform(*span)) for span in spans)
    apart = 0.03 * np.clip(rng.normal(0, 1, 2), -2, 2)
    lids = np.clip(lid + apart, 0.6, 1.3)
    closing = rng.random()
    if closing < BLINK:
        lids = np.zeros(2)
    elif closing < BLINK + WINK:
        lids[rng.integers(2)] = 0.0
    view = parameters.view
    back = rng.uniform(0.0, 0.8)
    gaze_x = 0.1 * rng.standard_normal() - 0.5 * back * np.sin(np.radians(view.yaw))
    gaze_y = 0.02 + 0.05 * rng.standard_normal() + 0.4 * back * np.sin(np.radians(view.pitch))
    return changed(
        parameters,
        {
            "mouth.smile": smile,
            "mouth.opening": opening,
            "brows.raise_inner": inner,
            "brows.raise_outer": outer,
            "brows.frown": frown,
            "eyes.lid_right": float(lids[0]),
            "eyes.lid_left": float(lids[1]),
            "eyes.gaze_x": float(np.clip(gaze_x, -0.4, 0.4)),
            "eyes.gaze_y": float(np.clip(gaze_y, -0.2, 0.2)),
        },
    )
