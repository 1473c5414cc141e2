import functools
import os
import platform
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from sketchface_models.errors import SketchFaceError
from synthetic_faces import STYLES, Rendering, render
from synthetic_faces.geometry.camera import Camera, Lattice
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.ground_truth import points_3d
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.randomness import stream
from synthetic_faces.ranges import ALLOWED_WORDS
from synthetic_faces.scene import Scene

SIZE = 192
IDS = tuple(range(14))
FACE = (*range(Label.SKIN, Label.NOSE + 1), *range(Label.L_EYE, Label.R_BROW + 1))
ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def face(id: int) -> Rendering:
    return render(0, id, SIZE)


def digest(rendering: Rendering) -> str:
    import hashlib

    parts = [rendering.photo, rendering.labels, rendering.depth, rendering.landmarks]
    parts += [rendering.sketch(style) for style in STYLES]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def label_at(rendering: Rendering, point: np.ndarray) -> int:
    x, y = np.floor(point).astype(int)
    return int(rendering.labels[y, x])


def near(rendering: Rendering, point: np.ndarray, names: tuple[int, ...], reach: float) -> bool:
    rows, columns = np.nonzero(np.isin(rendering.labels, names))
    return (
        len(rows) > 0 and np.hypot(columns + 0.5 - point[0], rows + 0.5 - point[1]).min() <= reach
    )


# --- determinism -----------------------------------------------------------------------------


def test_same_bits_in_another_process_and_another_order():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.synthetic_faces.test_rendering import *\n"
        "render(0, 5, 64); render(1, 3, 96).sketch(1)\n"
        "print(digest(render(0, 3, 96)))"
    )
    run = [sys.executable, "-c", code, str(ROOT)]
    other = subprocess.run(run, capture_output=True, text=True, check=True, cwd=ROOT)
    assert other.stdout.strip() == digest(render(0, 3, 96))


OLDER = {
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3",
    "OPENCV_CPU_DISABLE": "AVX2,FMA3",
    "OPENBLAS_CORETYPE": "Nehalem",
}
"""Makes numpy, OpenCV and BLAS compute as they do on a processor of 2009."""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names x86 features")
def test_another_processor_draws_the_same_face(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.synthetic_faces.test_rendering import *\n"
        "it = render(0, 3, 128)\n"
        "np.savez(sys.argv[2], photo=it.photo, labels=it.labels, sketch=it.sketch(1))\n"
        "print(repr(it.parameters))"
    )
    run = [sys.executable, "-c", code, str(ROOT), str(tmp_path / "face.npz")]
    other = subprocess.run(
        run, capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, **OLDER}
    )
    it = render(0, 3, 128)
    assert other.stdout.strip() == repr(it.parameters)
    with np.load(tmp_path / "face.npz") as saved:
        for kind, mine in (("photo", it.photo), ("labels", it.labels), ("sketch", it.sketch(1))):
            apart = np.abs(saved[kind].astype(int) - mine)
            assert np.mean(apart > (kind != "labels")) < 1e-4, kind


def test_a_sketch_does_not_depend_on_the_ones_drawn_before():
    fresh = render(0, 4, 96)
    used = render(0, 4, 96)
    for style in STYLES:
        used.sketch(style)
    assert np.array_equal(fresh.sketch(2), used.sketch(2))


def test_seed_and_id_change_the_face():
    assert sample_person(0, 1) != sample_person(0, 2)
    assert sample_person(0, 1) != sample_person(1, 1)
    assert (
        sample_person(0, 17)
        == sample_person(0, "synthetic-000017")
        == sample_person(0, np.int64(17))
    )


def test_streams_of_one_face_are_independent():
    first = stream(0, 1, "parameters").random(8)
    assert not np.array_equal(first, stream(0, 1, "skin").random(8))
    assert np.array_equal(first, stream(0, "synthetic-000001", "parameters").random(8))


def test_the_same_face_at_another_size():
    small, large = render(0, 6, 128), render(0, 6, 256)
    assert small.parameters == large.parameters
    np.testing.assert_allclose(small.landmarks * 2, large.landmarks, atol=1e-9)
    agree = small.labels == large.labels[1::2, 1::2]
    assert agree.mean() > 0.97


# --- what is handed out ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [32, 96, 250])
def test_shapes_and_types(size):
    it = render(0, 2, size)
    assert it.photo.shape == (size, size, 3)
    assert it.photo.dtype == np.uint8
    assert it.labels.shape == it.depth.shape == it.sketch(1).shape == (size, size)
    assert it.labels.dtype == it.sketch(1).dtype == np.uint8
    assert it.depth.dtype == np.float32
    assert it.landmarks.shape == (68, 2)


@pytest.mark.parametrize("size", [97, 99])
@pytest.mark.parametrize("id", [7, 16])
def test_hair_that_reaches_the_edge_of_an_odd_picture(id, size):
    """The canvas is then no whole number of the cells in which strands look for the border."""
    it = render(0, id, size)
    assert (it.labels[-1] == Label.HAIR).any()
    assert it.photo.shape == (size, size, 3)


@pytest.mark.parametrize("size", [0, -3, 64.0, "64", True, None])
def test_an_invalid_size_is_refused(size):
    with pytest.raises(SketchFaceError, match=r"^size: .*; allowed: a whole number of pixels"):
        render(0, 1, size)


@pytest.mark.parametrize("id", [-1, 1.5, True, None])
def test_an_invalid_id_is_refused(id):
    with pytest.raises(SketchFaceError, match=r"^face id: .*; allowed: a text, or a whole number"):
        render(0, id, 32)


@pytest.mark.parametrize("style", [0, 4])
def test_an_unknown_style_is_refused(style):
    with pytest.raises(SketchFaceError, match="style"):
        face(0).sketch(style)


def test_parameters_are_frozen_and_varied():
    people = [sample_person(0, id) for id in range(400)]
    with pytest.raises(AttributeError):
        people[0].shape.width = 2.0
    for name, words in ALLOWED_WORDS.items():
        group, field = name.split(".")
        assert {getattr(getattr(p, group), field) for p in people} == set(words), name
    tones = np.array([p.skin.tone for p in people]).mean(1)
    assert tones.min() < 80
    assert tones.max() > 200
    assert 0.05 < np.mean([p.mouth.opening > 0 for p in people]) < 0.6
    assert np.mean([p.hair.beard > 0 for p in people]) > 0.08
    yaw = np.array([p.view.yaw for p in people])
    assert 12 < yaw.std() < 20
    assert np.abs(yaw).max() <= 45


# --- landmarks -------------------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_landmarks_follow_ibug_order(id):
    p = face(id).landmarks
    assert p[36, 0] < p[39, 0] < p[42, 0] < p[45, 0]  # eye corners from left to right
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert p[upper, 1] < p[lower, 1]
    # The tail of the far brow may turn behind the temple, by a hair.
    assert np.all(np.diff(p[17:27, 0]) > -0.02 * (p[45, 0] - p[36, 0]))
    assert np.all(np.diff(p[27:31, 1]) > 0)  # bridge, downward
    assert np.all(np.diff(p[31:36, 0]) > 0)
    assert p[48, 0] < p[60, 0] < p[64, 0]
    if abs(face(id).parameters.view.yaw) < 30:  # the far corner turns round the teeth
        assert p[60, 0] < p[64, 0] < p[54, 0]
    assert p[51, 1] < p[62, 1] <= p[66, 1] + 1e-6
    assert p[66, 1] < p[57, 1]
    if abs(face(id).parameters.view.yaw) < 20:  # else the points of the far jaw crowd together
        assert np.all(np.diff(p[0:9, 1]) > 0)  # ear to chin
        assert np.all(np.diff(p[8:17, 1]) < 0)
    assert p[0, 0] < p[8, 0] < p[16, 0]
    assert p[19, 1] < p[37, 1] < p[30, 1] < p[51, 1] < p[8, 1]


@pytest.mark.parametrize("id", IDS)
def test_landmarks_lie_on_their_labels(id):
    it = face(id)
    unit = np.linalg.norm(it.landmarks[45] - it.landmarks[36])
    over = (Label.HAIR, Label.GLASSES, Label.HAT)
    if it.visible[30]:
        assert near(it, it.landmarks[30], (Label.NOSE,), 0.02 * unit)
    eyes = it.parameters.eyes
    for lid, eye, name in (
        (eyes.lid_right, (36, 42), Label.R_EYE),
        (eyes.lid_left, (42, 48), Label.L_EYE),
    ):
        for point in it.landmarks[slice(*eye)][it.visible[slice(*eye)]]:
            assert lid == 0 or near(it, point, (name, *over), 0.06 * unit)
    lips = (Label.UPPER_LIP, Label.LOWER_LIP, Label.MOUTH)
    for point in it.landmarks[48:68][it.visible[48:68]]:
        assert near(it, point, lips, 0.05 * unit)
    for point in it.landmarks[18:22][it.visible[18:22]]:  # the tail is a hair's breadth
        assert near(it, point, (Label.R_BROW, *over), 0.06 * unit)


@pytest.mark.parametrize("id", IDS)
def test_the_jaw_runs_along_the_outline_of_the_face(id):
    it = face(id)
    unit = np.linalg.norm(it.landmarks[45] - it.landmarks[36])
    inside = np.isin(it.labels, (*range(1, 8), Label.MOUTH, Label.UPPER_LIP, Label.LOWER_LIP))
    padded = np.pad(inside, 1)
    eroded = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    rows, columns = np.nonzero(inside & ~eroded)
    # The side turned to us ends at the ear, not at the outline; a long beard hides the chin.
    reach = 0.10 + 0.012 * abs(it.parameters.view.yaw) + 1.2 * it.parameters.hair.beard_length
    for point in it.landmarks[2:15]:
        assert np.hypot(columns + 0.5 - point[0], rows + 0.5 - point[1]).min() < reach * unit


@pytest.mark.parametrize("yaw", [-24, 24])
def test_the_far_jaw_slides_to_the_visible_edge(yaw):
    base = sample_person(0, 11)
    turned = replace(base, view=replace(base.view, yaw=float(yaw), roll=0.0, pitch=0.0))
    scene = Scene(turned)
    far = scene.camera.project(points_3d(scene))[[14, 15] if yaw > 0 else [1, 2]]
    heights = scene.anatomy.stretched(np.array([0.28, 0.58]))
    theta = np.radians(np.linspace(-150, 150, 601))
    rows = scene.project(scene.surface.around(theta[None, :], heights[:, None]))[..., 0]
    edge = rows.max(1) if yaw > 0 else rows.min(1)
    np.testing.assert_allclose(np.sort(far[:, 0]), np.sort(edge), atol=0.004)


def test_a_frontal_face_is_framed_as_asked():
    base = sample_person(0, 12)
    view = replace(base.view, yaw=0.0, pitch=0.0, roll=0.0, eye_distance=0.32)
    scene = Scene(replace(base, view=view, eyes=replace(base.eyes, spacing=1.0, size=1.0)))
    corners = scene.surface.at(np.array([scene.anatomy.eyes[k].outer for k in (0, 1)]))
    seen = scene.project(corners)
    assert np.linalg.norm(seen[1] - seen[0]) == pytest.approx(0.32, rel=0.02)


def test_faces_are_framed_like_portraits():
    for id in IDS:
        it = face(id)
        eyes = it.landmarks[36:48].mean(0) / SIZE
        turn = np.sin(np.radians(it.parameters.view.yaw))
        assert abs(eyes[0] - 0.5 - 0.1 * turn) < 0.03
        assert 0.37 < eyes[1] < 0.53
        assert it.landmarks[8, 1] < 0.95 * SIZE


def test_yaw_turns_the_nose_to_the_right():
    base = sample_person(0, 3)

    def nose(yaw: float) -> float:
        scene = Scene(replace(base, view=replace(base.view, yaw=yaw)))
        tip = scene.project(scene.surface.at(np.array([[0.0, 0.43]])))[0, 0]
        return tip - base.view.eye_x

    assert nose(-20) < nose(0) < nose(20)


def test_the_camera_centres_the_eye_line():
    view = sample_person(0, 1).view
    points = np.array([[-0.6, 0, 0.9], [0.6, 0, 0.9]])
    camera = Camera(view, points)
    seen = camera.project(camera.to_world(points)).mean(0)
    np.testing.assert_allclose(seen, [view.eye_x, view.eye_y])


# --- labels ----------------------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_labels_have_the_parts_of_a_face(id):
    it = face(id)
    present = set(np.unique(it.labels))
    assert present <= set(range(19))
    assert {0, Label.SKIN, Label.NOSE, Label.UPPER_LIP, Label.LOWER_LIP, Label.NECK} <= present
    assert (Label.HAIR in present) == (it.parameters.hair.style != "bald")
    assert (Label.GLASSES in present) == (it.parameters.wear.glasses != "none")
    if it.parameters.mouth.opening > 0.05:
        assert Label.MOUTH in present


def test_left_is_the_subjects_left():
    """CelebAMask-HQ's l_ parts lie in the right half of the image."""
    for id in IDS:
        it = face(id)
        for left, right in ((Label.L_EYE, Label.R_EYE), (Label.L_BROW, Label.R_BROW)):
            columns = [np.nonzero(it.labels == name)[1] for name in (left, right)]
            if len(columns[0]) and len(columns[1]):
                assert columns[0].mean() > columns[1].mean()


def test_labels_agree_with_depth_about_what_is_there():
    for id in IDS:
        it = face(id)
        empty = it.depth == 0
        glasses = it.labels == Label.GLASSES  # their frame may stand out over the background
        assert np.array_equal(empty & ~glasses, (it.labels == Label.BACKGROUND) & ~glasses)


# --- depth -----------------------------------------------------------------------------------


@pytest.mark.parametrize("id", IDS)
def test_depth_is_nearest_at_the_nose(id):
    it = face(id)
    assert it.depth.min() == 0
    assert 0.99 < it.depth.max() <= 1
    assert it.depth[0, 0] == 0
    bare = np.isin(it.labels, FACE)  # without hair, brims and glasses, which may be nearer
    row, column = np.unravel_index(np.argmax(it.depth * bare), it.depth.shape)
    assert it.labels[row, column] == Label.NOSE or abs(it.parameters.view.yaw) > 25
    x, y = np.floor(it.landmarks[30]).astype(int)
    tip = it.depth[y - 1 : y + 2, x - 1 : x + 2].max()
    assert tip > 0.9 * it.depth[bare].max()
    for point in (it.landmarks[36], it.landmarks[45], it.landmarks[8]):
        px, py = np.floor(point).astype(int)
        assert it.depth[py - 1, px] < tip


# --- photo and sketch ------------------------------------------------------------------------


def test_light_comes_from_its_side():
    base = sample_person(0, 11)
    from synthetic_faces.looks.lighting import illuminate

    scene = Scene(replace(base, view=replace(base.view, yaw=0.0)))
    geometry = scene.geometry(Lattice(128, 1))
    for azimuth in (-55.0, 55.0):
        light = illuminate(replace(base.light, azimuth=azimuth), geometry, scene.camera.scale * 128)
        facing = np.clip(geometry.normal @ light.key, 0, None) * light.lit
        right = geometry.map(geometry.normal[:, 0])[geometry.z > -np.inf] > 0.5
        left = geometry.normal[:, 0] < -0.5
        brighter = facing[right].mean() - facing[left].mean()
        assert np.sign(brighter) == np.sign(azimuth)


@pytest.mark.parametrize("id", IDS)
def test_ink_grows_with_the_style(id):
    ink = [255 - face(id).sketch(style).mean() for style in STYLES]
    assert 2 < ink[0] < ink[1] < ink[2]
    assert ink[2] > 1.4 * ink[0]


def test_sketches_are_dark_lines_on_white_paper():
    for id in IDS:
        for style in STYLES:
            page = face(id).sketch(style)
            assert np.median(page[:4]) > 244
            assert page.min() < 90
            assert np.unique(page).size > 60  # anti-aliased


def test_hatching_follows_the_light():
    """In style 3 the side that is turned away from the light carries more ink."""
    darker = []
    for id in IDS:
        it = face(id)
        skin = it.labels == Label.SKIN
        middle = it.landmarks[27:31, 0].mean()
        columns = np.broadcast_to(np.arange(SIZE), skin.shape)
        page = it.sketch(3).astype(float)
        left = page[skin & (columns < middle)].mean()
        right = page[skin & (columns > middle)].mean()
        lit = right if it.parameters.light.azimuth > 0 else left
        darker.append(lit - (left + right - lit))
    assert np.mean(np.array(darker) > 0) >= 0.75
    assert np.mean(darker) > 5


def test_people_differ_on_the_sketch():
    """Blurred sketches of two people differ more than two styles' worth of the same outline."""
    import cv2

    def essence(page):
        return cv2.resize(page, (32, 32), interpolation=cv2.INTER_AREA).astype(float)

    first = {id: essence(face(id).sketch(1)) for id in IDS}
    second = {id: essence(face(id).sketch(2)) for id in IDS}
    right = 0
    for id in IDS:
        match = [np.corrcoef(second[id].ravel(), first[other].ravel())[0, 1] for other in IDS]
        right += int(np.argmax(match)) == id
    assert right >= len(IDS) - 1


def test_parameters_can_be_listed_by_name():
    named = asdict(sample_person(0, 0))
    assert set(named) == {
        *("shape", "eyes", "brows", "nose", "mouth", "skin", "hair", "wear", "view", "light"),
        "film",
    }
