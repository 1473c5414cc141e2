"""Hats, glasses, jewellery and clothes: where they lie, what they hide, how often they are."""

import functools
from collections import Counter

import numpy as np
import pytest
from dressed_faces import SIZE, face, near, parameters, rows

from synthetic_faces import render
from synthetic_faces.figure.hats import PRESSED, pressed, rim_height
from synthetic_faces.figure.hats import hat as hat_meshes
from synthetic_faces.figure.neckwear import path
from synthetic_faces.geometry.camera import lattice
from synthetic_faces.geometry.meshes import Label, Part, ball, tube
from synthetic_faces.geometry.zbuffer import rasterise, visible
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.ranges import check
from synthetic_faces.scene import Scene


@functools.cache
def people_sampled(count: int = 300):
    return [sample_person(0, id) for id in range(count)]


# --- every class occurs ----------------------------------------------------------------------


def test_all_nineteen_classes_occur_among_a_few_faces():
    """Among ten as they come, and a few of each rare thing."""
    rare = (
        [p.wear.hat != "none" for p in people_sampled()],
        [p.wear.necklace != "none" for p in people_sampled()],
        [p.wear.earrings > 0 and abs(p.view.yaw) > 15 for p in people_sampled()],
    )
    wearing = {int(id) for each in rare for id in np.flatnonzero(each)[:4]}
    occurrences: Counter[int] = Counter()
    for id in {*range(10)} | wearing:
        occurrences.update(set(np.unique(render(0, id, 80).labels).tolist()))
    assert set(occurrences) == set(range(19))
    assert all(count >= 2 for count in occurrences.values())


def test_all_hats_and_necklaces_occur_and_most_faces_wear_none():
    people = people_sampled()
    kinds = {p.wear.hat for p in people}, {p.wear.necklace for p in people}
    assert kinds[0] == {"none", "beanie", "cap", "brim"}
    assert kinds[1] == {"none", "beads", "chain", "pendant"}
    assert 0.06 < np.mean([p.wear.hat != "none" for p in people]) < 0.2
    assert 0.05 < np.mean([p.wear.necklace != "none" for p in people]) < 0.25
    assert {p.wear.neckline for p in people} == {"crew", "v", "collar", "scoop", "turtle"}
    dark = [p for p in people if p.wear.glasses != "none" and p.wear.tint >= 0.6]
    assert 0 < len(dark) < 0.06 * len(people)
    for p in people:
        check(p)


def test_dress_does_not_change_the_person():
    # Hats and jewellery come from a stream of their own.
    by_hat = {p.wear.hat for p in people_sampled()}
    assert len(by_hat) == 4
    assert sample_person(0, 5) == sample_person(0, 5)
    assert sample_person(0, 5).wear != sample_person(1, 5).wear


# --- hats --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["beanie", "cap", "brim"])
def test_a_hat_lies_above_the_brows_and_covers_the_hair(kind):
    for id in range(3):
        with_hat, without = face(id, wear__hat=kind), face(id)
        hat, brows = rows(with_hat, Label.HAT), rows(with_hat, Label.L_BROW, Label.R_BROW)
        assert len(hat) > 0.04 * SIZE**2
        x = with_hat.landmarks[[19, 24], 0].astype(int)
        over_face = np.nonzero(with_hat.labels[:, x[0] : x[1]] == Label.HAT)[0]
        assert over_face.max() <= brows.min()
        hair = np.count_nonzero(with_hat.labels == Label.HAIR)
        assert hair < 0.5 * np.count_nonzero(without.labels == Label.HAIR)
        # Nothing of the head stands out above it.
        top = rows(with_hat, *range(1, 19)).min()
        assert hat.min() == top


@pytest.mark.parametrize("kind", ["beanie", "cap", "brim"])
@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (45, 0), (-45, -10), (30, -20)])
def test_no_hair_comes_through_a_hat(kind, yaw, pitch):
    p = parameters(
        *(1,),
        wear__hat=kind,
        hair__style="long",
        hair__top=0.4,
        hair__side=0.25,
        hair__length=2.2,
        hair__cover=62.0,
        shape__occiput=1.12,
        view__yaw=float(yaw),
        view__pitch=float(pitch),
    )
    scene = Scene(p)
    geometry = scene.geometry(lattice(128))
    crown = hat_meshes(scene.surface, scene.camera)[0]
    # The same crown alone, without the part next to its rim.
    faces = crown.faces(crown.normals())
    faces = faces[(crown.plane[..., 1].ravel()[faces] > 0.2).all(1)]
    world = crown.points.reshape(-1, 3)
    alone = rasterise(
        geometry.cells(scene.camera.project(world)), world[:, 2], faces, geometry.side
    )
    front = alone.depth > -0.3  # the far side of the crown may lie behind the head
    part = geometry.map(geometry.part).ravel()[alone.pixel[front]]
    assert len(part) > 500
    assert np.mean(part == Part.HAT) > 0.998


def test_hair_is_pressed_under_a_hat_and_free_below_it():
    scene = Scene(parameters(2, wear__hat="beanie"))
    theta = np.linspace(-np.pi, np.pi, 9)
    rim = rim_height(scene.anatomy, theta)
    thick = np.full(9, 0.4)
    np.testing.assert_allclose(pressed(scene.anatomy, theta, rim - 0.3, thick), PRESSED)
    np.testing.assert_allclose(pressed(scene.anatomy, theta, rim + 0.5, thick), 0.4)
    bare = Scene(parameters(2)).anatomy
    np.testing.assert_array_equal(pressed(bare, theta, rim, thick), thick)


def test_a_brim_shades_the_forehead():
    light = {"light__elevation": 45.0, "light__azimuth": 10.0, "hair__fringe": 0.0}
    shaded, open_sky = (face(4, wear__hat=hat, **light) for hat in ("brim", "none"))
    # The strip of skin above the brows, at the same places relative to the eyes.
    means = []
    for it in (shaded, open_sky):
        eyes = it.landmarks[36:48].mean(0)
        unit = np.linalg.norm(it.landmarks[45] - it.landmarks[36])
        y, x = (eyes[1] - 0.32 * unit).astype(int), eyes[0].astype(int)
        means.append(it.photo[y - 1 : y + 2, x - 3 : x + 4].mean())
    assert means[0] < 0.9 * means[1]


# --- glasses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["round", "square", "cat", "aviator"])
@pytest.mark.parametrize("yaw", [0.0, 40.0])
def test_frames_lie_before_the_eyes(kind, yaw):
    with_, without = (
        face(3, size=192, wear__glasses=g, wear__tint=0.0, view__yaw=yaw) for g in (kind, "none")
    )
    frame = with_.depth > without.depth + 1e-3
    near_side = with_.landmarks[36:42] if yaw > 0 else with_.landmarks[42:48]
    x, y = near_side.mean(0).astype(int)
    unit = int(0.5 * np.linalg.norm(with_.landmarks[45] - with_.landmarks[36]))
    box = (slice(max(y - unit, 0), y + unit), slice(max(x - unit, 0), x + unit))
    assert frame[box].sum() > 30
    assert np.all(with_.labels[frame] == Label.GLASSES)
    assert with_.depth[box][frame[box]].mean() > without.depth[y, x]


def test_clear_lenses_are_labelled_like_celebamask_and_dark_ones_hide_the_eyes():
    clear = face(3, size=192, wear__glasses="square", wear__tint=0.0)
    dark = face(3, size=192, wear__glasses="square", wear__tint=0.9)
    for name in (Label.L_EYE, Label.R_EYE):
        assert np.count_nonzero(clear.labels == name) > 20
        assert np.count_nonzero(dark.labels == name) == 0
    # The lens takes the skin around the eye.
    for eye in (clear.landmarks[36:42], clear.landmarks[42:48]):
        x, low = eye[:, 0].mean().astype(int), eye[:, 1].max().astype(int)
        assert clear.labels[low + 4, x] == Label.GLASSES
    assert not dark.visible[36:48].any()
    assert clear.visible[[30, 33, 51, 57, 8]].all()
    eye = dark.landmarks[36:42].mean(0).astype(int)
    assert dark.photo[eye[1], eye[0]].mean() < 0.7 * clear.photo[low + 4, x].mean()
    assert dark.depth[eye[1], eye[0]] > clear.depth[eye[1], eye[0]]


def test_only_what_lies_behind_a_lens_is_tinted():
    base, glass = (face(3, size=192, wear__glasses=g, wear__tint=0.4) for g in ("none", "round"))
    chin = base.landmarks[8].astype(int) - np.array([0, 6])
    patch = (slice(chin[1] - 3, chin[1] + 3), slice(chin[0] - 8, chin[0] + 8))
    assert np.abs(base.photo[patch].astype(int) - glass.photo[patch]).mean() < 2
    x, y = base.landmarks[36:42].mean(0).astype(int) + np.array([0, 9])
    assert glass.photo[y, x].mean() < 0.92 * base.photo[y, x].mean()


# --- necklace, earrings, clothes -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["beads", "chain", "pendant"])
@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (45, 0), (-30, 10)])
def test_a_necklace_lies_on_neck_or_clothes(kind, yaw, pitch):
    it = face(
        6,
        size=192,
        wear__necklace=kind,
        wear__necklace_drop=0.3,
        wear__neckline="scoop",
        view__yaw=float(yaw),
        view__pitch=float(pitch),
    )
    beads = it.labels == Label.NECKLACE
    assert beads.sum() > 15
    # Above it there may be the jaw; below it there is what it lies on.
    y, x = np.nonzero(beads)
    low = {column: y[x == column].max() for column in np.unique(x)}
    below = [it.labels[min(row + 2, 191), column] for column, row in low.items()]
    assert np.isin(below, (Label.NECK, Label.CLOTH)).mean() > 0.9
    assert y.max() > it.landmarks[8, 1]


def test_a_necklace_keeps_clear_of_the_skin():
    scene = Scene(parameters(6, wear__necklace="chain", wear__necklace_drop=0.8))
    geometry = scene.geometry(lattice(192))
    line = path(scene.surface, scene.camera, 0.02)
    seen = visible(scene.camera, geometry, line, 0.06)
    middle = line[len(line) // 3 : -len(line) // 3]
    assert sum(len(part) for part in seen) > 0.8 * len(middle)


@pytest.mark.parametrize("kind", ["stud", "hoop", "drop"])
def test_earrings_hang_from_the_lobes(kind):
    it = face(7, size=192, wear__earrings=0.07, wear__earring_kind=kind, shape__ear_angle=40.0)
    rings = it.labels == Label.EARRING
    ears = np.isin(it.labels, (Label.L_EAR, Label.R_EAR))
    assert rings.sum() > 12
    assert (near(rings, 3) & ears).any()
    assert np.nonzero(rings)[0].mean() > np.nonzero(ears)[0].mean()


def test_a_turtleneck_covers_more_of_the_neck_than_a_scoop():
    bare = [
        np.count_nonzero(face(8, wear__neckline=line).labels == Label.NECK)
        for line in ("turtle", "crew", "scoop")
    ]
    assert bare[0] < 0.6 * bare[1]
    assert bare[1] < bare[2]


def test_patterned_cloth_shows_its_second_colour():
    cloth = {"wear__cloth": (40.0, 40.0, 200.0), "wear__trim": (230.0, 40.0, 40.0)}
    red = []
    for pattern in ("plain", "stripes", "checks"):
        it = face(9, wear__pattern=pattern, wear__neckline="crew", **cloth)
        pixels = it.photo[it.labels == Label.CLOTH].astype(int)
        red.append(np.mean(pixels[:, 0] > pixels[:, 2]))
    assert red[0] < 0.02
    assert min(red[1:]) > 0.15


# --- tubes --------------------------------------------------------------------------------------


def test_a_tube_keeps_its_radius_and_looks_outside():
    t = np.linspace(0, 2 * np.pi, 80)
    line = np.stack([np.cos(t), np.sin(t), 0.3 * t], axis=1)
    mesh = tube(Part.NECKLACE, line, 0.1, np.array([0.0, 0.0, 1.0]), 12)
    away = mesh.points - line[:, None]
    np.testing.assert_allclose(np.linalg.norm(away, axis=-1), 0.1)
    assert ((away * mesh.normals()).sum(-1)[:, 1:-1] > 0.09).all()
    sphere = ball(Part.HAT, np.array([1.0, 2.0, 3.0]), 0.5)
    out = sphere.points - [1.0, 2.0, 3.0]
    np.testing.assert_allclose(np.linalg.norm(out, axis=-1), 0.5)
    assert ((out * sphere.normals()).sum(-1)[1:-1, 1:-1] > 0.45).all()


@pytest.mark.parametrize("kind", ["beanie", "cap", "brim"])
@pytest.mark.parametrize(("yaw", "pitch"), [(45, 20), (-45, -20)])
def test_everything_worn_at_once_renders_at_the_ends_of_the_pose(kind, yaw, pitch):
    it = face(
        5,
        size=64,
        wear__hat=kind,
        wear__glasses="aviator",
        wear__tint=0.8,
        wear__necklace="pendant",
        wear__earrings=0.06,
        wear__earring_kind="hoop",
        hair__length=2.0,
        hair__cover=60.0,
        hair__wave=1.0,
        view__yaw=float(yaw),
        view__pitch=float(pitch),
    )
    labels = set(np.unique(it.labels).tolist())
    assert {Label.HAT, Label.GLASSES, Label.HAIR, Label.CLOTH} <= labels
    assert np.isfinite(it.depth).all()
    for style in (1, 2, 3):
        assert it.sketch(style).min() < 160
