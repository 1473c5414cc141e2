import collections
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import sketchface
import synthetic_faces
from pipeline.common.images import decode, encode_png
from pipeline.common.shards import iter_rows
from pipeline.datasets import adapter, recognised
from pipeline.datasets.base import FAULT, Adapter, DataSettings, Item, Offer
from pipeline.datasets.synthetic import style_of, traits_of
from pipeline.faces.ingest import ingest
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from synthetic_faces import render
from synthetic_faces.doodles import doodle
from synthetic_faces.doodles import traits_of as doodle_traits
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.ranges import vector

synthetic = adapter("synthetic")
find, read, validate = synthetic.find, synthetic.read, synthetic.validate

ROOT = Path(__file__).resolve().parents[3] / "synthetic_faces"


def settings(**changes):
    values = {
        "name": "synthetic",
        "root": str(ROOT),
        "size": 96,
        "shards": 4,
        "seed": 3,
        "val_fraction": 0.05,
        "limit": 0,
        "count": 30,
        "test_count": 12,
        "styles": [1, 2, 3],
    }
    return load(synthetic.Settings, values | changes)


def test_registered_under_its_name():
    assert adapter("synthetic").name == "synthetic"
    assert adapter("synthetic").aligned


def test_the_offer():
    offer = find(settings())
    assert offer.rejected == []
    assert [item.id for item in offer.items[:2]] == ["synthetic-000000", "synthetic-000001"]
    assert collections.Counter(i.split for i in offer.items) == {"train": 30, "test": 12}
    assert len({item.id for item in offer.items}) == 42
    assert all(item.source == "synthetic" and item.files == {} for item in offer.items)


def test_more_training_faces_move_no_test_face():
    few, many = find(settings(count=5)), find(settings(count=50))
    assert [i for i in few.items if i.split == "test"] == [
        i for i in many.items if i.split == "test"
    ]
    assert few.items[:5] == many.items[:5]


def test_styles_are_even():
    counts = collections.Counter(style_of(f"synthetic-{n:06d}") for n in range(3000))
    assert set(counts) == {1, 2, 3}
    # Within 4 standard deviations of a third each.
    assert all(abs(count - 1000) < 4 * np.sqrt(3000 * 2 / 9) for count in counts.values())


def test_styles_say_nothing_of_the_face():
    """A style's faces have the population's mean looks, within chance."""
    names = [f"synthetic-{n:06d}" for n in range(900)]
    style = np.array([style_of(name) for name in names])
    drawn = [sample_person(0, name) for name in names]
    looks = np.array(
        [
            [p.view.yaw, np.mean(p.skin.tone), p.hair.length, p.hair.beard, p.mouth.smile]
            for p in drawn
        ]
    )
    looks = (looks - looks.mean(0)) / looks.std(0)
    for number in (1, 2, 3):
        chosen = looks[style == number]
        assert np.abs(chosen.mean(0)).max() < 4 / np.sqrt(len(chosen))


def test_style_is_not_a_parameter():
    item = find(settings()).items[0]
    other = replace(item, style=1 + item.style % 3)
    first, second = read(item, settings()), read(other, settings())
    assert np.array_equal(first.photo, second.photo)
    assert not np.array_equal(first.sketch, second.sketch)


def test_read_hands_out_the_rendering():
    chosen = find(settings()).items[4]
    got, want = read(chosen, settings()), render(3, 4, 96)
    assert np.array_equal(got.photo, want.photo)
    assert np.array_equal(got.labels, want.labels)
    assert np.array_equal(got.landmarks, want.landmarks)
    assert np.array_equal(got.visible, want.visible)
    assert np.array_equal(got.depth, want.depth)
    assert got.parameters == vector(want.parameters)
    assert got.traits == traits_of(want)
    assert np.array_equal(got.sketch, want.sketch(chosen.style))
    assert np.array_equal(got.rough, want.rough_lines())
    shown = doodle(3, chosen.id, doodle_traits(want.parameters)).bitmap
    shrunk = cv2.resize(got.doodle.astype(float), (28, 28), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(shrunk.ravel(), 255.0 - shown.ravel())[0, 1] > 0.9


def test_traits_are_pose_light_and_glasses():
    """Of ten faces; the light is the mean grey level of the skin in the photo."""
    wanted = collections.Counter()
    for number in range(10):
        face = render(3, number, 96)
        traits = traits_of(face)
        grey = face.photo[face.labels == 1] @ np.array([0.299, 0.587, 0.114])
        assert traits == (
            "pose turned" if abs(face.parameters.view.yaw) >= 30 else "pose frontal",
            "light dark" if grey.mean() < 80 else "light bright",
            "glasses no" if face.parameters.wear.glasses == "none" else "glasses yes",
        )
        wanted.update(traits)
    assert set(wanted) == {
        *("pose turned", "pose frontal", "light dark", "light bright"),
        *("glasses no", "glasses yes"),
    }


def test_what_is_known_of_a_face_stands_in_its_row(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where finished shards are kept
    ingest(synthetic, settings(count=3, test_count=1), tmp_path / "faces")
    rows = {row["id"]: row for row in iter_rows(tmp_path / "faces")}
    want = render(3, 2, 96)
    row = rows["synthetic-000002"]
    assert row["visible"] == want.visible.tolist()
    assert np.array_equal(decode(row["rough"]["bytes"]), want.rough_lines())
    assert json.loads(row["parameters"]) == vector(want.parameters)
    assert row["traits"] == list(traits_of(want))
    assert len(rows) == 4


def test_the_seed_decides_the_looks():
    item = find(settings()).items[0]
    assert not np.array_equal(read(item, settings()).photo, read(item, settings(seed=4)).photo)


@pytest.mark.parametrize("call", [lambda root: find(settings(root=root)), validate])
def test_another_root_is_refused_in_one_line(call, tmp_path):
    with pytest.raises(SketchFaceError, match=r"data\.root.*synthetic_faces") as error:
        call(str(tmp_path))
    assert "\n" not in str(error.value)


def test_styles_can_be_chosen():
    assert {item.style for item in find(settings(styles=[3, 1])).items} == {1, 3}
    assert {item.style for item in find(settings(styles=[2])).items} == {2}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("count", 0), ("test_count", -1), ("count", 1.5)],
        *[("styles", []), ("styles", [1, 4]), ("styles", [2, 2])],
    ],
)
def test_bad_settings_are_named(key, value):
    with pytest.raises(SketchFaceError, match=key):
        settings(**{key: value})


def test_validate_checks_a_few_faces():
    lines = validate(ROOT)
    assert "drawn faces of nobody" in lines[0]
    assert [line for line in lines if line.endswith(": ok")] == [
        f"synthetic-00000{n}: ok" for n in range(3)
    ]
    assert not [line for line in lines if line.startswith(FAULT)]


def test_a_face_that_is_not_whole_makes_validate_fail(monkeypatch):
    def spoilt(seed, id, size):
        face = render(seed, id, size)
        if id != 1:
            return face
        return replace(face, landmarks=face.landmarks + size, depth=face.depth + 0.1)

    monkeypatch.setattr(synthetic_faces, "render", spoilt)
    lines = validate(ROOT)
    assert [line for line in lines if line.endswith(": ok")] == [
        "synthetic-000000: ok",
        "synthetic-000002: ok",
    ]
    assert lines[-2:] == [
        f"{FAULT}synthetic-000001: landmarks leave the picture",
        f"{FAULT}synthetic-000001: no background",
    ]
    assert len(sketchface.validate("synthetic", ROOT).faults) == 2


@pytest.mark.parametrize("name", ["imagenet", "", None, 5, True, [1], {"a": 1}, b"synthetic"])
def test_a_name_that_is_none_is_answered_in_one_line(name):
    with pytest.raises(
        SketchFaceError, match=r"^data\.name: .*; allowed: one of synthetic"
    ) as error:
        adapter(name)
    assert "\n" not in str(error.value)


class Minimal(Adapter[DataSettings]):
    """Nothing but what an adapter must define."""

    name = "minimal"
    Settings = DataSettings
    signs = ("*.minimal",)

    def find(self, settings):
        return Offer([Item("a", "minimal", files={"photo": Path(settings.root, "a.png")})], [])

    def validate(self, root):
        return []


def test_a_new_data_set_defines_what_it_lists_and_inherits_the_rest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo = np.zeros((64, 64, 3), np.uint8)
    photo[16:48, 16:48] = 200
    (tmp_path / "a.png").write_bytes(encode_png(photo))
    minimal = Minimal()
    assert not minimal.recognises(tmp_path)
    (tmp_path / "list.minimal").touch()
    assert minimal.recognises(tmp_path)
    own = minimal.minimal_settings(tmp_path, size=64)
    assert minimal.fields(own) == {"photo"}
    assert minimal.field_sets(own) == [{"photo"}]
    assert minimal.roots(own) == {"data.root": str(tmp_path)}
    (item,) = minimal.find(own).items
    assert minimal.origin(item, own).adapter is minimal
    minimal.aligned = True  # without it, ingest looks for a face to align by
    ingest(minimal, own, tmp_path / "faces")
    (row,) = iter_rows(tmp_path / "faces")
    np.testing.assert_array_equal(decode(row["photo"]["bytes"]), photo)


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        (["anno_train.json"], "fs2k"),
        (["images/", "masks/"], "celebamask"),
        (["CelebA-HQ-img/"], "celebamask"),
        (["img_align_celeba/"], "celeba"),
        (["thumbnails128x128/"], "ffhq"),
        (["face.ndjson"], "quickdraw"),
        (["photos/", "sketches/"], "folder"),
        (["landmark/", "landmark/ALL/"], "apdrawing"),
    ],
)
def test_a_folder_is_recognised_by_what_only_its_set_has(layout, name, tmp_path):
    for entry in layout:
        path = tmp_path / entry
        path.mkdir() if entry.endswith("/") else path.touch()
    assert recognised(tmp_path) == name
