import numpy as np
import pytest

from pipeline.landmarks.accuracy import by_pose, depth_error, landmark_error


def test_landmark_error_counts_in_outer_eye_distances():
    exact = np.random.default_rng(0).uniform(0, 100, (68, 2))
    exact[36], exact[45] = (20, 50), (60, 80)  # 50 apart
    found = exact.copy()
    found[8] += (3, 4)
    error = landmark_error(found, exact)
    assert error[8] == pytest.approx(0.1)
    assert np.delete(error, 8).max() == 0
    np.testing.assert_allclose(landmark_error(found * 7 + 3, exact * 7 + 3), error)


def test_errors_fall_into_the_bin_of_their_pose():
    errors = [np.full(68, 0.01), None, np.full(68, 0.03), np.full(68, 0.2)]
    errors[0][0:17] = 0.05  # the jaw
    bins = by_pose([-9.9, 10, 5, -45], errors)
    assert [(b.low, b.offered, b.detected) for b in bins] == [
        (0, 2, 2),
        (10, 1, 0),
        (20, 0, 0),
        (30, 1, 1),
    ]
    assert bins[0].mean == pytest.approx((0.01 * 51 / 68 + 0.05 * 17 / 68 + 0.03) / 2)
    assert bins[0].parts["jaw"] == pytest.approx(0.04)
    assert bins[0].parts["left_eye"] == pytest.approx(0.02)
    assert np.isnan(bins[1].mean)
    assert np.isnan(bins[2].parts["jaw"])
    assert bins[3].mean == bins[3].worst == pytest.approx(0.2)


def test_depth_error_is_blind_to_scale_and_shift_alone():
    rng = np.random.default_rng(1)
    exact = rng.uniform(0, 1, (20, 20))
    face = np.zeros((20, 20), bool)
    face[5:15, 5:15] = True
    around = rng.uniform(0, 9, (20, 20))
    found = np.where(face, 0.2 + 0.5 * exact, around)
    assert depth_error(found, exact, face) == pytest.approx(0, abs=1e-12)
    assert depth_error(np.full((20, 20), 0.3), exact, face) == pytest.approx(1)
    # By hand: 1, 2, 3 seen as 1, 3, 2. The best scale is 1/2: what remains is 1/2 of the variance
    # of y that a correlation of 1/2 leaves, 1 - 1/4.
    y, x = np.array([[1.0, 2, 3]]), np.array([[1.0, 3, 2]])
    assert depth_error(x, y, np.ones((1, 3), bool)) == pytest.approx(np.sqrt(0.75))
    assert depth_error(-found, exact, face) == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="same all over"):
        depth_error(found, np.ones((20, 20)), face)
