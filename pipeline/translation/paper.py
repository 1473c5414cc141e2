"""The paper of sketches: white, or as grey as that of the sketches that a network learned from."""

from __future__ import annotations

from typing import Literal

import numpy as np

Paper = Literal["white", "as-drawn"]
DARKEST_PAPER = 128
"""Grey level of the darkest paper; what is darker everywhere shows none."""
LEAST_PAPER = 0.05
"""Part of a sketch that its paper covers at least."""
_NOISE = 2  # grey levels by which paper differs from its most frequent one


def on_white(sketch: np.ndarray) -> np.ndarray:
    """Return a sketch, (h, w) or (h, w, 3) uint8, brightened until its paper is white.

    Paper is the most frequent of the bright grey levels; all levels are multiplied by the same
    factor, so that strokes keep their contrast to it. A sketch without paper stays as it is.
    """
    counts = np.bincount(sketch.ravel(), minlength=256)
    near = np.convolve(counts, np.ones(2 * _NOISE + 1, counts.dtype), mode="same")
    paper = DARKEST_PAPER + int(near[DARKEST_PAPER:].argmax())
    if near[paper] < LEAST_PAPER * sketch.size:
        return sketch
    white = sketch * (255 / max(paper - _NOISE, DARKEST_PAPER))
    return np.minimum(np.rint(white), 255).astype(np.uint8)
