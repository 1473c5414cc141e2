"""The project's own detector must find the faces, and where we say they are."""

from collections.abc import Iterator

import numpy as np
import pytest

from face_geometry.align import eyes_and_mouth
from pipeline.landmarks.face_mesh import FaceMesh
from synthetic_faces import render

FRONTAL = 20.0  # degrees of yaw
LUMA = np.array([0.2126, 0.7152, 0.0722])


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceMesh]:
    with FaceMesh() as running:
        yield running


def offsets(detector: FaceMesh, count: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Detect faces 0..count-1 and compare with their exact landmarks.

    Returns the share detected (D faces), distances (D, 68) in outer-eye distances, and offsets
    (D, 3, 2) in pixels of the detected eyes and mouth from the exact ones.
    """
    distances, shifts = [], []
    for id in range(count):
        face = render(0, id, 256)
        detection = detector.detect(face.photo)
        if detection is not None:
            unit = np.linalg.norm(face.landmarks[45] - face.landmarks[36])
            distances.append(np.linalg.norm(detection.landmarks - face.landmarks, axis=1) / unit)
            shifts.append(eyes_and_mouth(detection.landmarks) - eyes_and_mouth(face.landmarks))
    return len(shifts) / count, np.array(distances), np.array(shifts)


def _bias(shifts: np.ndarray) -> np.ndarray:
    """Both count pixels from the picture's edge: a convention half a pixel off shows at once.

    x of eyes and mouth, and y of the mouth; lids the detector sees wider open than they are.
    """
    mean = shifts.mean(axis=0)
    return np.array([mean[:, 0].mean(), mean[2, 1]])


def test_the_detector_finds_a_few_faces(detector: FaceMesh):
    rate, distances, shifts = offsets(detector, 12)
    assert rate == 1
    assert distances.mean() < 0.05
    assert np.abs(_bias(shifts)).max() < 0.4


@pytest.mark.slow
def test_the_detector_finds_nearly_all_faces_where_they_are(detector: FaceMesh):
    """Over all poses, frontal ones more surely, and dark skin as surely as light."""
    faces, detected, distances, shifts = [], [], [], []
    for id in range(200):
        face = render(0, id, 256)
        detection = detector.detect(face.photo)
        faces.append((abs(face.parameters.view.yaw), np.dot(face.parameters.skin.tone, LUMA)))
        detected.append(detection is not None)
        if detection is not None:
            unit = np.linalg.norm(face.landmarks[45] - face.landmarks[36])
            away = np.linalg.norm(detection.landmarks - face.landmarks, axis=1).mean() / unit
            distances.append((faces[-1][0], away))
            shifts.append(eyes_and_mouth(detection.landmarks) - eyes_and_mouth(face.landmarks))
    (yaw, luma), detected = np.array(faces).T, np.array(detected)
    assert detected.mean() >= 0.97
    assert detected[yaw < FRONTAL].mean() >= 0.99
    darker, lighter = np.quantile(luma, [1 / 3, 2 / 3])
    # One face of a third is a point and a half; benchmarks/built_in_faces.py looks at thousands.
    assert abs(detected[luma < darker].mean() - detected[luma > lighter].mean()) < 0.02
    yaw, away = np.array(distances).T
    assert away[yaw < FRONTAL].mean() < 0.045
    assert np.percentile(away, 95) < 0.09
    assert np.abs(_bias(np.array(shifts))).max() < 0.25
