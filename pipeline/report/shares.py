"""Measures that are parts of 1, such as rates and overlaps: their intervals end at 0 and 1."""

from __future__ import annotations

import dataclasses

from pipeline.common.records import ATTRIBUTE, OUTLINE, STYLE_FIDELITY, Level, Measure
from pipeline.common.verdicts import Estimate, Sample, estimate
from pipeline.report.collect import RANK_MEASURES

ANSWERED, DETECTED = "answered", "face_detected"
"""Edits that a system answers, and photos in which a face is detected."""
_SHARES = (
    *(measure.name for measure in RANK_MEASURES),
    *(STYLE_FIDELITY, OUTLINE, ANSWERED, DETECTED),
    *("face_accuracy", "face_mean_f1"),
)


def is_share(measure: Measure) -> bool:
    """Return whether a measure is a part of 1, as all are that count pixels of all faces."""
    counts_pixels = measure.level is Level.POOLED
    return counts_pixels or measure.name in _SHARES or measure.name.startswith(ATTRIBUTE)


def measured(sample: Sample, measure: Measure) -> Estimate:
    """Return what a sample comes to; the interval of a share is cut at 0 and 1."""
    own = estimate(sample)
    if not is_share(measure):
        return own
    return dataclasses.replace(own, low=max(own.low, 0.0), high=min(own.high, 1.0))
