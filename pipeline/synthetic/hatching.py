"""Tone made of lines: families of parallel strokes that bend over the form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.synthetic.curves import smoothstep
from pipeline.synthetic.noise import sample


@dataclass(frozen=True)
class Family:
    """Parallel lines at an angle (degrees), drawn where it is darker than `above`."""

    angle: float
    spacing: float
    """Distance of the lines in thousandths of the side."""
    above: float


FULL = (
    Family(-48, 13.0, 0.12),
    Family(-62, 12.0, 0.33),
    Family(38, 12.5, 0.50),
    Family(-8, 12.0, 0.68),
)
LIGHT = (Family(-48, 15.0, 0.50), Family(38, 15.0, 0.74))


def hatch(
    darkness: np.ndarray, depth: np.ndarray, families: tuple[Family, ...], offset: np.ndarray
) -> np.ndarray:
    """Ink (S, S) in [0, 1] for a tone.

    darkness: (S, S) in [0, 1]. depth: (S, S), height of the form in pixels, by which lines bend.
    offset: (2,), where in the noise the hand's unsteadiness is read.
    """
    side = darkness.shape[0]
    rows, columns = np.nonzero(darkness > min(family.above for family in families))
    dark, lift = darkness[rows, columns], depth[rows, columns]
    x, y = columns.astype(np.float32), rows.astype(np.float32)
    sway = sample("cloud", x / (1.9 * side) + offset[0], y / (1.9 * side) + offset[1])
    light = np.ones_like(dark)
    for number, family in enumerate(families):
        spacing = family.spacing * side / 1000
        angle = np.radians(family.angle)
        across = (x * np.sin(angle) + y * np.cos(angle) + 0.2 * lift) / spacing
        along = (x * np.cos(angle) - y * np.sin(angle)) / side
        phase = np.mod(across + 0.22 * sway + 7 * offset[number % 2], 1.0)
        wanted = smoothstep(family.above, family.above + 0.34, dark)
        # Strokes end and start again; the hand presses unevenly.
        press = sample("fine", 0.37 * across + offset[1], 0.11 * along)
        wanted = wanted * np.clip(0.92 + 0.16 * press, 0, 1)
        half, edge = 0.10 + 0.34 * wanted, 0.9 / spacing
        ink = smoothstep(1 - half - edge, 1 - half + edge, np.abs(2 * phase - 1))
        light *= 1 - ink * (0.30 + 0.5 * wanted) * smoothstep(0.0, 0.12, wanted)
    drawn = np.zeros_like(darkness)
    drawn[rows, columns] = 1 - light
    return drawn
