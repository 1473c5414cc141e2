"""Between what a display shows (0 to 255) and the light it means (0 to 1)."""

from __future__ import annotations

import numpy as np

GAMMA = np.float32(2.2)


def linear(colour: np.ndarray | tuple[float, ...]) -> np.ndarray:
    """Displayed 0..255 -> linear light 0..1 (the display's gamma taken as 2.2)."""
    return (np.clip(np.asarray(colour, np.float32), 0, 255) / 255) ** GAMMA
