"""The real MediaPipe FaceMesh must find the faces, and where we say they are."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.synthetic import render

# iBUG point -> the mesh points whose mean it is, for points that no hairstyle or turn displaces.
MESH = {
    8: (152,),
    30: (4,),
    33: (2,),
    36: (33,),
    39: (133,),
    42: (362,),
    45: (263,),
    48: (61,),
    51: (0,),
    54: (291,),
    57: (17,),
}


def detect(count: int) -> tuple[float, np.ndarray]:
    """Part of faces 0..count-1 found, and per found face the mean error in outer-eye distances."""
    solutions = pytest.importorskip("mediapipe").solutions
    found = []
    options = {"static_image_mode": True, "refine_landmarks": True}
    with solutions.face_mesh.FaceMesh(min_detection_confidence=0.5, **options) as mesh:
        for id in range(count):
            it = render(0, id, 256)
            result = mesh.process(it.photo)
            if not result.multi_face_landmarks:
                continue
            seen = result.multi_face_landmarks[0].landmark
            points = np.array([[256 * p.x - 0.5, 256 * p.y - 0.5] for p in seen])
            unit = np.linalg.norm(it.landmarks[45] - it.landmarks[36])
            error = [
                np.linalg.norm(points[list(group)].mean(0) - it.landmarks[k]) / unit
                for k, group in _table().items()
            ]
            found.append(np.mean(error))
    return len(found) / count, np.array(found)


def _table() -> dict[int, tuple[int, ...]]:
    """All 68 points where the project's reference lies beside the checkout, else the few above."""
    reference = Path(__file__).resolve().parents[3] / "shared" / "reference"
    path = reference / "landmarks_mediapipe_to_ibug68.json"
    if not path.is_file():
        return MESH
    return dict(enumerate(tuple(group) for group in json.loads(path.read_text())["average"]))


def test_the_detector_finds_a_few_faces():
    rate, error = detect(12)
    assert rate == 1
    assert error.mean() < 0.05


@pytest.mark.slow
def test_the_detector_finds_nearly_all_faces():
    rate, error = detect(300)
    assert rate >= 0.97
    assert error.mean() < 0.05
    assert np.percentile(error, 95) < 0.08
