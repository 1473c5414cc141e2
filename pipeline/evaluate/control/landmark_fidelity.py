"""Whether generated photos show a face, with its landmarks where contour or map have them.

MediaPipe looks for a face in each generated photo. A face's error is the mean distance of its 68
landmarks from those of the true photo, which its contour was drawn from, in outer-eye distances
(the normalisation of 300-W, Sagonas et al. 2016). Photos without a face have no error, and count
as not detected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from torch import Tensor

from pipeline.common.progress import progress
from pipeline.common.records import Measure, Method, Origin
from pipeline.common.score_frames import long_frame
from pipeline.common.subsets import ALL
from pipeline.landmarks.accuracy import landmark_error
from pipeline.landmarks.detector import Detector
from sketchface_models.metrics.registry import Direction

DETECTED, ERROR = "face_detected", "landmark_error"
MEASURES = (
    Measure(DETECTED, "faces detected", Direction.HIGHER, control=True),
    Measure(ERROR, "landmark error, % of outer-eye distance", Direction.LOWER, control=True),
)
PARAMETERS = {"revision": 1, "detector": "mediapipe", "normalised by": "outer-eye distance"}


def lines(
    origin: Origin,
    landmarks: Mapping[str, np.ndarray],
    ids: Sequence[str],
    generated: Tensor,
    detector: Detector,
) -> Iterator[pd.DataFrame]:
    """Yield lines of `SCORES`: both measures, of faces whose landmarks are known.

    Args:
        origin: of the photos.
        landmarks: id -> (68, 2), pixels of the true photo.
        ids: of the N test faces.
        generated: (N, 3, S, S) uint8, S the side of the true photos.
        detector: of faces.
    """
    values: dict[str, dict[str, float]] = {DETECTED: {}, ERROR: {}}
    for number, id in enumerate(progress(ids, len(ids), "landmarks", "face")):
        if id not in landmarks:
            continue
        detection = detector.detect(generated[number].permute(1, 2, 0).contiguous().numpy())
        values[DETECTED][id] = float(detection is not None)
        if detection is not None:
            error = landmark_error(detection.landmarks, landmarks[id])
            values[ERROR][id] = 100 * float(error.mean())
    for metric, of_faces in values.items():
        if of_faces:
            at = (origin, Method.SYSTEM, ALL, metric)
            yield long_frame(*at, list(of_faces), list(of_faces.values()))
