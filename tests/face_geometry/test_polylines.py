import numpy as np
import pytest

from face_geometry.polylines import draw_lines


def ink(picture: np.ndarray) -> float:
    return float((255 - picture.astype(float)).sum() / 255)


def test_a_line_covers_exactly_the_pixels_that_it_covers():
    picture = draw_lines([np.array([[10.0, 20.0], [30.0, 20.0]])], 512, 2.0)
    expected = np.full((512, 512), 255)
    expected[19:21, 10:30] = 0
    inner = np.s_[:, 11:29]  # without the round ends
    np.testing.assert_array_equal(picture[inner], expected[inner])
    assert ink(picture) == pytest.approx(2 * 20 + np.pi, abs=0.6)
    assert (picture[:18] == 255).all()
    assert (picture[22:] == 255).all()


@pytest.mark.parametrize("size", [128, 256, 512, 1024])
@pytest.mark.parametrize("end", [(0.8, 0.5), (0.5, 0.8), (0.75, 0.7)])
def test_line_width_scales_with_the_picture(size: int, end: tuple[float, float]):
    line = np.array([[0.2, 0.2], end]) * size
    length = float(np.hypot(*(line[1] - line[0])))
    width = 2.0 * size / 512
    expected = width * length + np.pi * width**2 / 4
    assert ink(draw_lines([line], size)) == pytest.approx(expected, rel=0.03)


def test_lines_are_darkest_where_they_cross_and_may_leave_the_picture():
    cross = [np.array([[-50.0, 32.5], [500.0, 32.5]]), np.array([[20.5, -9.0], [20.5, 99.0]])]
    picture = draw_lines(cross, 64, 8.0, darkness=[1.0, 0.5])
    np.testing.assert_array_equal(picture[32], np.zeros(64))
    assert picture[0, 20] == 128
    assert (draw_lines([np.array([[-9.0, -9.0], [-3.0, 70.0]])], 64) == 255).all()
