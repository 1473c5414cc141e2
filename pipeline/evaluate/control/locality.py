"""How far an edit in one place of a drawing reaches in the generated photo.

I and O are the mean absolute changes of the photo inside and outside the place of the edit; I* and
O* those of the true photos, rendered with and without the edit. Leakage is O / I. An edit that
changes the photo inside by less than a quarter of I* is not answered: its leakage says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd

from pipeline.common.edit_table import Edit
from pipeline.common.records import Level, Measure, Method, Origin
from pipeline.common.score_frames import group_of, long_frame
from pipeline.common.subsets import edits_subset
from sketchface_models.metrics.registry import Direction

DILATION = 9 / 512
"""By which the mask of an edit is dilated, in sides of the picture."""
ANSWERED = 0.25
"""Of the true change inside: less is no answer."""
MEASURES = (
    Measure("answered", "edits answered", Direction.HIGHER, Level.EDIT, control=True),
    Measure("leakage", "leakage", Direction.LOWER, Level.EDIT, control=True),
)
CHANGES = ("inside", "outside", "true_inside", "true_outside")
"""Metrics of the four changes themselves, which have no good end."""
PARAMETERS = {"revision": 1, "dilation": DILATION, "answered": ANSWERED}


@dataclass(frozen=True)
class Change:
    """Mean absolute changes in [0, 1], over pixels and channels."""

    inside: float
    outside: float


def dilated(mask: np.ndarray) -> np.ndarray:
    """Grow a place, (S, S) bool, by a disk of radius `DILATION` of its side."""
    radius = max(1, round(DILATION * len(mask)))
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(mask.astype(np.uint8), disk) > 0


def change(before: np.ndarray, after: np.ndarray, place: np.ndarray) -> Change:
    """Compare two photos inside and outside a place.

    Args:
        before: (S, S, 3) uint8.
        after: the same.
        place: (S, S) bool; neither empty nor the whole picture.
    """
    difference = np.abs(before.astype(np.float64) - after).mean(axis=-1) / 255
    return Change(float(difference[place].mean()), float(difference[~place].mean()))


def is_answered(own: Change, true: Change) -> bool:
    """Return whether a system's photo changes inside at least by `ANSWERED` of the true change."""
    return own.inside > 0 and own.inside >= ANSWERED * true.inside


def locality_values(
    edit: Edit, inputs: Sequence[str], before: np.ndarray, after: np.ndarray
) -> dict[str, float]:
    """Return the values of one edit, metric -> value; those that it has.

    An edit that changes nothing in the true photo (graffiti) asks for no answer, and one that
    changes nothing of what the system reads (wrinkles, in a parsing map) has no values.

    Args:
        edit: with the true photos.
        inputs: fields that the system reads.
        before: what the system makes of the drawing before the edit, (S, S, 3) uint8.
        after: likewise after it.
    """
    place = dilated(edit.place(inputs))
    if place.all() or not place.any():
        return {}
    own = change(before, after, place)
    true = change(edit.before["photo"], edit.after["photo"], place)
    values = dict(zip(CHANGES, (own.inside, own.outside, true.inside, true.outside), strict=True))
    if true.inside > 0:
        values["answered"] = float(is_answered(own, true))
    if is_answered(own, true):
        values["leakage"] = own.outside / own.inside
    return values


def lines(
    origin: Origin, ids: Sequence[str], values: Sequence[dict[str, float]]
) -> Iterator[pd.DataFrame]:
    """Yield lines of `SCORES`: each value under the subset of its edit's group.

    Args:
        origin: of the photos.
        ids: of the E edits.
        values: of each, as `locality_values` returns them.
    """
    for group in dict.fromkeys(map(group_of, ids)):
        pairs = [(id, own) for id, own in zip(ids, values, strict=True) if group_of(id) == group]
        for metric in (*CHANGES, *(measure.name for measure in MEASURES)):
            measured = {id: own[metric] for id, own in pairs if metric in own}
            if measured:
                at = (origin, Method.SYSTEM, edits_subset(group), metric)
                yield long_frame(*at, list(measured), list(measured.values()))
