"""Find the 68 landmarks and the mesh of every face with the detector that the settings name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa

from pipeline.common.images import decode
from pipeline.common.shard_jobs import map_shards
from pipeline.common.shards import (
    Row,
    file_hash,
    quarantined,
    stream_rows,
)
from pipeline.landmarks import face_alignment as fan
from pipeline.landmarks.detector import Choice, Detector
from pipeline.landmarks.face_mesh import FaceMesh
from sketchface_models.config import NonEmpty, between

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("points", pa.list_(pa.float32())),
        ("mesh", pa.list_(pa.float32())),
        ("score", pa.float32()),
        ("faces", pa.int16()),
    ]
)
COLUMNS = {
    "id": "key of the face in every table",
    "points": "68 iBUG landmarks, x and y in pixels of the aligned photo, 136 numbers",
    "mesh": "478 mesh points, x, y, z in pixels, smaller z nearer, 1,434 numbers; or null",
    "score": "confidence of the face detector, 0 to 1",
    "faces": "number of faces detected in the photo",
}


def _mediapipe(min_confidence: float, choose: Choice, weights: str) -> Detector:
    return FaceMesh(min_confidence, choose)  # its models come inside the wheel


DETECTORS: dict[str, Callable[[float, Choice, str], Detector]] = {
    "mediapipe": _mediapipe,
    "face_alignment": fan.FaceAlignment,
}
"""By the name in `landmarks.detector`: called with the section's other settings."""


@dataclass(frozen=True)
class LandmarkSettings:
    """The `landmarks` section."""

    detector: Literal[*DETECTORS]  # type: ignore[valid-type]
    """mediapipe: mesh and landmarks. face_alignment: the landmarks alone, so no mesh depth."""
    min_confidence: Annotated[float, between(0, 1)]
    """Faces that the detector is less sure of are ignored."""
    choose: Choice = "largest"
    """Which of several faces in a photo."""
    weights: Annotated[str, NonEmpty()] = "models/landmarks"
    """Folder in which face_alignment's weight files are looked for first."""


def find_landmarks(faces: Path, out: Path, settings: LandmarkSettings) -> None:
    """Write the landmarks of every photo in which a face is detected.

    Args:
        faces: folder of the `faces` stage.
        out: folder to write (`COLUMNS`); photos without a face, and faces without a photo, go into
            quarantine.
        settings: the `landmarks` section.

    Raises:
        SketchFaceError: if the detector's package or weights are missing.
    """
    weights = fan.find_weights(settings.weights) if settings.detector == "face_alignment" else []
    parameters = (settings, [file_hash(path) for path in weights])
    map_shards("landmarks", [faces], _work, out, SCHEMA, parameters, "pipeline.landmarks.landmarks")


def _work(paths: tuple[Path], parameters: tuple[LandmarkSettings, list[str]]) -> Iterator[Row]:
    settings, weights = parameters
    detector = _detector(
        settings.detector, settings.min_confidence, settings.choose, settings.weights, *weights
    )
    for face in stream_rows(paths[0], ["id", "photo"]):
        id = face["id"]
        if not face["photo"]:
            yield quarantined(id, "landmarks", "no photo to look for a face in")
            continue
        photo = decode(face["photo"]["bytes"])
        detection = detector.detect(photo)
        if detection is None:
            best = detector.best_score(photo)
            yield quarantined(id, "landmarks", _no_face(settings.min_confidence, best))
            continue
        mesh = None if detection.mesh is None else detection.mesh.ravel()
        yield {
            "id": id,
            "points": detection.landmarks.ravel(),
            "mesh": mesh,
            "score": detection.score,
            "faces": detection.faces,
        }


def _no_face(min_confidence: float, best: float | None) -> str:
    reason = f"no face found with a confidence of {min_confidence:g} or more"
    if best is None:
        return f"{reason}; nothing in the photo is like a face"
    if best < min_confidence:
        return f"{reason}; the likeliest has {best:.2f}"
    return f"{reason}; the likeliest has {best:.2f}, but its landmarks do not fit a face"


@functools.cache
def _detector(
    name: str, min_confidence: float, choose: Choice, weights: str, *hashes: str
) -> Detector:
    """Return one detector a process and content of the weights: starting one is slow."""
    return DETECTORS[name](min_confidence, choose, weights)
