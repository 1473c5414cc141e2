"""Packs and fields: every row holds the face that its id names, in every field."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_tables import IDS, SIZE, SPLIT, STYLE, TEST, encoded, face_picture, write_tables

from pipeline.common.fields import FIELDS, as_array
from pipeline.common.images import encode_depth, encode_png
from pipeline.common.shards import iter_rows, shard_paths
from pipeline.pack.pack import write_pack
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

HALF = SIZE // 2
ALL = Task(inputs=tuple(name for name in FIELDS if name != "sketch"), target="sketch", size=HALF)


def test_the_made_faces_stand_in_several_shards_in_another_order(tables: Path):
    assert len(shard_paths(tables / "faces")) == 3
    stored = [row["id"] for row in iter_rows(tables / "faces", ["id"])]
    assert sorted(stored) == sorted(IDS)
    assert stored != sorted(stored)


def test_every_row_of_every_field_is_the_face_of_its_id(tables: Path, tmp_path: Path):
    write_pack("all", ALL, tables, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    assert pack.ids == sorted(IDS)
    assert pack.splits == [SPLIT[id] for id in pack.ids]
    assert pack.styles == [STYLE[id] for id in pack.ids]
    assert pack.channels == {name: FIELDS[name].channels for name in FIELDS}
    for field in FIELDS:
        for row, id in enumerate(pack.ids):
            np.testing.assert_array_equal(
                pack.arrays[field][row], face_picture(id, field, HALF), err_msg=f"{field} of {id}"
            )


def test_faces_that_lack_a_field_are_named_and_take_no_row(tmp_path: Path):
    lost, both = TEST[1], IDS[0]
    data = write_tables(tmp_path / "data", {"depth": [lost, both], "lines": [both]})
    write_pack("some", ALL, data, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    assert pack.ids == sorted(set(IDS) - {lost, both})
    for row, id in enumerate(pack.ids):
        assert np.array_equal(pack.arrays["depth"][row], face_picture(id, "depth", HALF))
    missing = json.loads((tmp_path / "pack/pack.json").read_text())["missing"]
    assert missing == [
        {"id": both, "split": SPLIT[both], "style": STYLE[both], "lacks": ["lines", "depth"]},
        {"id": lost, "split": "test", "style": STYLE[lost], "lacks": ["depth"]},
    ]


@pytest.mark.parametrize(
    ("inputs", "with_rough", "shows"),
    [
        (["lines"], IDS, False),
        (["lines"], IDS[1:], True),
        (["lines"], (), True),
        (["lines", "sketch"], IDS, True),
        (["photo"], IDS, True),  # whoever says that a run sees its target is believed
    ],
)
def test_lines_show_the_sketch_unless_they_were_drawn(
    tmp_path: Path, inputs: list[str], with_rough: tuple[str, ...], shows: bool
):
    data = write_tables(tmp_path / "data", with_rough=with_rough)
    for allowed in (True, False):
        task = Task(tuple(inputs), "sketch", HALF, sees_target=allowed)
        folder = tmp_path / str(allowed)
        write_pack("rough", task, data, folder)
        assert Pack(folder).sees_target == (allowed and shows)


def test_unknown_fields_are_refused(tables: Path, tmp_path: Path):
    task = Task(inputs=("photo", "caricature"), target="sketch", size=HALF)
    with pytest.raises(SketchFaceError, match=r"^systems\.bad\.task: caricature; allowed: one of"):
        write_pack("bad", task, tables, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_a_run_without_test_faces_is_refused(tmp_path: Path):
    data = write_tables(tmp_path / "data", {"depth": list(TEST)})
    with pytest.raises(SketchFaceError, match="run deep: no test face has all of depth, sketch"):
        write_pack("deep", Task(("depth",), "sketch", HALF), data, tmp_path / "pack")


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_comes_back_as_it_was_stored(field: str):
    for size in (SIZE, HALF):
        found = as_array(field, encoded(IDS[3], field), size)
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, face_picture(IDS[3], field, size))


def test_parsing_takes_the_nearest_label_and_invents_none():
    labels = np.tile(np.array([[2, 18], [18, 2]], np.uint8), (32, 32))
    assert set(np.unique(as_array("parsing", encode_png(labels), 24))) <= {2, 18}
    stripes = np.repeat(np.array([[3, 9, 17]], np.uint8), 3, axis=0)
    enlarged = as_array("parsing", encode_png(stripes), 9)
    np.testing.assert_array_equal(enlarged[0], np.tile(np.repeat([3, 9, 17], 3), (9, 1)))
    # A picture, on the other hand, is averaged.
    assert (as_array("sketch", encode_png(labels), 32) == 10).all()


def test_depth_is_rounded_once():
    depth = np.array([[0.0, 1.0], [0.25, 0.5]])
    expected = [[[0, 255], [64, 128]]]  # 63.75 and, as 16 bits hold a half, 127.502
    assert as_array("depth", encode_depth(depth), 2).tolist() == expected


def test_grey_where_colour_is_wanted_and_the_other_way_round():
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    found = as_array("photo", encode_png(grey), 8)
    assert found.shape == (3, 8, 8)
    assert (found == grey).all()
    colour = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    found = as_array("sketch", encode_png(colour), 8)
    expected = colour @ [0.299, 0.587, 0.114]
    assert found.shape == (1, 8, 8)
    assert np.abs(found[0] - expected).max() <= 1
    assert cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY).tolist() == found[0].tolist()


def test_an_unpaired_pack_holds_the_faces_of_each_domain(tmp_path: Path):
    """Whoever lacks the target stays among the inputs, and the other way round."""
    no_sketch, no_photo, no_depth = TEST[1], IDS[0], IDS[1]
    lost = {"lines": [no_sketch], "photo": [no_photo], "depth": [no_photo, no_depth]}
    data = write_tables(tmp_path / "data", lost)
    task = Task(inputs=("photo", "depth"), target="lines", size=HALF, unpaired=True)
    write_pack("two", task, data, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    photos, lines = pack.domains
    assert (photos.fields, lines.fields) == (("depth", "photo"), ("lines",))
    assert photos.ids == sorted(set(IDS) - {no_photo, no_depth})
    assert lines.ids == sorted(set(IDS) - {no_sketch})
    for domain in pack.domains:
        assert domain.splits == [SPLIT[id] for id in domain.ids]
        for field in domain.fields:
            for row, id in enumerate(domain.ids):
                assert np.array_equal(pack.arrays[field][row], face_picture(id, field, HALF))
    # Only a face that has a part of a domain is missing from it.
    missing = json.loads((tmp_path / "pack/pack.json").read_text())["missing"]
    assert [(face["id"], face["lacks"]) for face in missing] == [(no_depth, ["depth"])]


def test_fields_may_have_a_side_of_their_own(tables: Path, tmp_path: Path):
    task = Task(inputs=("photo", "depth"), target="sketch", size=HALF, sizes={"depth": SIZE})
    write_pack("sizes", task, tables, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    assert pack.sizes == {"photo": HALF, "depth": SIZE, "sketch": HALF}
    for row, id in enumerate(pack.ids):
        for field, side in pack.sizes.items():
            assert np.array_equal(pack.arrays[field][row], face_picture(id, field, side))
