import functools
from dataclasses import replace

import numpy as np
import pytest

from synthetic_faces import render_parameters
from synthetic_faces.face_parameters import Film, Light, Parameters
from synthetic_faces.figure.anatomy import Anatomy, Eye
from synthetic_faces.geometry.camera import lattice
from synthetic_faces.geometry.meshes import Label, Part
from synthetic_faces.geometry.zbuffer import Geometry
from synthetic_faces.looks.backdrop import backdrop
from synthetic_faces.looks.face_texture import FaceTexture, texels
from synthetic_faces.looks.lighting import Illumination, direction, illuminate, linear
from synthetic_faces.looks.materials import Material, materials, painted_face
from synthetic_faces.looks.photo import develop, focus, shade
from synthetic_faces.people.sampling import SKIN_TONES, sample_person
from synthetic_faces.randomness import NOISE_KINDS, NOISE_SIDE, noise_patch, noise_tile, stream
from synthetic_faces.ranges import changed
from synthetic_faces.scene import Scene

SIZE = 128
WHITE = (255.0, 255.0, 255.0)
GREY = np.array([0.2126, 0.7152, 0.0722])


@functools.cache
def sitter() -> Parameters:
    """A frontal face, bare and close-cropped, under one white key light from the front."""
    return changed(
        sample_person(0, 2),
        {
            "view.yaw": 0.0,
            "view.pitch": 0.0,
            "view.roll": 0.0,
            "hair.style": "short",
            "hair.beard": 0.0,
            "hair.moustache": 0.0,
            "hair.fringe": 0.0,
            "hair.length": 0.0,
            "wear.glasses": "none",
            "wear.hat": "none",
            "mouth.opening": 0.0,
            "mouth.smile": 0.0,
            "skin.freckles": 0.0,
            "skin.blush": 0.0,
            "skin.tone": (215.0, 173.0, 148.0),
            "skin.age": 0.2,
            "skin.moles": (),
            "light.azimuth": 0.0,
            "light.elevation": 20.0,
            "light.key": 0.9,
            "light.key_colour": WHITE,
            "light.sky": WHITE,
            "light.ambient": 0.25,
            "light.fill": 0.0,
            "light.rim": 0.0,
            "light.softness": 0.5,
            "light.fill_colour": WHITE,
            "light.rim_colour": WHITE,
            "light.backdrop": "plain",
            "light.background": (120.0, 120.0, 120.0),
            "film.grain": 0.0,
            "film.vignette": 0.0,
            "film.contrast": 0.2,
            "film.blur": 0.3,
        },
    )


def sitting(**values: object) -> Parameters:
    """The sitter with other values; `light__key=1.0` stands for `light.key`."""
    return changed(sitter(), {name.replace("__", "."): value for name, value in values.items()})


@functools.cache
def taken(parameters: Parameters) -> tuple[Scene, Geometry, Material, Illumination, np.ndarray]:
    """Everything up to the linear colours (P, 3)."""
    scene = Scene(parameters)
    geometry = scene.geometry(lattice(SIZE))
    material = materials(scene, geometry, painted_face(scene, stream(0, 2, "skin")))
    light = illuminate(parameters.light, geometry, scene.camera.scale * geometry.side)
    return scene, geometry, material, light, shade(parameters, geometry, material, light)


def around(values: np.ndarray, parameters: Parameters, x: float, y: float) -> np.ndarray:
    """Mean of per-pixel values near a point of the face plane."""
    geometry = taken(parameters)[1]
    head = geometry.part == Part.HEAD
    near = np.hypot(geometry.plane[:, 0] - x, geometry.plane[:, 1] - y) < 0.05
    assert (near & head).sum() > 5
    return values[near & head].mean(0)


def cheeks(parameters: Parameters, c: int | None = None) -> tuple[float, float]:
    """Linear luminance, or one channel, of the image-left and image-right cheek."""
    colour = taken(parameters)[4]
    values = colour @ GREY if c is None else colour[:, c]
    return tuple(float(around(values, parameters, side * 0.6, 0.5)) for side in (-1, 1))


# --- lamps -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lamp", ["key", "fill"])
def test_the_cheek_on_the_lamps_side_is_brighter(lamp):
    angle = "light__azimuth" if lamp == "key" else "light__fill_azimuth"
    other = {"light__key": 0.0, "light__fill": 0.6} if lamp == "fill" else {}
    left = cheeks(sitting(**{angle: -60.0}, **other))
    right = cheeks(sitting(**{angle: 60.0}, **other))
    assert left[0] > 1.3 * left[1]
    assert right[1] > 1.3 * right[0]


def test_a_rim_light_shows_at_the_edge_and_not_on_the_front():
    off, on = sitting(), sitting(light__rim=1.2, light__rim_azimuth=120.0)
    gain = (taken(on)[4] - taken(off)[4]) @ GREY
    assert (gain >= -1e-6).all()
    normal = taken(on)[1].normal
    assert gain[normal[:, 0] > 0.85].mean() > 8 * gain[normal[:, 2] > 0.8].mean()
    assert gain[normal[:, 0] > 0.85].mean() > 20 * gain[normal[:, 0] < -0.5].mean()


@pytest.mark.parametrize("lamp", ["key", "fill", "rim", "ambient"])
@pytest.mark.parametrize("tint", [0, 2])
def test_a_coloured_light_tints(lamp, tint):
    colour = tuple(255.0 if c == tint else 90.0 for c in range(3))
    only = {f"light__{name}": 0.0 for name in ("key", "fill", "rim", "ambient")}
    only[f"light__{lamp}"] = 0.6
    name = "light__sky" if lamp == "ambient" else f"light__{lamp}_colour"
    extra = {"light__rim_azimuth": 120.0} if lamp == "rim" else {}
    white = taken(sitting(**only, **extra))[4].sum(0)
    tinted = taken(sitting(**only, **extra, **{name: colour}))[4].sum(0)
    ratio = tinted / white
    expected = linear(colour) / linear(colour).max()
    np.testing.assert_allclose(ratio, expected, atol=0.02)
    assert np.argmax(ratio) == tint


def shaded(**light: object) -> np.ndarray:
    """Linear colours (P, 3) of the sitter's own materials under another light."""
    scene, geometry, material, _, _ = taken(sitter())
    p = sitting(**light)
    other = illuminate(p.light, geometry, scene.camera.scale * geometry.side)
    return shade(p, geometry, material, other)


def test_lamps_and_sky_add_up():
    full = {"light__key": 0.8, "light__fill": 0.3, "light__rim": 0.7, "light__ambient": 0.3}
    fixed = {
        "light__azimuth": -40.0,
        "light__fill_azimuth": 50.0,
        "light__rim_azimuth": 140.0,
        "light__key_colour": (255.0, 220.0, 180.0),
        "light__fill_colour": (90.0, 150.0, 255.0),
    }
    together = shaded(**full, **fixed)
    alone = [shaded(**{**dict.fromkeys(full, 0.0), name: full[name]}, **fixed) for name in full]
    np.testing.assert_allclose(sum(alone), together, rtol=2e-4, atol=1e-5)
    assert all(part.max() > 0.05 for part in alone)


def test_twice_the_light_is_twice_as_bright():
    one = shaded(light__key=0.4, light__ambient=0.2)
    two = shaded(light__key=0.8, light__ambient=0.4)
    np.testing.assert_allclose(two, 2 * one, rtol=1e-4, atol=1e-6)


def test_without_light_all_is_black():
    dark = taken(sitting(light__key=0.0, light__ambient=0.0))
    assert np.all(dark[4] == 0)
    assert len(dark[3].lamps) == 1  # the key is there, off


def test_direction_follows_the_camera_axes():
    np.testing.assert_allclose(direction(0, 0), [0, 0, 1], atol=1e-7)
    np.testing.assert_allclose(direction(90, 0), [1, 0, 0], atol=1e-7)
    np.testing.assert_allclose(direction(0, 90), [0, -1, 0], atol=1e-7)
    np.testing.assert_allclose(np.linalg.norm(direction(-37, 21)), 1, atol=1e-6)


# --- shadow and occlusion --------------------------------------------------------------------


def test_hollows_are_occluded():
    p = sitting()
    scene, geometry, _, light, _ = taken(p)
    a = scene.anatomy
    cheek = around(light.open, p, 0.6, 0.5)
    assert cheek > 0.9
    assert around(light.open, p, 0.0, a.y_nose + 0.04) < cheek - 0.1
    for side in (0, 1):
        x = a.eyes[side].inner[0]
        assert around(light.open, p, 0.8 * x, -0.02) < cheek - 0.1
    neck = geometry.part == Part.NECK
    under = neck & (geometry.plane[:, 1] < a.y_chin + 0.25) & (np.abs(geometry.plane[:, 0]) < 0.3)
    assert light.open[neck].mean() < cheek - 0.15
    assert under.sum() == 0 or light.open[under].mean() < cheek - 0.2


def test_a_lamp_above_puts_the_neck_in_shadow_of_the_chin():
    geometry, light = (taken(sitting(light__elevation=50.0))[k] for k in (1, 3))
    face = (geometry.part == Part.HEAD) & (geometry.normal[:, 2] > 0.6) & (geometry.hair < -0.1)
    neck = (geometry.part == Part.NECK) & (geometry.normal[:, 2] > 0.6)
    assert light.lit[neck].mean() < 0.5
    assert light.lit[face].mean() > 0.8


def test_the_nose_throws_its_shadow_away_from_the_lamp():
    for side in (-1, 1):
        p = sitting(light__azimuth=side * 60.0, light__softness=0.1, nose__height=1.2)
        y = taken(p)[0].anatomy.y_nose - 0.2
        lit = taken(p)[3].lit
        near, far = (around(lit, p, s * 0.26, y) for s in (side, -side))
        assert near > 0.9
        assert far < 0.6


def test_a_large_lamp_makes_soft_shadows():
    def between(softness: float) -> float:
        lit = taken(sitting(light__azimuth=55.0, light__softness=softness))[3].lit
        shadowed = lit < 0.95
        return float((shadowed & (lit > 0.15)).sum() / shadowed.sum())

    assert between(0.0) < between(1.0) - 0.1


def test_the_terminator_of_skin_is_redder_than_its_lit_side():
    p = sitting(light__azimuth=70.0, light__elevation=0.0, light__ambient=0.0, skin__redness=0.0)
    _, geometry, material, light, colour = taken(p)
    facing = geometry.normal @ light.key
    skin = (material.label == Label.SKIN) & (light.lit > 0.97) & (light.open > 0.9)
    skin &= (geometry.part == Part.HEAD) & (material.hair == 0)
    shading = colour[:, :2] / material.colour[:, :2]
    lit, turned = skin & (facing > 0.7), skin & (facing > -0.12) & (facing < 0.1)
    assert lit.sum() > 50
    assert turned.sum() > 50
    warmth = [np.median(shading[at, 0] / shading[at, 1]) for at in (lit, turned)]
    assert warmth[1] > 1.25 * warmth[0]


# --- skin ------------------------------------------------------------------------------------


def test_tone_changes_skin_alone():
    pale, dark = (sitting(skin__tone=tuple(SKIN_TONES[k])) for k in (0, 6))
    first, second = taken(pale), taken(dark)
    label, hair = first[2].label, first[2].hair
    assert np.array_equal(label, second[2].label)
    same = np.isclose(first[4], second[4], rtol=1e-4, atol=1e-5).all(1)
    cloth = label == Label.CLOTH
    assert cloth.sum() > 500
    # Threads at the very edge of a collar mix with the skin under them.
    assert same[cloth].mean() > 0.97
    assert (hair == 1).sum() > 500
    assert same[hair == 1].all()
    skin = (label == Label.SKIN) & (hair == 0)
    assert not same[skin].any()
    behind = [backdrop(p.light, 64, stream(0, 1, "b")) for p in (pale, dark)]
    assert np.array_equal(*behind)


def test_luminance_of_skin_grows_with_tone():
    means = []
    for tone in SKIN_TONES:
        it = render_parameters(sitting(skin__tone=tuple(tone)), 0, 2, SIZE)
        means.append((it.photo[it.labels == Label.SKIN] @ GREY).mean())
    assert (np.diff(means) < -8).all()  # the table runs from light to dark
    assert means[0] < 245
    assert means[-1] > 40


def test_dark_skin_shows_its_form_by_shine():
    """The gloss is the same light on every skin: against a dark one it counts for more."""
    part = []
    for tone in (SKIN_TONES[0], SKIN_TONES[6]):
        shiny = sitting(skin__tone=tuple(tone), skin__gloss=0.9)
        dull = sitting(skin__tone=tuple(tone), skin__gloss=0.0)
        colour, bare = taken(shiny)[4], taken(dull)[4]
        skin = (taken(shiny)[2].label == Label.SKIN) & (taken(shiny)[2].hair == 0)
        part.append((colour - bare)[skin].sum() / colour[skin].sum())
    assert part[1] > 3 * part[0] > 0


def paint(parameters: Parameters) -> tuple[Anatomy, FaceTexture]:
    scene = Scene(parameters)
    return scene.anatomy, painted_face(scene, stream(0, 2, "skin"))


def patch_of(texture: FaceTexture, x: float, y: float, reach: float = 0.08) -> np.ndarray:
    """Mean colour about a point of the face plane."""
    column, row = np.round(texels(np.array([x, y]))).astype(int)
    r = int(reach * 150)
    return texture.colour[row - r : row + r + 1, column - r : column + r + 1].reshape(-1, 3).mean(0)


def test_blush_reddens_cheeks_and_not_the_forehead():
    bare, rouged = (paint(sitting(skin__blush=b))[1] for b in (0.0, 1.0))
    cheek = [patch_of(c, 0.55, 0.42) for c in (bare, rouged)]
    assert cheek[1][0] / cheek[1][1] > 1.08 * cheek[0][0] / cheek[0][1]
    np.testing.assert_allclose(patch_of(bare, 0.0, -0.6), patch_of(rouged, 0.0, -0.6), rtol=5e-3)


def test_freckles_lie_on_nose_and_cheeks():
    clear, freckled = (paint(sitting(skin__freckles=f))[1] for f in (0.0, 1.0))
    darker = (clear.colour - freckled.colour).mean(-1)
    rows = {y: int(texels(np.array([0.0, y]))[1]) for y in (-0.9, -0.55, 0.15, 0.5, 1.1, 1.4)}
    middle = darker[rows[0.15] : rows[0.5]].mean()
    assert middle > 0.3
    assert darker[rows[-0.9] : rows[-0.55]].mean() < 0.1 * middle
    assert darker[rows[1.1] : rows[1.4]].mean() < 0.1 * middle


def test_age_draws_lines():
    young, old = (paint(sitting(skin__age=age))[1] for age in (0.1, 1.0))
    rough = [np.abs(np.diff(patch_of_rows(c, -0.8, -0.45), axis=0)).mean() for c in (young, old)]
    assert rough[1] > 1.3 * rough[0]


def patch_of_rows(texture: FaceTexture, top: float, bottom: float) -> np.ndarray:
    rows = [int(texels(np.array([0.0, y]))[1]) for y in (top, bottom)]
    columns = [int(texels(np.array([x, 0.0]))[0]) for x in (-0.25, 0.25)]
    return texture.colour[rows[0] : rows[1], columns[0] : columns[1], 1]


def test_stubble_darkens_jaw_and_not_the_forehead():
    shaven = paint(sitting())[1]
    stubbly = paint(sitting(hair__beard=0.4, hair__moustache=0.4))[1]
    a = Scene(sitting()).anatomy
    y = a.y_chin - 0.12
    assert patch_of(stubbly, 0.0, y).mean() < 0.9 * patch_of(shaven, 0.0, y).mean()
    assert np.array_equal(patch_of(stubbly, 0.0, -0.6), patch_of(shaven, 0.0, -0.6))


def test_pores_make_skin_rougher():
    smooth, rough = (paint(sitting(skin__pores=k))[1] for k in (0.0, 1.0))
    assert patch_of_rows(rough, -0.7, -0.5).std() > 1.3 * patch_of_rows(smooth, -0.7, -0.5).std()


# --- eyes and lips ---------------------------------------------------------------------------


def ringed(texture: FaceTexture, eye: Eye, r: float, angle: float) -> np.ndarray:
    """Colour at a distance, in radii, from the centre of an iris."""
    x, y = eye.iris + r * eye.iris_radius * np.array([np.cos(angle), np.sin(angle)])
    return patch_of(texture, x, y, 0.007)


def test_the_iris_has_its_colour_a_dark_ring_and_a_pupil():
    gaze = {"eyes__gaze_x": 0.0, "eyes__opening": 1.3}
    for colour in ((92.0, 130.0, 158.0), (112.0, 78.0, 44.0)):
        a, texture = paint(sitting(eyes__iris=colour, light__azimuth=75.0, **gaze))
        eye = a.eyes[1]
        middle = np.mean(
            [ringed(texture, eye, 0.58, k) for k in (0.0, 0.4, np.pi - 0.4, np.pi)], axis=0
        )
        limbus = np.mean(
            [ringed(texture, eye, 0.86, k) for k in (0.0, 0.4, np.pi - 0.4, np.pi)], axis=0
        )
        pupil = ringed(texture, eye, 0.0, 0.0)
        assert pupil.mean() < 30
        assert limbus.mean() < 0.85 * middle.mean()
        assert (middle[2] > middle[0]) == (colour[2] > colour[0])


def test_the_catchlight_lies_toward_the_lamp():
    for side in (-1, 1):
        a, texture = paint(sitting(light__azimuth=side * 50.0, eyes__gaze_x=0.0, eyes__opening=1.3))
        for eye in a.eyes:
            low, high = (texels(eye.iris + k * 0.8 * eye.iris_radius) for k in (-1, 1))
            (left, top), (right, bottom) = np.round([low, high]).astype(int)
            iris = texture.colour[top:bottom, left:right].min(-1)
            row, column = np.unravel_index(np.argmax(iris), iris.shape)
            assert iris.max() > 170
            assert np.sign(column - (iris.shape[1] - 1) / 2) == side
            assert row < iris.shape[0] / 2


def test_lips_are_redder_than_skin_on_every_tone():
    for tone in SKIN_TONES:
        a, texture = paint(sitting(skin__tone=tuple(tone), mouth__lipstick=0.0))
        y = 0.5 * (a.lips.lower_inner[20, 1] + a.lips.lower_outer[20, 1])
        lip, chin = patch_of(texture, 0.0, y, 0.02), patch_of(texture, 0.3, a.y_chin - 0.15)
        assert lip[0] / lip[1] > 1.04 * chin[0] / chin[1]


def test_lipstick_takes_its_tint():
    a, texture = paint(sitting(mouth__lipstick=1.0, mouth__tint=(60.0, 60.0, 200.0)))
    y = 0.5 * (a.lips.lower_inner[20, 1] + a.lips.lower_outer[20, 1])
    lip = patch_of(texture, 0.0, y, 0.02)
    assert lip[2] > 2 * lip[0]


# --- backdrop --------------------------------------------------------------------------------


def behind(kind: str, number: int = 0, **values: object) -> np.ndarray:
    light: Light = replace(
        sitter().light,
        backdrop=kind,
        background=(200.0, 180.0, 160.0),
        background_far=(40.0, 50.0, 90.0),
        **{"backdrop_angle": 0.0, **values},
    )
    return backdrop(light, 128, stream(0, number, "backdrop"))


def test_a_plain_backdrop_is_one_colour():
    wall = behind("plain")
    assert wall.dtype == np.float32
    assert (wall == linear((200, 180, 160))).all()


def test_a_gradient_runs_from_one_colour_to_the_other():
    wall = behind("gradient")
    columns = wall.mean(axis=(0, 2))
    assert (np.diff(columns[:: 128 // 8]) < 0).all()
    near, far = linear((200, 180, 160)), linear((40, 50, 90))
    assert (wall >= np.minimum(near, far) - 0.02).all()
    assert (wall <= np.maximum(near, far) + 0.02).all()
    down = behind("gradient", backdrop_angle=90.0).mean(axis=(1, 2))
    assert down[5] > down[-5] + 0.1


def test_shapes_are_blurred_and_differ():
    first, second = behind("shapes", 0), behind("shapes", 1)
    assert np.array_equal(first, behind("shapes", 0))
    assert not np.allclose(first, second, atol=0.05)
    plainer = behind("gradient")
    assert np.abs(first - plainer).max() > 0.05
    for wall in (first, second):
        assert (wall >= -0.02).all()
        step = np.abs(np.diff(wall, axis=1)).max()
        assert step < 0.12  # no edge is sharp


# --- film ------------------------------------------------------------------------------------

FLAT = np.full((192, 192, 3), 0.2, np.float32)
SHARP = np.ones((96, 96), np.float32)


def film(**values: float) -> Film:
    return replace(sitter().film, **{"contrast": 0.0, "grain": 0.0, "vignette": 0.0, **values})


def test_a_flat_field_stays_flat_and_keeps_its_value():
    photo = develop(FLAT, 96, film(), SHARP, stream(0, 0, "grain"))
    assert np.unique(photo).size == 1
    assert abs(int(photo[0, 0, 0]) - 255 * 0.2 ** (1 / 2.2)) <= 1


def test_grain_has_its_strength():
    photo = develop(FLAT, 96, film(grain=3.0), SHARP, stream(0, 0, "grain")).astype(float)
    assert photo.std() == pytest.approx(3.0, rel=0.1)
    assert np.array_equal(photo[..., 0], photo[..., 1])
    assert abs(photo.mean() - 255 * 0.2 ** (1 / 2.2)) < 0.7


def test_the_vignette_takes_light_from_the_corners():
    photo = develop(FLAT, 96, film(vignette=0.5), SHARP, stream(0, 0, "grain"))
    light = (photo[..., 0] / 255.0) ** 2.2
    assert light[48, 48] == pytest.approx(0.2, rel=0.02)
    assert light[0, 0] == pytest.approx(0.1, rel=0.06)
    assert light[0, 0] < light[0, 48] < light[24, 48] <= light[48, 48]


@pytest.mark.parametrize("contrast", [0.0, 0.5, 1.0])
def test_the_tone_curve_never_falls(contrast):
    ramp = np.repeat(np.geomspace(0.001, 2.4, 192)[None, :, None], 192, 0).astype(np.float32)
    wide = np.repeat(ramp, 3, 2)
    row = develop(wide, 96, film(contrast=contrast), SHARP, stream(0, 0, "grain"))[48, :, 0]
    assert (np.diff(row.astype(int)) >= 0).all()
    assert row[0] < 25
    assert 225 < row[-4] <= 255
    assert row[-1] > row[-20]  # highlights roll off; they do not clip


def test_only_what_is_out_of_focus_is_blurred():
    rng = np.random.default_rng(0)
    canvas = (0.2 + 0.1 * rng.random((192, 192, 3))).astype(np.float32)
    near = SHARP.copy()
    near[:, 48:] = 0
    photo = develop(canvas, 96, film(blur=1.5), near, stream(0, 0, "grain")).astype(float)
    sharp, soft = photo[:, 4:44, 0].std(), photo[:, 52:92, 0].std()
    assert soft < 0.5 * sharp


def test_what_is_sharp_does_not_bleed_into_what_is_blurred():
    canvas = np.full((192, 192, 3), 0.1, np.float32)
    canvas[:, :96] = 0.8
    near = SHARP.copy()
    near[:, 48:] = 0
    flat = develop(canvas, 96, film(blur=0.0), near, stream(0, 0, "grain")).astype(int)
    photo = develop(canvas, 96, film(blur=1.5), near, stream(0, 0, "grain")).astype(int)
    assert np.abs(photo - flat).max() <= 3
    assert np.abs(np.diff(flat[48, :, 0])).max() > 100


def test_the_face_is_in_focus_and_the_shoulders_are_not():
    p = sitting()
    geometry = taken(p)[1]
    sharpness = focus(geometry)
    part = geometry.lattice.centres(geometry.map(geometry.part.astype(np.int16), -1))
    assert (sharpness >= 0).all()
    assert (sharpness <= 1).all()
    front = part == Part.HEAD
    assert np.median(sharpness[front]) == 1
    assert sharpness[part == Part.TORSO].min() < 0.6
    assert sharpness[2, 2] == 0


def test_a_patch_of_noise_is_the_texture_itself():
    for kind in NOISE_KINDS:
        field = noise_tile(kind)
        assert abs(float(field.mean())) < 1e-4
        assert float(field.std()) == pytest.approx(1, abs=1e-3)
        cut = noise_patch(kind, (300, 400), np.array([0.75, 0.5]))
        rows, columns = (384 + np.arange(300)) % NOISE_SIDE, (256 + np.arange(400)) % NOISE_SIDE
        assert np.array_equal(cut, field[np.ix_(rows, columns)])
