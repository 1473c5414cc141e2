"""The `landmarks` stage: where each face's 68 landmarks and its mesh lie."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa

from pipeline.faces.detector import FaceMesh
from pipeline.images import decode
from pipeline.shards import Result, map_shards, quarantined, read_rows
from sketchface_models.config import between

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("points", pa.list_(pa.float32())),
        ("mesh", pa.list_(pa.float32())),
        ("score", pa.float32()),
    ]
)


DETECTORS = {"mediapipe": FaceMesh}
"""By the name in `landmarks.detector`: called with the least confidence, has `detect`."""


@dataclass(frozen=True)
class LandmarkSettings:
    """The `landmarks` section."""

    detector: Literal[*DETECTORS]  # type: ignore[valid-type]
    min_confidence: Annotated[float, between(0, 1)]
    """Faces the detector is less sure of are not found."""


def find_landmarks(faces: Path, out: Path, settings: LandmarkSettings) -> None:
    """Landmarks of every photo in which a face is found.

    Args:
        faces: folder of the `faces` stage.
        out: folder to write: rows id, points (68 x 2), mesh (478 x 3), score; photos without a
            face, and faces without a photo, in quarantine.
        settings: the `landmarks` section.
    """
    map_shards("landmarks", [faces], _work, out, SCHEMA, settings, "pipeline.faces.landmarks")


def _work(paths: tuple[Path], settings: LandmarkSettings) -> Result:
    detector = _detector(settings.detector, settings.min_confidence)
    rows, left_out = [], []
    for face in read_rows(paths[0], ["id", "photo"]):
        id = face["id"]
        if not face["photo"]:
            left_out.append(quarantined(id, "landmarks", "no photo to look for a face in"))
            continue
        found = detector.detect(decode(face["photo"]["bytes"]))
        if found is None:
            reason = f"no face found with a confidence of {settings.min_confidence:g} or more"
            left_out.append(quarantined(id, "landmarks", reason))
            continue
        points, mesh = found.landmarks.ravel(), found.mesh.ravel()
        rows.append({"id": id, "points": points, "mesh": mesh, "score": found.score})
    return rows, left_out


@functools.cache
def _detector(name: str, min_confidence: float) -> FaceMesh:
    """One for each process: it takes longer to start than a photo takes."""
    return DETECTORS[name](min_confidence)
