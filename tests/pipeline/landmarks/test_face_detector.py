import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from made_faces import crop
from mediapipe.python.solutions import face_mesh

from face_geometry import ibug
from pipeline.landmarks.detector import Detection
from pipeline.landmarks.face_mesh import FaceMesh, _mesh, import_remedy

REFERENCE = Path(__file__).resolve().parents[4] / "shared" / "reference"


def test_chains_join_the_points_with_63_segments():
    assert len(ibug.SEGMENTS) == 63 == len(set(ibug.SEGMENTS))
    closing = {pair for pair in ibug.SEGMENTS if pair[1] < pair[0]}
    assert closing == {(41, 36), (47, 42), (59, 48), (67, 60)}
    assert {(16, 17), (26, 27), (30, 31), (30, 33)}.isdisjoint(ibug.SEGMENTS)
    assert {point for pair in ibug.SEGMENTS for point in pair} == set(range(68))


def test_flip_is_an_involution_that_keeps_chains():
    assert sorted(ibug.FLIP) == list(range(68))
    np.testing.assert_array_equal(ibug.FLIP[ibug.FLIP], np.arange(68))
    segments = {frozenset(pair) for pair in ibug.SEGMENTS}
    assert {frozenset(map(int, ibug.FLIP[list(pair)])) for pair in ibug.SEGMENTS} == segments


def test_landmarks_are_means_of_the_tabled_vertices():
    mesh = np.random.default_rng(0).normal(size=(478, 3)).astype(np.float32)
    points = ibug.from_mesh(mesh)
    assert points.shape == (68, 2)
    assert points.dtype == np.float32
    expected = [mesh[list(vertices), :2].mean(axis=0) for vertices in ibug.FROM_MESH]
    np.testing.assert_allclose(points, expected, rtol=1e-6)


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference table is not here")
def test_tables_equal_the_reference():
    reference = json.loads((REFERENCE / "landmarks_mediapipe_to_ibug68.json").read_text())
    assert [sorted(vertices) for vertices in ibug.FROM_MESH] == [
        sorted(vertices) for vertices in reference["average"]
    ]
    assert ibug.FLIP.tolist() == reference["flip"]
    assert {name: list(chain) for name, chain in ibug.CHAINS.items()} == reference["chains"]


def test_finds_the_astronaut_where_she_is(astronaut: Detection):
    points = astronaut.landmarks
    assert astronaut.mesh.shape == (478, 3)
    assert astronaut.mesh.dtype == np.float32
    assert 0.8 < astronaut.score <= 1
    # Pupils and mouth corners, read off the picture by eye.
    np.testing.assert_allclose(points[36:42].mean(axis=0), (107, 116), atol=4)
    np.testing.assert_allclose(points[42:48].mean(axis=0), (162, 119), atol=4)
    np.testing.assert_allclose(points[[48, 54]].mean(axis=0), (133, 168), atol=4)


def test_landmarks_are_in_anatomical_order(astronaut: Detection):
    x, y = astronaut.landmarks.T
    assert (np.diff(x[1:16]) > 0).all()  # jaw, from image left to right
    assert np.argmax(y) == 8  # the chin
    for chain in (range(17, 22), range(22, 27), range(31, 36), (36, 37, 38, 39), (42, 43, 44, 45)):
        assert all(x[a] < x[b] for a, b in pairwise(chain)), chain
    assert (np.diff(y[27:31]) > 0).all()  # bridge, downwards
    assert y[17:27].max() < y[36:48].min() < y[30] < y[48:68].min()
    assert y[51] < y[62] < y[66] < y[57]  # upper lip, its edge, the lower's edge, lower lip
    nose_z, ear_z = astronaut.mesh[4, 2], astronaut.mesh[[127, 356], 2]
    assert nose_z < ear_z.min()  # smaller is nearer


def test_a_picture_without_a_face_gives_none(detector: FaceMesh):
    assert detector.detect(np.full((128, 128, 3), 255, np.uint8)) is None
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    assert detector.detect(noise) is None


def test_answers_do_not_depend_on_the_order_of_photos(astronaut: Detection):
    photos = [crop(), crop(192, left=100, side=220), np.zeros((90, 90, 3), np.uint8), crop(128)]
    with FaceMesh() as first, FaceMesh() as second:
        forwards = [first.detect(photo) for photo in photos]
        backwards = [second.detect(photo) for photo in reversed(photos)][::-1]
    assert [found is None for found in forwards] == [False, False, True, False]
    np.testing.assert_array_equal(forwards[0].mesh, astronaut.mesh)
    for one, other in zip(forwards, backwards, strict=True):
        if one is not None:
            np.testing.assert_array_equal(one.mesh, other.mesh)
            assert one.score == other.score


def test_takes_the_largest_face_then_the_most_central(detector: FaceMesh):
    photo = np.full((256, 640, 3), 200, np.uint8)
    photo[60:216, 20:176] = crop(156)
    photo[:, 300:556] = crop()
    assert detector.detect(photo).landmarks[30, 0] > 300
    twins = np.full((256, 640, 3), 200, np.uint8)
    twins[:, :256] = crop()
    twins[:, 272:528] = crop()
    assert detector.detect(twins).landmarks[30, 0] > 272


def test_photo_may_be_a_view_but_must_be_rgb(detector: FaceMesh, astronaut: Detection):
    mirrored = detector.detect(crop()[:, ::-1])
    x = 256 - astronaut.landmarks[ibug.FLIP, 0]
    np.testing.assert_allclose(mirrored.landmarks[:, 0], x, atol=4)
    for wrong in (crop()[..., 0], crop().astype(np.float32), np.zeros((9, 9, 4), np.uint8)):
        with pytest.raises(ValueError, match="photo"):
            detector.detect(wrong)


def test_answers_are_those_of_mediapipes_own_class(astronaut: Detection):
    with face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=5, refine_landmarks=True
    ) as reference:
        points = reference.process(crop()).multi_face_landmarks[0].landmark
    expected = np.array([(p.x, p.y, p.z) for p in points]) * 256
    np.testing.assert_allclose(astronaut.mesh, expected, rtol=1e-6)


def test_bulk_reading_of_landmarks_equals_reading_one_by_one(detector: FaceMesh):
    face = detector._process(crop())[0][0]
    expected = np.array([(p.x * 300, p.y * 200, p.z * 300) for p in face.landmark], np.float32)
    np.testing.assert_allclose(_mesh(face, 300, 200), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("libGL.so.1: cannot open shared object file", "libgl1"),
        ("libGLESv2.so.2: cannot open shared object file", "libgles2"),
        ("libEGL.so.1: cannot open shared object file", "libegl1"),
        ("libgthread-2.0.so.0: cannot open shared object file", "libglib2.0-0"),
        ("libgomp.so.1: cannot open shared object file", "libgomp1"),
        ("No module named 'cv2'", "sketchface[pipeline]"),
        ("No module named 'mediapipe'", "sketchface[pipeline]"),
    ],
)
def test_a_failed_import_names_what_to_install(reason: str, remedy: str):
    line = import_remedy(ImportError(reason))
    assert reason in line
    assert line.rstrip("'").endswith(remedy)
    assert "\n" not in line


@pytest.mark.parametrize(
    ("missing", "remedy"),
    [
        ("libGLESv2.so.2: cannot open shared object file", "install the Debian package libgles2"),
        ("libGL.so.1: cannot open shared object file", "install the Debian package libgl1"),
    ],
)
def test_set_up_ends_in_the_same_line(missing: str, remedy: str, tmp_path: Path):
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, str(root / "tools" / "check_libraries.py")]

    def check(path: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    (tmp_path / "mediapipe.py").write_text(f"raise ImportError({missing!r})\n")
    done = check(f"{tmp_path}{os.pathsep}{root}")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"error: {missing}; {remedy}"]
    assert done.stdout == ""


def test_a_process_that_finds_faces_writes_nothing_to_stderr():
    code = (
        "import sys; sys.path[:0] = ['tests/helpers']\n"
        "from made_faces import crop\n"
        "from pipeline.landmarks.face_mesh import FaceMesh\n"
        "with FaceMesh() as detector:\n"
        "    print(sum(detector.detect(crop()) is not None for _ in range(2)))\n"
    )
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.split() == ["2"]
    assert done.stderr == ""


def test_matplotlib_stays_out_and_mediapipe_can_be_imported_whole_afterwards():
    code = """
import sys, skimage.data
from pipeline.landmarks.face_mesh import FaceMesh
photo = skimage.data.astronaut()
with FaceMesh() as detector:
    first = detector.detect(photo).landmarks
    assert "matplotlib" not in sys.modules
    import mediapipe
    assert mediapipe.solutions.drawing_utils.draw_landmarks and mediapipe.Image
    assert (detector.detect(photo).landmarks == first).all()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
