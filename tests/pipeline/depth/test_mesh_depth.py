import numpy as np
import pytest

from pipeline.depth.mesh import mesh_depth
from pipeline.landmarks.detector import Detection


def test_depth_of_a_face(astronaut: Detection):
    depth = mesh_depth(astronaut.mesh, 256)
    assert depth.shape == (256, 256)
    assert depth.dtype == np.float32
    assert depth.min() == 0
    assert 0.97 < depth.max() <= 1
    y, x = np.unravel_index(depth.argmax(), depth.shape)
    tip = astronaut.mesh[[1, 4], :2].mean(axis=0)
    assert np.hypot(x + 0.5 - tip[0], y + 0.5 - tip[1]) < 6  # the tip of the nose is nearest
    z = astronaut.mesh[:468, 2]
    for vertex in (151, 5, 50, 280, 199):  # forehead, nose, cheeks, chin
        column, row = np.floor(astronaut.mesh[vertex, :2]).astype(int)
        expected = (z.max() - z[vertex]) / (z.max() - z.min())
        assert depth[row, column] == pytest.approx(expected, abs=0.03)
    assert (depth[:20] == 0).all()
    assert (depth[250:] == 0).all()


def test_depth_scales_with_the_picture(astronaut: Detection):
    full, half = mesh_depth(astronaut.mesh, 256), mesh_depth(astronaut.mesh / 2, 128)
    mean = full.reshape(128, 2, 128, 2).mean(axis=(1, 3))
    assert np.abs(mean - half)[(mean > 0.1) & (half > 0.1)].mean() < 0.01
