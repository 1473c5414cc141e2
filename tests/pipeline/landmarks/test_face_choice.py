import numpy as np
import pytest
from made_faces import crop

from pipeline.landmarks.detector import face_index
from pipeline.landmarks.face_mesh import FaceMesh


@pytest.mark.parametrize(
    ("boxes", "largest", "central"),
    [
        ([(0, 0, 10, 10)], 0, 0),
        ([(0, 0, 40, 40), (45, 45, 60, 60)], 0, 1),
        ([(40, 40, 60, 60), (0, 0, 20, 20)], 0, 0),
        ([(0, 0, 20, 20), (40, 40, 60.2, 60)], 1, 1),  # alike in size: the central one
        ([(0, 0, 40, 40), (41, 40, 81, 80)], 1, 1),
        ([(40, 40, 60, 60), (30, 30, 70, 70)], 1, 1),  # alike in place: the larger one
    ],
)
def test_which_face_is_meant(boxes: list, largest: int, central: int):
    assert face_index(np.array(boxes), 100, 100, "largest") == largest
    assert face_index(np.array(boxes), 100, 100, "central") == central
    scaled = np.array(boxes, float) * 7
    assert face_index(scaled, 700, 700, "largest") == largest
    assert face_index(scaled, 700, 700, "central") == central


def test_the_detector_takes_the_face_that_is_chosen():
    photo = np.full((256, 700, 3), 200, np.uint8)
    photo[60:216, 280:436] = crop(156)
    photo[:, 444:] = crop()
    found = {}
    for choose in ("largest", "central"):
        with FaceMesh(0.5, choose) as detector:
            found[choose] = detector.detect(photo)
    assert found["largest"].landmarks[30, 0] > 444
    assert 280 < found["central"].landmarks[30, 0] < 436
    assert found["largest"].faces == found["central"].faces == 2


def test_what_is_hardly_a_face_is_told_from_what_is_none():
    half = np.ascontiguousarray(crop()[:, :110])
    with FaceMesh(0.9) as detector:
        assert detector.detect(half) is None
        assert 0.05 < detector.best_score(half) < 0.9
        assert detector.best_score(np.zeros((200, 200, 3), np.uint8)) is None
        assert detector.detect(crop()) is not None  # the doubtful look changes nothing
