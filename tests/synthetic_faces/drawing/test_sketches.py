"""The three drawing styles: what they show, and what they do not depend on."""

import functools

import cv2
import numpy as np
import pytest

from sketchface_models.errors import SketchFaceError
from synthetic_faces import STYLES, Rendering, render, render_parameters
from synthetic_faces.drawing.exaggeration import FURTHEST_MOVE, LARGEST_GROWTH, exaggeration
from synthetic_faces.drawing.outlines import FACE_LABELS, jumps
from synthetic_faces.drawing.pencil import Pencil, on_paper
from synthetic_faces.geometry.camera import lattice
from synthetic_faces.geometry.meshes import Label
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.ranges import changed
from synthetic_faces.scene import Scene

SIZE = 160
IDS = tuple(range(8))


@functools.cache
def face(id: int) -> Rendering:
    return render(0, id, SIZE)


def variant(id: int, size: int = SIZE, **values: object) -> Rendering:
    """Face `id` with other parameters; `view__yaw=3` stands for `view.yaw`."""
    named = {name.replace("__", "."): value for name, value in values.items()}
    return render_parameters(changed(sample_person(0, id), named), 0, id, size)


def bare(id: int, **values: object) -> Rendering:
    """Face `id`, looking ahead, with nothing worn on it."""
    plain = {"wear__hat": "none", "wear__glasses": "none", "wear__necklace": "none"}
    return variant(id, **{**plain, "view__yaw": 0.0, "view__roll": 0.0, **values})


def ink(page: np.ndarray) -> np.ndarray:
    return 255.0 - page


def distance_to(mask: np.ndarray) -> np.ndarray:
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)


# --- styles --------------------------------------------------------------------------------------


def test_styles_are_ordered_in_ink():
    used = np.array([[ink(face(id).sketch(style)).mean() for style in STYLES] for id in IDS])
    assert np.all(np.diff(used, axis=1) > 0)
    assert np.all(np.diff(used.mean(0)) > 4)


def test_only_later_styles_shade_the_skin():
    shares = []
    for id in IDS:
        it = face(id)
        neck = cv2.erode((it.labels == Label.NECK).astype(np.uint8), np.ones((7, 7))) > 0
        if neck.sum() > 30:
            shares.append([np.mean(it.sketch(style)[neck] < 215) for style in STYLES])
    assert len(shares) > 3
    first, second, third = np.mean(shares, axis=0)
    assert first < 0.05
    assert first + 0.08 < second < third


@pytest.mark.parametrize("style", [0, 4, "2", None])
def test_an_unknown_style_is_refused(style):
    with pytest.raises(SketchFaceError, match=r"sketch style: .*allowed: one of \(1, 2, 3\)"):
        face(0).sketch(style)


@pytest.mark.parametrize("size", [32, 96, 250])
@pytest.mark.parametrize("style", STYLES)
def test_any_size(size, style):
    page = render(0, 2, size).sketch(style)
    assert page.shape == (size, size)
    assert page.dtype == np.uint8
    assert page.min() < 140
    assert 244 < np.percentile(page, 95) < 256


def test_small_and_large_drawings_are_alike():
    """The line is a part of the picture, not a number of pixels."""
    small, large = (render(0, 3, size).sketch(2).astype(float) for size in (128, 256))
    reduced = cv2.resize(large, (128, 128), interpolation=cv2.INTER_AREA)
    assert abs(ink(small).mean() - ink(large).mean()) < 0.15 * ink(large).mean()
    blurred = [cv2.GaussianBlur(page, (0, 0), 1.5) for page in (small, reduced)]
    assert np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1] > 0.8


# --- what a drawing depends on -------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
def test_same_seed_and_id_same_drawing(style):
    again = render(0, 1, SIZE)
    for other in STYLES:
        again.sketch(other)
    assert np.array_equal(face(1).sketch(style), again.sketch(style))


def test_seed_and_id_change_the_hand():
    parameters = sample_person(0, 1)
    pages = [
        render_parameters(parameters, seed, id, SIZE).sketch(1)
        for seed, id in ((0, 1), (0, 2), (1, 1))
    ]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert not np.array_equal(pages[a], pages[b])


@pytest.mark.parametrize("style", STYLES)
def test_the_colour_of_skin_leaves_the_drawing_alone(style):
    """The style is no function of the face: strokes fall the same on light and dark skin."""
    light, dark = (
        bare(4, skin__tone=tone, skin__freckles=0.0, mouth__opening=0.0, mouth__lipstick=0.0)
        for tone in ((236.0, 200.0, 178.0), (70.0, 46.0, 36.0))
    )
    assert np.array_equal(light.labels, dark.labels)
    assert abs(light.photo.mean() - dark.photo.mean()) > 10
    change = np.abs(light.sketch(style).astype(int) - dark.sketch(style))
    seen = np.isin(light.labels, FACE_LABELS)
    assert change[seen].max() <= 40  # at its hem cloth mixes with skin, and a stroke may cross it
    assert np.mean(change[seen] > 0) < 0.002
    assert change.mean() < 0.1


def test_the_hand_is_the_same_whatever_it_draws():
    """With a hat on, the drawing keeps its drift, warp and paper: the shoulders do not move."""
    with_hat, without = (bare(2, wear__hat=hat) for hat in ("beanie", "none"))
    low = slice(int(0.93 * SIZE), None)
    assert np.array_equal(with_hat.labels[low], without.labels[low])
    pages = [it.sketch(1)[low].astype(float) for it in (with_hat, without)]
    assert np.median(pages[0]) == np.median(pages[1])
    close = distance_to(pages[0] < 190)[pages[1] < 190]
    assert len(close) > 10
    assert np.percentile(close, 90) <= 1.5


# --- lines lie where the geometry has them -------------------------------------------------------


def silhouette(it: Rendering) -> np.ndarray:
    """The outermost pixels of the figure, away from the picture's edge."""
    figure = (it.labels != Label.BACKGROUND).astype(np.uint8)
    edge = (figure > 0) & (cv2.erode(figure, np.ones((3, 3), np.uint8)) == 0)
    edge[:, :6] = edge[:, -6:] = edge[-6:] = False  # no outline along the picture's edge
    return edge


@pytest.mark.parametrize("id", IDS)
def test_the_outline_lies_on_the_border_of_the_figure(id):
    it = face(id)
    page, edge = it.sketch(1, exaggerate=False), silhouette(it)
    page = page < 215
    assert np.mean(distance_to(page)[edge] <= 2.5) > 0.93
    outside = page & (it.labels == Label.BACKGROUND)
    outside[:, :10] = outside[:, -10:] = outside[-10:] = False
    assert np.mean(distance_to(edge)[outside] <= 3.5) > 0.99


@pytest.mark.parametrize("id", IDS)
def test_lips_and_lids_are_drawn_at_their_landmarks(id):
    it = face(id)
    near = distance_to(it.sketch(1, exaggerate=False) < 200)
    mouth = it.landmarks[[51, 57, 62]][it.visible[[51, 57, 62]]]
    corners = it.landmarks[[48, 54]][it.visible[[48, 54]]]  # where the line thins out
    lids = it.landmarks[[37, 38, 43, 44]][it.visible[[37, 38, 43, 44]]]
    for x, y in (*mouth, *lids):
        assert near[int(y), int(x)] <= 3
    for x, y in corners:
        assert near[int(y), int(x)] <= 5


def test_a_hat_is_outlined_like_any_other_label():
    it = variant(5, wear__hat="brim")
    hat = (it.labels == Label.HAT).astype(np.uint8)
    assert hat.sum() > 200
    edge = (hat > 0) & (cv2.erode(hat, np.ones((3, 3), np.uint8)) == 0)
    page = it.sketch(1, exaggerate=False) < 215
    assert np.mean(distance_to(page)[edge] <= 2.5) > 0.9


def test_a_step_in_depth_is_a_line_and_a_slope_is_none():
    y, x = np.mgrid[0:200, 0:200]
    inside = np.hypot(x - 100, y - 90) < 40
    z = np.where(inside, 0.5, 0.001 * x).astype(np.float32)
    nothing = np.zeros(z.shape, np.uint8)
    paths = jumps(z, nothing, nothing > 0)
    points = np.concatenate(paths)
    radius = np.hypot(points[:, 0] - 100, points[:, 1] - 90)
    assert np.all(np.abs(radius - 40) < 2)
    angle = np.arctan2(points[:, 1] - 90, points[:, 0] - 100)
    assert np.histogram(angle, 12, (-np.pi, np.pi))[0].min() > 8
    assert sum(len(path) for path in paths) < 1.3 * 2 * np.pi * 40  # once round, not twice
    assert jumps((0.08 * x).astype(np.float32), nothing, nothing > 0) == []


def test_a_border_is_not_drawn_twice():
    x = np.mgrid[0:200, 0:200][1]
    z = np.where(x < 100, 0.5, 0.0).astype(np.float32)
    page = np.zeros(z.shape, np.uint8)
    assert len(jumps(z, page, page > 0)) == 1
    page[:, 97:103] = 255
    assert jumps(z, page, page > 0) == []


@pytest.mark.parametrize("yaw", [24.0, 30.0])
def test_a_turned_nose_stands_out_from_its_cheek(yaw):
    """No border of the outlined face runs there: the line comes from its shape."""
    it = bare(3, view__yaw=yaw, view__pitch=0.0, nose__height=1.25, hair__beard=0.0)
    top, bottom = it.landmarks[28], it.landmarks[29]
    rows = slice(int(top[1]), int(bottom[1]))
    columns = slice(int(top[0]), int(bottom[0] + 0.05 * SIZE))
    assert set(np.unique(it.labels[rows, columns])) <= {Label.SKIN, Label.NOSE}
    page = it.sketch(1, exaggerate=False)[rows, columns]
    assert np.mean(page.min(1) < 225) > 0.7  # a line down the far side of the bridge


def test_closed_eyes_have_no_iris():
    opened, closed = (
        bare(11, eyes__lid_left=lid, eyes__lid_right=lid, eyes__gaze_y=0.0) for lid in (1.0, 0.0)
    )
    for first in (36, 42):
        centre = opened.landmarks[first : first + 6].mean(0)
        x, y = centre.astype(int)
        reach = SIZE // 80
        spot = (slice(y - reach, y + reach), slice(x - reach, x + reach))
        pages = [it.sketch(1, exaggerate=False)[spot].mean() for it in (opened, closed)]
        assert pages[1] > pages[0] + 30


def test_dark_glass_is_hatched_and_hides_the_eyes():
    clear, dark = (bare(0, wear__glasses="round", wear__tint=tint) for tint in (0.0, 0.95))
    x, y = dark.landmarks[36:42].mean(0).astype(int)
    reach = SIZE // 40
    below = (slice(y + 2 * reach, y + 3 * reach), slice(x - reach, x + reach))
    assert dark.sketch(1)[below].mean() < clear.sketch(1)[below].mean() - 25


# --- exaggeration --------------------------------------------------------------------------------


def warp(id: int, draws: int = 0, **values: object):
    parameters = changed(sample_person(0, id), {k.replace("__", "."): v for k, v in values.items()})
    return exaggeration(
        Scene(parameters), lattice(SIZE), np.random.Generator(np.random.PCG64(draws))
    )


@pytest.mark.parametrize("id", IDS)
def test_exaggeration_is_small_smooth_and_leaves_the_surroundings(id):
    bend = warp(id, id)
    side = lattice(SIZE).side
    grid = np.stack(np.meshgrid(*2 * [np.arange(0.0, side, 4)]), axis=-1)
    moved = bend(grid.reshape(-1, 2)).reshape(grid.shape)
    move = np.linalg.norm(moved - grid, axis=-1)
    assert 0.2 < move.max() <= FURTHEST_MOVE * bend.unit + 1e-9
    assert move[-1, [0, -1]].max() < 0.004 * side  # the shoulders
    for axis in (0, 1):
        stretch = np.linalg.norm(np.diff(moved, axis=axis), axis=-1) / 4
        assert stretch.min() > 1 - 2.5 * LARGEST_GROWTH
        assert stretch.max() < 1 + 2.5 * LARGEST_GROWTH


def test_habits_come_from_the_drawing_and_their_direction_from_the_face():
    assert warp(3, 1).gain.tolist() != warp(3, 2).gain.tolist()
    assert warp(3, 1).gain.tolist() == warp(4, 1).gain.tolist()
    broad, narrow = (
        np.mean([warp(3, k, shape__jaw=jaw).jaw for k in range(20)]) for jaw in (1.2, 0.8)
    )
    assert broad > 0.01
    assert narrow < -0.01
    for k in range(40):
        bend = warp(k % 5, k)
        assert np.abs([*bend.gain, bend.jaw, bend.skull, bend.length]).max() <= LARGEST_GROWTH
        assert bend.gain[:3].min() >= 0  # eyes and mouth never shrink


def test_exaggeration_can_be_left_out():
    it = face(6)
    plain, usual = it.sketch(1, exaggerate=False), it.sketch(1)
    assert not np.array_equal(plain, usual)
    near = distance_to(plain < 215)[usual < 190]
    unit = lattice(SIZE).side * Scene(it.parameters).camera.scale / lattice(SIZE).step
    assert np.percentile(near, 99) <= FURTHEST_MOVE * unit + 3


# --- tone ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", [3, 6, 11])
def test_tone_is_darker_on_the_side_turned_from_the_light(id):
    shade = []
    for azimuth in (-60.0, 60.0):
        it = bare(id, light__azimuth=azimuth, light__elevation=25.0, hair__fringe=0.0)
        skin = np.isin(it.labels, (Label.SKIN, Label.NOSE))
        middle = it.landmarks[27:31, 0].mean()
        left = np.broadcast_to(np.arange(SIZE) < middle, skin.shape)
        page = ink(it.sketch(3, exaggerate=False))
        shade.append(page[skin & left].mean() - page[skin & ~left].mean())
    assert shade[0] < -8  # light from the left: the right is darker
    assert shade[1] > 8


def test_tone_sinks_into_the_hollows():
    """Under the chin it is darker than on the cheeks and the brow, whatever the person."""
    for id in IDS[:4]:
        it = bare(id, light__azimuth=0.0, light__elevation=40.0, hair__beard=0.0, hair__fringe=0.0)
        page = ink(it.sketch(3, exaggerate=False))
        x, y = it.landmarks[8]
        below = slice(int(y + 0.02 * SIZE), int(y + 0.05 * SIZE))
        across = slice(int(x - 0.06 * SIZE), int(x + 0.06 * SIZE))
        nose = it.landmarks[33]
        cheek = page[int(nose[1] - 0.06 * SIZE) : int(nose[1]), int(nose[0] + 0.1 * SIZE) :][
            :, : int(0.06 * SIZE)
        ]
        assert page[below, across].mean() > cheek.mean() + 15


def test_dark_hair_is_drawn_darker_than_fair_hair():
    dark, fair = (
        bare(1, hair__colour=colour, hair__grey=0.0)
        for colour in ((24.0, 20.0, 18.0), (225.0, 196.0, 140.0))
    )
    hair = cv2.erode((dark.labels == Label.HAIR).astype(np.uint8), np.ones((5, 5))) > 0
    for style in STYLES:
        assert ink(dark.sketch(style))[hair].mean() > 1.3 * ink(fair.sketch(style))[hair].mean()


# --- pencil and paper ----------------------------------------------------------------------------


def pencil(wobble: float = 0.0, **more: object) -> Pencil:
    return Pencil(400, np.random.Generator(np.random.PCG64(0)), wobble, **more)


def straight(y: float, low: float = 50, high: float = 350) -> np.ndarray:
    return np.stack([np.linspace(low, high, 61), np.full(61, y)], axis=1)


def test_a_stroke_is_darkest_in_its_middle():
    hand = pencil()
    hand.stroke(straight(200), 8.0, 1.0, taper=1.0)
    lost = 255.0 - hand.paper()
    middle, end = lost[:, 190:210].sum(0).mean(), lost[:, 52:62].sum(0).mean()
    assert middle > 2 * end > 0
    assert lost[:150].max() == 0


def test_the_drift_of_the_hand_grows_with_its_wobble():
    hand = pencil(wobble=3.0)
    points = np.stack(np.meshgrid(np.arange(0.0, 400, 7), np.arange(0.0, 400, 7)), -1).reshape(
        -1, 2
    )
    drift = hand.displaced(points) - points
    assert 0.4 < drift.std() < 2.0  # 3 thousandths of 400 pixels are 1.2
    assert np.abs(hand.displaced(points[:1]) - points[:1] - drift[0]).max() < 1e-4
    assert np.abs(pencil().displaced(points) - points).max() == 0


def test_a_warp_moves_every_mark():
    hand = pencil(warp=lambda points: points + np.array([0, 100]))
    hand.stroke(straight(100), 6.0, 0.9)
    hand.blot(np.array([[20.0, 20], [40, 20], [40, 40], [20, 40]]), 0.9)
    page = hand.paper()
    assert page[195:206, 200].min() < 60
    assert page[130, 30] < 60
    assert page[:110].min() == 255


def test_strokes_of_two_layers_darken_each_other_and_of_one_do_not():
    once, same, crossed = pencil(), pencil(), pencil()
    for hand, layers in ((once, ["a"]), (same, ["a", "a"]), (crossed, ["a", "b"])):
        for layer in layers:
            hand.stroke(straight(200), 20.0, 0.5, 0.0, layer)
    tone = [int(hand.paper()[200, 200]) for hand in (once, same, crossed)]
    assert tone[0] == tone[1]
    assert tone[2] == pytest.approx(tone[0] ** 2 / 255, abs=2)


def test_rubbing_out_leaves_paper():
    hand = pencil()
    square = np.array([[100.0, 100], [300, 100], [300, 300], [100, 300]])
    hand.blot(square, 1.0)
    hand.blot(0.5 * (square - 200) + 200, 0.0)
    page = hand.paper()
    assert page[120, 120] == 0
    assert page[200, 200] == 255


def test_paper_is_light_uneven_and_its_own():
    empty = np.full((512, 512), 255, np.uint8)
    sheets = [on_paper(empty, 256, np.array([t, 0.3, 0.6])) for t in (0.0, 0.99)]
    for sheet in sheets:
        assert 244 < sheet.mean() < 254
        assert 0.5 < sheet.std() < 3
    assert sheets[1].mean() - sheets[0].mean() > 2
    black = on_paper(np.zeros((512, 512), np.uint8), 256, np.array([0.5, 0.3, 0.6]))
    assert black.mean() < 60


def test_grain_breaks_light_strokes_more_than_heavy_ones():
    def speckle(grey: int) -> float:
        page = on_paper(np.full((512, 512), grey, np.uint8), 256, np.array([0.5, 0.3, 0.6]))
        return float(page.std() / (252 - page.mean()))

    assert speckle(200) > 1.5 * speckle(40)
