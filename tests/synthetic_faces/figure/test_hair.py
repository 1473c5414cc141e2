"""Hair: what it covers, how it ends, and how it falls into locks."""

import numpy as np
import pytest
from dressed_faces import SIZE, TURNS, face, parameters, rows
from scipy.signal import savgol_filter

from synthetic_faces import Rendering
from synthetic_faces.figure.hair import locks
from synthetic_faces.figure.tufts import STRIP_COLUMNS, tufts
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.scene import Scene


def test_the_bald_have_no_hair():
    it = face(10, hair__style="bald", hair__cap=0.0, hair__top=0.0, hair__side=0.0)
    assert not (it.labels == Label.HAIR).any()
    assert (face(10).labels == Label.HAIR).sum() > 0.05 * SIZE**2


@pytest.mark.parametrize(("yaw", "pitch"), TURNS)
def test_hair_covers_the_skull_at_every_turn(yaw, pitch):
    it = face(11, view__yaw=float(yaw), view__pitch=float(pitch), view__eye_y=0.46)
    skin = rows(it, Label.SKIN)
    # The highest skin is forehead: no scalp shows above the hair.
    assert rows(it, Label.HAIR).min() < skin.min()
    columns = np.nonzero(it.labels == Label.HAIR)[1]
    assert np.ptp(columns) > 0.35 * SIZE


def test_long_hair_reaches_down_and_a_fringe_hides_the_forehead():
    long = {"hair__style": "long", "hair__length": 2.4, "hair__cover": 62.0}
    assert rows(face(12, **long), Label.HAIR).max() > 0.9 * SIZE
    assert rows(face(12), Label.HAIR).max() < 0.6 * SIZE

    def forehead(it: Rendering) -> float:
        """Skin above the brows, in outer-eye distances."""
        x = int(it.landmarks[27, 0])
        brow = it.landmarks[17:27, 1].min()
        unit = np.linalg.norm(it.landmarks[45] - it.landmarks[36])
        return (it.labels[: int(brow), x] == Label.SKIN).sum() / unit

    fringe = face(12, hair__style="fringe", hair__fringe=0.55, hair__sweep=0.0)
    assert forehead(fringe) < 0.5 * forehead(face(12, hair__fringe=0.0))


def roughness(**changes: object) -> float:
    """How far the outline above the brows strays from a smooth curve, in pixels, for four heads."""
    roughness = []
    for id in range(13, 17):
        it = face(id, size=192, **changes)
        left, right = it.landmarks[[17, 26], 0].astype(int)
        top = np.argmax(it.labels > 0, axis=0).astype(float)[left:right]
        roughness.append(np.abs(top - savgol_filter(top, 21, 3)).mean())
    return float(np.mean(roughness))


def test_hair_has_an_irregular_outline_and_a_bald_head_a_smooth_one():
    curly = {"hair__style": "curly", "hair__curl": 1.0, "hair__top": 0.3, "hair__side": 0.22}
    bald = {"hair__style": "bald", "hair__cap": 0.0, "hair__top": 0.0, "hair__side": 0.0}
    smooth = roughness(**bald)
    assert roughness(**curly) > 1.7 * smooth
    assert roughness() > 1.25 * smooth


def test_locks_have_a_height_and_a_tone_of_their_own():
    across = np.linspace(0, 3, 4001)[None, :]
    height, tone = locks(across, 0 * across)
    assert height.min() >= 0
    assert height.max() <= 1
    changes = np.flatnonzero(np.diff(tone[0]))
    assert 14 <= len(changes) <= 32  # six a unit, wavering
    assert height[0, changes].max() < 0.1  # tones change in the grooves alone
    assert np.abs(tone).max() <= 0.5


def test_strips_of_hair_do_not_hang_together():
    mesh = tufts(Scene(parameters(0, hair__fringe=0.3)).surface)
    assert mesh is not None
    faces = mesh.faces(mesh.normals())
    strip = faces % mesh.points.shape[1] // STRIP_COLUMNS
    assert (strip == strip[:, :1]).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals(), axis=-1), 1, atol=1e-6)
    assert tufts(Scene(parameters(0, hair__style="bald", hair__cap=0.0)).surface) is None


def test_strays_leave_labels_and_depth_alone():
    it = face(2, size=128)
    assert ((it.depth > 0) == (it.labels > 0)).all()
