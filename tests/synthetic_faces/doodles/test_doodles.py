import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sketchface_models.errors import SketchFaceError
from synthetic_faces.doodles.doodle import (
    BITMAP_SIDE,
    DOODLE_EXPRESSIONS,
    HAIR_KINDS,
    Doodle,
    Traits,
    bitmap,
    doodle,
    simplified,
    traits_of,
)
from synthetic_faces.people.sampling import sample_person

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "quickdraw"
PLAIN = Traits(hair="none", glasses=False, mouth="smile", expression="happy", ears=False)
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="no QuickDraw drawings here")


@cache
def many() -> tuple[Doodle, ...]:
    return tuple(doodle(0, id) for id in range(400))


def bitmaps() -> np.ndarray:
    return np.stack([one.bitmap for one in many()])


@cache
def real() -> tuple[np.ndarray, list[list[list[list[int]]]]]:
    lines = (REAL / "face_labelled.ndjson").read_text().splitlines()
    return np.load(REAL / "face.npy").reshape(-1, BITMAP_SIDE, BITMAP_SIDE), [
        json.loads(line)["drawing"] for line in lines
    ]


# --- form ------------------------------------------------------------------------------------


def test_same_arguments_give_the_same_drawing():
    first, again = doodle(3, 8), doodle(3, "synthetic-000008")
    assert np.array_equal(first.bitmap, again.bitmap)
    assert first.strokes == again.strokes
    assert first.traits == again.traits
    assert doodle(3, 9).strokes != first.strokes
    assert doodle(4, 8).strokes != first.strokes


def test_strokes_have_the_simplified_form():
    for one in many()[:100]:
        xs = [x for stroke in one.strokes for x in stroke[0]]
        ys = [y for stroke in one.strokes for y in stroke[1]]
        assert all(len(stroke[0]) == len(stroke[1]) >= 2 for stroke in one.strokes)
        # Thinning may take the outermost point of a curve away, by its tolerance of 2.
        assert min(xs + ys) >= 0
        assert max(xs + ys) <= 255
        assert max(min(xs), min(ys)) <= 2
        assert max(max(xs), max(ys)) >= 253
        record = json.loads(one.ndjson())
        assert record["word"] == "face"
        assert record["key_id"] == one.id
        assert [tuple(stroke) for stroke in record["drawing"]] == one.strokes
        assert Traits(**record["shown"]) == one.traits


def test_simplified_keeps_corners_and_drops_what_lies_between():
    square = np.array([(0, 0), (5, 0.01), (10, 0), (10, 5), (10, 20), (4, 20)], float)
    ((x, y),) = simplified([square])
    assert (x, y) == ([0, 128, 128, 51], [0, 0, 255, 255])


def test_bitmap_is_white_on_black_with_lines_of_the_official_width():
    picture = bitmap([([0, 255], [0, 0])])
    assert picture.dtype == np.uint8
    assert picture.shape == (28, 28)
    width = 16 * 28 / 304
    area = width * 255 * 28 / 304 + np.pi * width**2 / 4
    assert picture.sum() / 255 == pytest.approx(area, rel=0.01)
    row = (picture.sum(1) * (np.arange(28) + 0.5)).sum() / picture.sum()
    assert row == pytest.approx(14, abs=0.1)


def test_crossing_strokes_cover_one_another():
    across, down = ([0, 255, 255], [100, 100, 255]), ([128, 128, 255], [0, 255, 255])
    one, other = (bitmap([stroke]).astype(float) / 255 for stroke in (across, down))
    both = bitmap([across, down])
    assert np.abs(both - 255 * (1 - (1 - one) * (1 - other))).max() <= 1
    assert ((one > 0) & (one < 1) & (other > 0) & (other < 1)).any()


# --- what a doodle shows ---------------------------------------------------------------------


def turn_of(stroke: tuple[list[int], list[int]]) -> float:
    """How far the middle of a line lies below its ends."""
    y = np.interp(np.linspace(0, 1, 9), np.linspace(0, 1, len(stroke[1])), stroke[1])
    return float(y[3:6].mean() - 0.5 * (y[0] + y[-1]))


def test_smile_bends_down_and_frown_up():
    sad = replace(PLAIN, mouth="frown", expression="sad")
    for id in range(40):
        strokes = doodle(0, id, PLAIN).strokes
        assert any(turn_of(stroke) > 0 for stroke in strokes[-2:])
        assert turn_of(doodle(0, id, sad).strokes[-1]) < 0


def test_traits_add_their_strokes():
    for id in range(30):
        plain = len(doodle(1, id, PLAIN).strokes)
        silent = Traits("none", False, "none", "neutral", False)
        assert len(doodle(1, id, silent).strokes) < plain
        assert len(doodle(1, id, replace(PLAIN, glasses=True)).strokes) >= plain + 2
        assert len(doodle(1, id, replace(PLAIN, ears=True)).strokes) > plain


def test_hair_stands_out_of_the_face():
    """Long hair fills the lower corners of the drawing; without hair there is only the face."""

    def beside(traits: Traits) -> float:
        return float(
            np.mean([doodle(2, id, traits).bitmap[16:26, [3, 4, 23, 24]] for id in range(60)])
        )

    assert beside(replace(PLAIN, hair="long")) > 1.5 * beside(PLAIN)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hair": "red"}, "doodle: hair 'red'; allowed: none, short, long"),
        ({"expression": "bored"}, "expression 'bored'; allowed: happy"),
        ({"mouth": "wide"}, "mouth 'wide'; allowed: none, smile"),
        ({"mouth": "frown"}, "mouth 'frown' does not show expression 'happy'; use smile or open"),
    ],
)
def test_unknown_traits_are_refused_by_name(values: dict[str, str], message: str):
    with pytest.raises(SketchFaceError, match=message):
        replace(PLAIN, **values)


def test_traits_of_reads_a_parametric_face():
    face = sample_person(0, 1)
    hair = replace(face.hair, style="long", length=2.0)
    wear = replace(face.wear, glasses="round")
    laugh = replace(face.mouth, smile=0.9, opening=0.1)
    traits = traits_of(replace(face, hair=hair, wear=wear, mouth=laugh))
    assert traits == Traits("long", True, "open", "happy", False)
    cross = replace(face.brows, frown=0.8)
    tight = replace(face.mouth, smile=-0.05, opening=0.0)
    traits = traits_of(replace(face, brows=cross, mouth=tight))
    assert (traits.mouth, traits.expression) == ("flat", "angry")
    bald = replace(face.hair, style="bald", length=0.0, top=0.0, side=0.0, cap=0.0)
    grim = replace(face.mouth, smile=-0.4, opening=0.0)
    calm = replace(face.brows, frown=0.0)
    bare = replace(wear, glasses="none")
    traits = traits_of(replace(face, hair=bald, mouth=grim, wear=bare, brows=calm))
    assert (traits.hair, traits.glasses) == ("none", False)
    assert (traits.mouth, traits.expression) == ("frown", "sad")


def test_every_face_has_traits_of_a_doodle():
    kinds = {traits_of(sample_person(0, id)) for id in range(200)}
    assert {traits.hair for traits in kinds} == set(HAIR_KINDS)
    assert {traits.expression for traits in kinds} <= set(DOODLE_EXPRESSIONS)
    assert len({traits.mouth for traits in kinds}) >= 3


# --- like real ones --------------------------------------------------------------------------


def test_ink_and_strokes_are_those_of_the_data_set():
    """Against figures of the 800 real drawings: ink 0.2105 +- 0.0339, 6.0 strokes, 37 % inked."""
    ink = bitmaps().reshape(len(many()), -1).mean(1) / 255
    assert ink.mean() == pytest.approx(0.2105, rel=0.05)
    assert ink.std() == pytest.approx(0.0339, rel=0.25)
    assert (bitmaps() > 0).mean() == pytest.approx(0.372, abs=0.02)
    assert np.mean([len(one.strokes) for one in many()]) == pytest.approx(6.0, abs=0.5)


@needs_real
def test_real_strokes_give_the_real_bitmaps():
    bitmaps, drawings = real()
    for pixels, drawing in list(zip(bitmaps, drawings, strict=True))[:60]:
        ours = bitmap([(stroke[0], stroke[1]) for stroke in drawing])
        assert np.abs(ours.astype(int) - pixels).mean() < 1.0


@needs_real
def test_the_mean_and_the_spread_of_each_pixel_are_alike():
    pixels, _ = real()
    for measure, least in ((np.mean, 0.96), (np.std, 0.97)):
        ours, theirs = measure(bitmaps(), axis=0).ravel(), measure(pixels, axis=0).ravel()
        assert np.corrcoef(ours, theirs)[0, 1] > least


@needs_real
def test_ink_is_distributed_as_in_real_drawings():
    pixels, _ = real()
    bins = np.linspace(0.1, 0.4, 13)
    ours, theirs = (
        np.histogram(a.reshape(len(a), -1).mean(1) / 255, bins)[0] / len(a)
        for a in (bitmaps(), pixels)
    )
    assert 0.5 * np.abs(ours - theirs).sum() < 0.2
