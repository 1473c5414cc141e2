"""Faces that the detector must see, and landmarks that lie off by a known distance."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from pipeline.common.records import Origin
from pipeline.evaluate.control.landmark_fidelity import DETECTED, ERROR, lines
from pipeline.landmarks.face_mesh import FaceMesh
from synthetic_faces import render

ORIGIN = Origin("made", 0, "photo")
SIDE = 256


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return render(0, "synthetic-test-000003", SIDE).photo


@pytest.fixture(scope="module")
def points(photo: np.ndarray, detector: FaceMesh) -> np.ndarray:
    detection = detector.detect(photo)
    assert detection is not None
    return detection.landmarks


@pytest.fixture
def scores(detector: FaceMesh) -> Callable[..., pd.Series]:
    def measured(landmarks: dict[str, np.ndarray], photos: dict[str, np.ndarray]) -> pd.Series:
        made = list(lines(ORIGIN, landmarks, list(photos), stacked(photos), detector))
        return pd.concat(made).set_index(["metric", "id"])["value"]

    return measured


def stacked(photos: dict[str, np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(list(photos.values()))).permute(0, 3, 1, 2)


def test_landmarks_that_lie_elsewhere_are_off_by_that_distance(
    scores: Callable[..., pd.Series], photo: np.ndarray, points: np.ndarray
):
    eyes = np.linalg.norm(points[36] - points[45])
    off = {"exact": points, "beside": points + np.array([3.0, 4.0])}
    made = scores(off, {"exact": photo, "beside": photo})
    assert made[DETECTED].tolist() == [1, 1]
    assert made[ERROR]["exact"] == 0
    assert made[ERROR]["beside"] == pytest.approx(100 * 5 / eyes, rel=1e-4)


def test_a_photo_without_a_face_has_no_error(
    scores: Callable[..., pd.Series], photo: np.ndarray, points: np.ndarray
):
    wall = np.full_like(photo, 120)
    made = scores({"wall": points, "face": points}, {"wall": wall, "face": photo})
    assert made[DETECTED].to_dict() == {"wall": 0, "face": 1}
    assert list(made[ERROR].index) == ["face"]


def test_faces_without_landmarks_are_not_asked(
    scores: Callable[..., pd.Series], photo: np.ndarray, points: np.ndarray
):
    made = scores({"known": points}, {"unknown": photo, "known": photo})
    assert set(made.index.get_level_values("id")) == {"known"}
