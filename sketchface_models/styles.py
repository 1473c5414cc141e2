"""Drawing styles as a system reads them: weights over all styles.

Styles have labels, counted from 1; label n is plane n - 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from sketchface_models.errors import SketchFaceError

STYLE = "style"
"""Name of the style among a run's inputs."""
TOLERANCE = 1e-3
"""Largest deviation from one of a mixture's sum of weights."""


def style_planes(labels: Sequence[int | None], planes: int) -> np.ndarray:
    """Return (N, planes) uint8: 255 at the plane of each label, 0 elsewhere.

    Raises:
        ValueError: naming labels outside 1..`planes`.
    """
    wrong = sorted({repr(label) for label in labels if not _is_label(label, planes)})
    if wrong:
        raise ValueError(f"style {', '.join(wrong)}; allowed: 1 to {planes}")
    encoded = np.zeros((len(labels), planes), np.uint8)
    encoded[np.arange(len(labels)), np.asarray(labels, np.int64) - 1] = 255
    return encoded


def style_counts(labels: Iterable[int | None], planes: int) -> dict[str, int]:
    """Return how many faces have each style: label, as text, -> number, 0 included."""
    counts = Counter(labels)
    return {str(label): counts[label] for label in range(1, planes + 1)}


def style_weights(text: str, styles: Mapping[str, int]) -> list[float]:
    """Return the weights of the styles that a user's text asks for; they sum to one.

    Args:
        text: a label ("2"), or a weight for each style in the order of the labels ("0.5,0.5,0").
        styles: label -> number of training faces, of all K styles, as a trained card has them.

    Raises:
        SketchFaceError: for anything else, and for a style without training faces.
    """
    planes = len(styles)
    trained = [str(label) for label in range(1, planes + 1) if styles.get(str(label), 0) > 0]
    weights = _label(text, planes) if "," not in text else _mixture(text, planes)
    if weights is None:
        raise SketchFaceError(
            f"style {text!r}; allowed: one of {', '.join(trained)}, or {planes} weights of them "
            f"that are not negative and sum to one, such as {_example(trained, planes)}"
        )
    unseen = [str(plane + 1) for plane, weight in enumerate(weights) if weight]
    unseen = [label for label in unseen if label not in trained]
    if unseen:
        raise SketchFaceError(
            f"style {text!r}: no training face was drawn in style {', '.join(unseen)}; "
            f"allowed: {', '.join(trained)}"
        )
    return weights


def _is_label(label: object, planes: int) -> bool:
    return type(label) is int and 1 <= label <= planes


def _label(text: str, planes: int) -> list[float] | None:
    label = text.strip()
    if not (label.isascii() and label.isdigit() and 1 <= int(label) <= planes):
        return None
    return [float(plane == int(label) - 1) for plane in range(planes)]


def _mixture(text: str, planes: int) -> list[float] | None:
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    if len(weights) != planes or not all(math.isfinite(w) and w >= 0 for w in weights):
        return None
    total = sum(weights)
    return None if abs(total - 1) > TOLERANCE else [weight / total for weight in weights]


def _example(trained: Sequence[str], planes: int) -> str:
    share = dict.fromkeys(trained[:2], 1 / len(trained[:2]))
    return ",".join(f"{share.get(str(label), 0):g}" for label in range(1, planes + 1))
