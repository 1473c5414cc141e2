"""Where eyes and mouth of a map are, whatever was done to it, and classes in another order."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from made_maps import RENUMBERED, smoothed
from PIL import Image

from face_geometry.align import eyes_and_mouth, similarity
from face_geometry.palette import CLASSES, INDEX, colourise, flip_labels
from pipeline.translation.map_layout import (
    OTHER_ORDER,
    in_other_order,
    map_features,
    placed_features,
)
from pipeline.translation.parsing_map import read_map
from synthetic_faces import Rendering, render

SIZE = 256
EYES = ("l_eye", "r_eye")
MOUTH = ("mouth", "u_lip", "l_lip")


@pytest.fixture(scope="module")
def face() -> Rendering:
    return render(5, 4, SIZE)


@pytest.fixture(scope="module")
def faces() -> list[np.ndarray]:
    labels = [render(7, number, SIZE).labels for number in range(12)]
    return [each for each in labels if map_features(each) is not None]


def without(labels: np.ndarray, *names: str) -> np.ndarray:
    """Skin where these parts were."""
    gone = np.isin(labels, [INDEX[name] for name in names])
    return np.where(gone, INDEX["skin"], labels).astype(np.uint8)


def difference(features: np.ndarray | None, expected: np.ndarray | None) -> tuple[float, float]:
    """How much the framing changes: scale, as a part, and degrees."""
    assert features is not None
    assert expected is not None
    change = similarity(features, expected)
    scale = float(np.hypot(change[0, 0], change[1, 0]))
    return abs(scale - 1), abs(float(np.degrees(np.arctan2(change[1, 0], change[0, 0]))))


def test_eyes_and_mouth_of_a_map_are_those_of_its_landmarks(face: Rendering) -> None:
    features = map_features(face.labels)
    assert features is not None
    expected = eyes_and_mouth(face.landmarks)
    apart = np.hypot(*(expected[1] - expected[0]))
    assert np.abs(features - expected).max() < 0.08 * apart
    # A map whose left and right parts were not exchanged as it was mirrored is not upside down.
    mirrored = map_features(face.labels[:, ::-1])
    assert mirrored is not None
    right = map_features(flip_labels(face.labels))
    np.testing.assert_allclose(mirrored, right, atol=1e-9)
    turned = map_features(np.ascontiguousarray(np.rot90(face.labels, 2)))
    assert turned is not None
    np.testing.assert_allclose(turned, SIZE - features, atol=1e-9)
    assert map_features(without(face.labels, "l_eye")) is None


@pytest.mark.parametrize("place", [(250, 3), (3, 250), (128, 252), (60, 60)])
def test_stray_pixels_do_not_move_the_face(face: Rendering, place: tuple[int, int]) -> None:
    clean = map_features(face.labels)
    for name in (*EYES, *MOUTH):
        strays = face.labels.copy()
        strays[place[0] : place[0] + 3, place[1] : place[1] + 2] = INDEX[name]
        np.testing.assert_array_equal(map_features(strays), clean)


def test_an_eye_that_hair_divides_is_whole(face: Rendering) -> None:
    columns = np.nonzero(face.labels == INDEX["l_eye"])[1]
    strand = face.labels.copy()
    strand[:, int(columns.mean())] = INDEX["hair"]
    assert max(difference(map_features(strand), map_features(face.labels))) < 0.5
    (_, left, _), (_, expected, _) = map_features(strand), map_features(face.labels)
    assert np.abs(left - expected).max() < 1


@pytest.mark.parametrize(
    ("quality", "scale", "degrees"), [(90, 0.06, 2), (75, 0.06, 2.5), (50, 0.06, 2.5), (30, 0.1, 5)]
)
def test_jpegs_are_framed_like_the_maps_that_they_show(
    tmp_path: Path, faces: list[np.ndarray], quality: int, scale: float, degrees: float
) -> None:
    for labels in faces:
        Image.fromarray(colourise(labels)).save(tmp_path / "map.jpg", quality=quality)
        features = map_features(read_map(tmp_path / "map.jpg").labels)
        changes = difference(features, map_features(labels))
        assert changes[0] < scale
        assert changes[1] < degrees


def test_smoothed_maps_are_framed_like_sharp_ones(tmp_path: Path, faces: list[np.ndarray]) -> None:
    for labels in faces:
        expected = map_features(labels)
        Image.fromarray(smoothed(labels, 3 * SIZE // 4)).save(tmp_path / "colours.png")
        Image.fromarray(cv2.resize(labels, (2 * SIZE, 2 * SIZE))).save(tmp_path / "values.png")
        for name, side in (("colours.png", 3 * SIZE // 4), ("values.png", 2 * SIZE)):
            features = map_features(read_map(tmp_path / name).labels)
            assert features is not None
            change, degrees = difference(features * SIZE / side, expected)
            assert change < 0.04
            assert degrees < 1.5


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("r_eye",), "no right eye; "),
        (EYES, "no right eye and no left eye; "),
        (MOUTH, "no mouth; "),
        ((*EYES, *MOUTH), "no right eye and no left eye and no mouth; "),
        ((*EYES, "l_brow", "r_brow"), "no right eye and no left eye; "),
    ],
)
def test_missing_eyes_and_mouths_are_where_other_parts_say(
    faces: list[np.ndarray], names: tuple[str, ...], words: str
) -> None:
    off = []
    for labels in faces:
        expected = map_features(labels)
        for each, truth in (
            (labels, expected),
            (flip_labels(labels), map_features(flip_labels(labels))),
            (np.ascontiguousarray(labels[:, ::-1]), map_features(labels[:, ::-1])),
        ):
            features, note = placed_features(without(each, *names))
            assert note == f"has {words}framed by the other parts of the face"
            assert features is not None
            assert truth is not None
            off.append(np.abs(features - truth).max() / np.hypot(*(truth[1] - truth[0])))
    assert np.median(off) < 0.2
    assert max(off) < 0.5


def test_an_eye_that_is_there_stays_where_it_is(face: Rendering) -> None:
    expected = map_features(face.labels)
    features, _ = placed_features(without(face.labels, "r_eye"))
    assert features is not None
    assert expected is not None
    np.testing.assert_array_equal(features[1], expected[1])
    assert np.abs(features[0] - expected[0]).max() < 0.15 * (expected[1] - expected[0])[0]
    assert placed_features(face.labels)[1] == ""


def test_glasses_on_the_hair_do_not_lift_the_eyes(face: Rendering) -> None:
    eyeless = without(face.labels, "eye_g", *EYES)
    expected, _ = placed_features(eyeless)
    eyeless[5:25, 90:170] = INDEX["eye_g"]
    features, _ = placed_features(eyeless)
    assert features is not None
    assert expected is not None
    assert np.abs(features - expected).max() < 1


def test_too_little_of_a_face_is_not_placed(face: Rendering) -> None:
    bare = np.where(np.isin(face.labels, (0, 1, 13)), face.labels, 1).astype(np.uint8)
    note = "has no right eye and no left eye and no mouth; fitted as a page"
    assert placed_features(bare) == (None, note)
    assert placed_features(np.zeros((64, 64), np.uint8)) == (None, note)


def test_classes_in_another_order_show_by_their_places(faces: list[np.ndarray]) -> None:
    assert set(OTHER_ORDER) == set(CLASSES)
    for labels in faces:
        for each in (labels, labels[:, ::-1], np.rot90(labels), np.rot90(labels, 2)):
            sharp = np.ascontiguousarray(each)
            assert not in_other_order(sharp)
            assert in_other_order(RENUMBERED[sharp])
            assert not in_other_order(without(sharp, *EYES, "hair"))
    assert not in_other_order(np.where(labels == 1, 1, 0).astype(np.uint8))
