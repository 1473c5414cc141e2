"""Parsing maps as arrays: coloured, and mirrored. The classes are `sketchface_models`'s."""

from __future__ import annotations

import numpy as np

from sketchface_models import labels as classes
from sketchface_models.labels import CLASSES, INDEX

__all__ = ["CLASSES", "COLOURS", "FLIP", "INDEX", "colourise", "flip_labels"]

COLOURS = np.array(classes.COLOURS, np.uint8)
"""(19, 3) RGB."""

FLIP = np.array(classes.MIRRORED, np.uint8)
"""Label of each class after mirroring: left and right eye, brow and ear are exchanged."""


def colourise(labels: np.ndarray) -> np.ndarray:
    """Colour labels (H, W) as an RGB picture (H, W, 3) uint8.

    Raises:
        ValueError: if a label is not one of the 19.
    """
    _check(labels)
    return COLOURS[labels]


def flip_labels(labels: np.ndarray) -> np.ndarray:
    """Mirror labels (..., H, W), left and right parts exchanged.

    Raises:
        ValueError: if a label is not one of the 19.
    """
    _check(labels)
    return FLIP[labels[..., ::-1]]


def _check(labels: np.ndarray) -> None:
    if labels.size and not 0 <= labels.min() <= labels.max() < len(CLASSES):
        raise ValueError(f"labels from {labels.min()} to {labels.max()}; allowed: 0 to 18")
