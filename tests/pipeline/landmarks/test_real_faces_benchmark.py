"""The figures that benchmarks/real_faces.py and benchmarks/landmark_error.py report."""

from collections.abc import Iterator
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from benchmark_modules import benchmark_modules
from scipy.spatial.transform import Rotation

from face_geometry.palette import INDEX
from pipeline.depth.surround import LEFT_EAR, RIGHT_EAR


@pytest.fixture(scope="module")
def benchmarks() -> Iterator[SimpleNamespace]:
    with benchmark_modules("real_faces", "landmark_error") as [real, error]:
        yield SimpleNamespace(real=real, error=error)


@pytest.fixture(scope="module")
def real(benchmarks: SimpleNamespace) -> ModuleType:
    return benchmarks.real


def test_a_polygons_centre_is_its_centre_of_area(real):
    square = np.array([(0, 0), (2, 0), (4, 0), (4, 4), (0, 4)], float)  # one corner too many
    np.testing.assert_allclose(real.polygon_centre(square), (2, 2))
    triangle = np.array([(0, 0), (6, 0), (0, 3)], float) + 100
    np.testing.assert_allclose(real.polygon_centre(triangle), (102, 101))
    np.testing.assert_allclose(real.polygon_centre(triangle[::-1]), (102, 101))
    line = np.array([(0, 0), (1, 1), (2, 2)], float)
    np.testing.assert_allclose(real.polygon_centre(line), (1, 1))


def test_labels_have_the_centre_of_their_largest_patch(real):
    labels = np.zeros((40, 40), np.uint8)
    labels[10:12, 20:30] = INDEX["u_lip"]
    labels[12:14, 20:30] = INDEX["l_lip"]
    labels[30:33, 0:5] = INDEX["l_lip"]  # on the neck
    centre = real.label_centre(labels, ("mouth", "u_lip", "l_lip"))
    np.testing.assert_allclose(centre, (25, 12))
    labels[0:2, 0:3] = INDEX["nose"]
    assert real.label_centre(labels, ("nose",)) is None
    assert real.label_centre(labels, ("hat",)) is None


def face_of_squares() -> tuple[np.ndarray, np.ndarray]:
    """Landmarks around the labels of two eyes, 40 pixels apart, a nose and a mouth."""
    points, labels = np.zeros((68, 2)), np.zeros((100, 100), np.uint8)

    def put(first: int, last: int, name: str, x: int, y: int) -> None:
        around = np.linspace(0, 2 * np.pi, last - first + 1, endpoint=False)
        points[first : last + 1] = np.stack([x + 6 * np.cos(around), y + 6 * np.sin(around)], 1)
        labels[y - 4 : y + 4, x - 4 : x + 4] = INDEX[name]

    put(36, 41, "r_eye", 30, 40)
    put(42, 47, "l_eye", 70, 40)
    put(48, 59, "u_lip", 50, 80)
    points[[27, 31, 33, 35]] = (50, 54), (44, 60), (50, 66), (56, 60)
    points[[32, 34]] = (47, 63), (53, 63)
    labels[56:64, 46:54] = INDEX["nose"]
    return points, labels


def test_distances_are_counted_in_distances_of_the_eyes(real):
    points, labels = face_of_squares()
    assert real.distances(points, labels) == pytest.approx(dict.fromkeys(real.PARTS, 0), abs=1e-9)
    points[48:60] += (3, 4)
    found = real.distances(points, labels)
    assert found["mouth"] == pytest.approx(5 / 40)
    assert found["right eye"] == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(
        list(real.distances(2 * points, labels.repeat(2, 0).repeat(2, 1)).values()),
        list(found.values()),
        atol=1e-9,
    )


def test_a_part_without_labels_is_left_out_and_a_hidden_eye_ends_it(real):
    points, labels = face_of_squares()
    labels[labels == INDEX["nose"]] = INDEX["skin"]
    assert set(real.distances(points, labels)) == {"right eye", "left eye", "mouth"}
    labels[labels == INDEX["l_eye"]] = INDEX["eye_g"]
    assert real.distances(points, labels) == {}


@pytest.mark.parametrize("turn", [-60, 0, 25])
def test_turn_is_the_angle_of_the_ears(real, turn):
    mesh = np.zeros((478, 3))
    mesh[RIGHT_EAR], mesh[LEFT_EAR] = (-70, 3, 20), (70, 3, 20)
    turned = mesh @ Rotation.from_euler("y", -turn, degrees=True).as_matrix().T + (120, 90, 0)
    assert real.turn_of(turned) == pytest.approx(turn)


def test_strangeness_sees_shape_alone(real):
    rng = np.random.default_rng(0)
    usual = rng.uniform(-1, 1, (68, 2))
    turned = usual @ Rotation.from_euler("z", 30, degrees=True).as_matrix()[:2, :2]
    shapes = np.stack([usual, 70 * turned + 128, 9 * usual - 4, 40 * usual, usual])
    assert real.strangeness(shapes) == pytest.approx([0] * 5, abs=1e-9)
    shapes[3, 5] += 30
    found = real.strangeness(shapes)
    assert found.argmax() == 3
    assert found[3] > 3 * np.delete(found, 3).max()


def test_holes_are_enclosed(real):
    depth = np.zeros((30, 30), np.float32)
    depth[5:25, 5:25] = 0.5
    depth[20:30, 10:20] = 0.4  # down to the edge
    assert real.holes(depth) == 0
    depth[8:10, 8:10] = 0
    depth[12, 20] = 0
    assert real.holes(depth) == 2
    depth[8:10, 0:10] = 0  # opens the first one
    assert real.holes(depth) == 1
    assert real.holes(np.ones((9, 9), np.float32)) == 0


def test_what_is_drawn_is_a_part_of_each_region(real):
    labels = np.zeros((20, 20), np.uint8)
    labels[:10] = INDEX["hair"]
    labels[12:] = INDEX["skin"]
    depth = np.zeros((20, 20), np.float32)
    depth[5:20] = 1
    depth[:, :5] = 0
    assert real.drawn(depth, labels) == pytest.approx(
        {"hair, hat": 0.5 * 0.75, "face": 0.75, "background": 0.75}
    )


def test_faces_turn_further_but_not_too_far(benchmarks):
    error = benchmarks.error
    plain = [error.turned(0, n, 32, 0).parameters.view.yaw for n in range(3)]
    more = [error.turned(0, n, 32, 90).parameters.view.yaw for n in range(3)]
    assert plain != more
    assert max(map(abs, more)) <= error.MOST
    assert error.turned(0, 1, 32, 90).parameters.view.yaw == more[1]
