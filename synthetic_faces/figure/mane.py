"""How hair falls into locks, and what colour it has."""

from __future__ import annotations

import numpy as np

from synthetic_faces.looks.colour import linear
from synthetic_faces.looks.noise import sample
from synthetic_faces.parameters import Hair

GREY = (182, 178, 174)
# Brightness of neighbouring locks; the golden ratio spreads it evenly and never repeats.
TONES = (np.mod(np.arange(256) * 0.61803398875, 1.0) - 0.5).astype(np.float32)


def locks(across: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Height in [0, 1] over a lock's own width, 0 in the grooves; and its tone in +-0.5.

    across, along: coordinates of hair; a unit of `across` holds six locks, which waver.
    """
    waver = sample("cloud", 0.11 * across + 0.05 * along, 0.13 * along)
    phase = 6.0 * across + 0.55 * waver
    number = np.floor(phase)
    place = phase - number
    return 4 * place * (1 - place), TONES[number.astype(int) % len(TONES)]


def colour(hair: Hair, across: np.ndarray, along: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Linear colour (K, 3): locks and strands vary, some are grey, the inside is darker."""
    height, tone = locks(across, along)
    strand = sample("strand", across * 0.62, along * 0.12)
    straight = 1 - 0.75 * hair.curl
    shade = 1 + straight * (0.17 * strand + 0.34 * tone) - 0.34 * straight * (1 - height) ** 2
    if hair.style == "buzz":  # too short for locks
        tone = 0 * tone
        shade = 1 + 0.14 * sample("fine", across * 0.9, along * 0.9)
    if hair.curl > 0.15:
        shade = shade + 0.26 * hair.curl * sample("curl", across * 0.2, along * 0.2)
    own = np.array(hair.colour)
    base = linear(own + 0.6 * hair.grey * (own.mean() - own)) * np.clip(shade, 0.3, 1.9)[:, None]
    # Sun bleaches fair hair lock by lock.
    fair = np.clip((own.mean() - 60) / 100, 0, 1)
    base *= 1 + fair * np.clip(tone, 0, 1)[:, None] * np.array([0.34, 0.32, 0.28], np.float32)
    if hair.grey > 0:
        grey = np.clip(hair.grey * (0.75 + 0.3 * strand + 0.3 * tone), 0, 0.95)[:, None]
        base = base + grey * (linear(GREY) * np.clip(0.4 + 0.6 * shade, 0.5, 1.3)[:, None] - base)
    return (base * np.where(inner, 0.4, 1.0)[:, None]).astype(np.float32)
