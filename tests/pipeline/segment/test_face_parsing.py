import numpy as np
import pytest

from face_geometry.palette import CLASSES, COLOURS, FLIP, INDEX, colourise, flip_labels
from pipeline.landmarks.detector import Detection
from pipeline.segment.segment import mesh_labels


def test_palette_has_19_distinct_colours_in_celebamask_order():
    assert len(CLASSES) == len(COLOURS) == 19
    assert len({tuple(colour) for colour in COLOURS.tolist()}) == 19
    assert [INDEX[name] for name in ("background", "skin", "mouth", "hair", "cloth")] == [
        *(0, 1, 10, 13, 18)
    ]
    assert COLOURS[INDEX["hair"]].tolist() == [0, 0, 204]
    assert COLOURS[INDEX["r_brow"]].tolist() == [51, 255, 255]


def test_colourise_paints_each_label_and_refuses_others():
    labels = np.arange(19, dtype=np.uint8).reshape(1, 19)
    np.testing.assert_array_equal(colourise(labels)[0], COLOURS)
    for wrong in (19, 255):
        with pytest.raises(ValueError, match="0 to 18"):
            colourise(np.full((2, 2), wrong, np.uint8))


def test_flip_swaps_left_and_right_parts_alone():
    np.testing.assert_array_equal(FLIP[FLIP], np.arange(19))
    moved = {CLASSES[i]: CLASSES[FLIP[i]] for i in range(19) if FLIP[i] != i}
    assert moved == {
        "l_eye": "r_eye",
        "l_brow": "r_brow",
        "l_ear": "r_ear",
        "r_eye": "l_eye",
        "r_brow": "l_brow",
        "r_ear": "l_ear",
    }


def test_flipping_labels_twice_changes_nothing():
    labels = np.random.default_rng(0).integers(0, 19, (3, 8, 9)).astype(np.uint8)
    flipped = flip_labels(labels)
    assert flipped[0, 0, 0] == FLIP[labels[0, 0, -1]]
    assert flipped.dtype == np.uint8
    np.testing.assert_array_equal(flip_labels(flipped), labels)


def test_mesh_labels_put_parts_where_the_landmarks_are(astronaut: Detection):
    labels = mesh_labels(astronaut.mesh, 256)
    assert labels.shape == (256, 256)
    assert labels.dtype == np.uint8
    known = ("background", "skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth")
    assert set(np.unique(labels)) == {INDEX[name] for name in (*known, "u_lip", "l_lip")}

    def centre(name: str) -> np.ndarray:
        rows, columns = np.nonzero(labels == INDEX[name])
        return np.array([columns.mean(), rows.mean()]) + 0.5

    points = astronaut.landmarks
    for name, chain in (
        *(("r_eye", range(36, 42)), ("l_eye", range(42, 48)), ("mouth", range(60, 68))),
        *(("r_brow", range(17, 22)), ("l_brow", range(22, 27))),
    ):
        np.testing.assert_allclose(centre(name), points[list(chain)].mean(axis=0), atol=4)
    assert centre("u_lip")[1] < centre("mouth")[1] < centre("l_lip")[1]
    assert labels[0, 0] == 0


def test_mesh_labels_take_the_class_at_each_pixels_centre():
    mesh = np.zeros((478, 2))
    from pipeline.segment.segment import OVAL

    corners = np.array([(10.0, 20.0), (30.0, 20.0), (30.0, 50.0), (10.0, 50.0)])
    mesh[list(OVAL)] = corners[np.arange(36) * 4 // 36]
    labels = mesh_labels(mesh, 64)
    expected = np.zeros((64, 64))
    expected[20:50, 10:30] = INDEX["skin"]
    # All other parts lie in the corner (0, 0).
    np.testing.assert_array_equal(labels[2:, 2:], expected[2:, 2:])
