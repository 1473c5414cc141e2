"""The project's own detector must find the faces, and where we say they are."""

from collections.abc import Iterator

import numpy as np
import pytest

from pipeline.faces.align import eyes_and_mouth
from pipeline.faces.detector import FaceMesh
from pipeline.synthetic import render


@pytest.fixture(scope="module")
def detector() -> Iterator[FaceMesh]:
    with FaceMesh() as running:
        yield running


def offsets(detector: FaceMesh, count: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Where faces 0..count-1 are found, against where they are.

    Returns the part found, (found, 68) distances in outer-eye distances and (found, 3, 2) pixels
    from where the eyes and the mouth are to where they are found.
    """
    distances, shifts = [], []
    for id in range(count):
        face = render(0, id, 256)
        found = detector.detect(face.photo)
        if found is not None:
            unit = np.linalg.norm(face.landmarks[45] - face.landmarks[36])
            distances.append(np.linalg.norm(found.landmarks - face.landmarks, axis=1) / unit)
            shifts.append(eyes_and_mouth(found.landmarks) - eyes_and_mouth(face.landmarks))
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
def test_the_detector_finds_nearly_all_faces(detector: FaceMesh):
    rate, distances, shifts = offsets(detector, 300)
    assert rate >= 0.97
    assert distances.mean() < 0.05
    assert np.percentile(distances.mean(axis=1), 95) < 0.08
    assert np.abs(_bias(shifts)).max() < 0.25
