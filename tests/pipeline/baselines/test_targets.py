"""Targets and baselines at scoring size, and what is said where they are missing."""

import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from made_tables import (
    IDS,
    SIZE,
    STYLE,
    TEST,
    TRAIN,
    face_picture,
    pictures_of,
    write_tables,
)

from pipeline.baselines.baselines import Faces, baseline_pictures
from pipeline.baselines.targets import (
    fingerprint,
    mean_training_target,
    missing_faces,
    read_dataset,
    read_pictures,
    read_traits,
)
from pipeline.common.fields import FIELDS
from pipeline.common.records import Method
from pipeline.common.shards import QUARANTINE, quarantined, write_rows
from sketchface_models.errors import SketchFaceError

SHUFFLED = tuple(TEST[i] for i in np.random.default_rng(1).permutation(len(TEST)))


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("size", [SIZE, SIZE // 2])
def test_pictures_come_in_the_order_of_the_ids(tables: Path, field: str, size: int):
    for ids in (TEST, TEST[::-1], SHUFFLED, TEST[2:3]):
        found = read_pictures(tables, field, ids, size)
        assert found.dtype == torch.uint8
        np.testing.assert_array_equal(found.numpy(), pictures_of(ids, field, size))


def test_faces_that_are_not_there_are_named_with_the_remedy(tmp_path: Path):
    data = write_tables(tmp_path / "data", {"lines": list(TEST[:2])})
    message = (
        f"{data}/contours: no lines of 2 of 8 test faces ({TEST[0]}, {TEST[1]}); "
        "run `dvc repro contours pack`, so that tables and packs hold the same faces"
    )
    with pytest.raises(SketchFaceError, match=f"^{re.escape(message)}$"):
        read_pictures(data, "lines", TEST, SIZE)
    strangers = [f"stranger-{i}" for i in range(5)]
    with pytest.raises(SketchFaceError, match=r"5 of 6 .* \(stranger-0, stranger-1, stranger-2, "):
        read_pictures(data, "photo", [*strangers, TEST[0]], SIZE)


def test_the_mean_is_over_the_training_faces_alone(tables: Path, tmp_path: Path):
    for field in ("sketch", "photo", "depth"):
        expected = pictures_of(TRAIN, field).astype(float).mean(axis=0)
        found = mean_training_target(tables, field, SIZE)
        torch.testing.assert_close(found, torch.from_numpy(expected))
    data = write_tables(tmp_path / "data", {"lines": list(TRAIN[1:])})
    assert torch.equal(
        mean_training_target(data, "lines", SIZE),
        torch.from_numpy(face_picture(TRAIN[0], "lines").astype(float)),
    )


def test_no_training_target_is_one_line(tmp_path: Path):
    data = write_tables(tmp_path / "data", {"depth": list(TRAIN)})
    with pytest.raises(SketchFaceError, match=r"/depth: no depth of any training face; see quar"):
        mean_training_target(data, "depth", SIZE)


def baselines(
    data: Path, fields: tuple[str, ...], ids: tuple[str, ...], seed: int
) -> dict[Method, torch.Tensor]:
    """Baselines of a run that reads the first fields and generates the last one."""
    dataset, styles = read_dataset(data), tuple(STYLE[id] for id in ids)
    traits = read_traits(data, ids)
    faces = Faces(data, dataset, ids, styles, traits, fields[:-1], fields[-1], seed)
    pictures = {field: read_pictures(data, field, ids, SIZE) for field in faces.fields}
    return baseline_pictures(faces, pictures)


def test_baselines_are_what_they_are_called(tables: Path):
    targets = read_pictures(tables, "sketch", SHUFFLED, SIZE)
    rows = baselines(tables, ("photo", "sketch"), SHUFFLED, seed=3)
    photos = pictures_of(SHUFFLED, "photo").astype(float)
    grey = np.einsum("nchw,c->nhw", photos, [0.299, 0.587, 0.114])[:, None]
    np.testing.assert_array_equal(rows["input"].numpy(), np.rint(grey))
    mean = np.rint(pictures_of(TRAIN, "sketch").astype(float).mean(axis=0))
    for picture in rows["mean"].numpy():
        np.testing.assert_array_equal(picture, mean)
    assert {name: row.shape for name, row in rows.items()} == dict.fromkeys(rows, targets.shape)
    assert {row.dtype for row in rows.values()} == {torch.uint8}


def test_another_face_is_always_another_one_and_each_serves_once(tables: Path):
    targets = read_pictures(tables, "sketch", TEST, SIZE)
    for seed in range(5):
        other = baselines(tables, ("lines", "sketch"), TEST, seed)[Method.OTHER]
        owner = [[torch.equal(o, t) for t in targets].index(True) for o in other]
        assert sorted(owner) == list(range(len(TEST)))
        assert all(other != face for face, other in enumerate(owner))


def test_one_face_alone_has_no_other(tables: Path):
    rows = baselines(tables, ("lines", "photo"), TEST[:1], seed=0)
    assert set(rows) == {"input", "mean"}
    np.testing.assert_array_equal(
        rows["input"].numpy(), np.repeat(pictures_of(TEST[:1], "lines"), 3, axis=1)
    )


def test_parsing_maps_are_painted_in_the_mean_colours_of_their_classes(tables: Path):
    painted = baselines(tables, ("parsing", "photo"), TEST, seed=0)[Method.CLASS_COLOURS]
    photos, maps = (pictures_of(TRAIN, field).astype(float) for field in ("photo", "parsing"))
    of_test = pictures_of(TEST, "parsing")[:, 0]
    classes = [label for label in range(19) if (maps == label).any() and (of_test == label).any()]
    for label in classes:
        train = photos.transpose(0, 2, 3, 1)[maps[:, 0] == label]
        expected = np.rint(train.mean(axis=0)).clip(0, 255)
        colours = painted.numpy().transpose(0, 2, 3, 1)[of_test == label]
        np.testing.assert_array_equal(colours, np.broadcast_to(expected, colours.shape))
    assert Method.CLASS_COLOURS not in baselines(tables, ("parsing", "sketch"), TEST, seed=0)


def test_a_fingerprint_names_ids_field_and_pixels_but_not_their_order(tables: Path):
    pictures = read_pictures(tables, "sketch", TEST, SIZE)
    shuffled = read_pictures(tables, "sketch", SHUFFLED, SIZE)
    own = fingerprint("sketch", TEST, pictures)
    assert re.fullmatch("[0-9a-f]{16}", own)
    assert fingerprint("sketch", SHUFFLED, shuffled) == own
    assert fingerprint("sketch", TEST, shuffled) != own
    assert fingerprint("lines", TEST, pictures) != own
    assert fingerprint("sketch", ("other", *TEST[1:]), pictures) != own
    nearly = pictures.clone()
    nearly[3, 0, 5, 5] ^= 1
    assert fingerprint("sketch", TEST, nearly) != own


def test_missing_faces_come_from_the_pack_and_from_ingest(tmp_path: Path):
    data = write_tables(tmp_path / "data")
    lacking = [
        {"id": TEST[1], "split": "test", "style": STYLE[TEST[1]], "lacks": ["lines", "depth"]},
        {"id": TRAIN[0], "split": "train", "style": 1, "lacks": ["depth"]},
    ]
    assert [face.id for face in missing_faces(data, lacking)] == [TEST[1]]
    schema = pa.schema([*QUARANTINE, ("split", pa.string()), ("style", pa.int8())])
    left_out = [
        quarantined("a-lost-one", "faces", "a.jpg: empty file") | {"split": "test", "style": 2},
        quarantined("learner", "faces", "b.jpg: empty file") | {"split": "train", "style": 1},
        quarantined("notes.txt", "faces", "not a picture") | {"split": None, "style": None},
    ]
    write_rows(data / "faces/quarantine.parquet", left_out, schema)
    assert [vars(face) for face in missing_faces(data, lacking)] == [
        {"id": "a-lost-one", "split": "test", "style": 2, "reason": "a.jpg: empty file"},
        {
            "id": TEST[1],
            "split": "test",
            "style": STYLE[TEST[1]],
            "reason": "without lines, depth",
        },
    ]


@pytest.mark.parametrize("content", [None, "[damaged", "[]", '{"name": "x"}', '{"size": "big"}'])
def test_a_data_set_without_card_is_one_line(tmp_path: Path, content: str | None):
    data = write_tables(tmp_path / "data")
    assert read_dataset(data)["size"] == SIZE
    path = data / "faces" / "dataset.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(SketchFaceError, match=r"dataset\.json: missing or damaged; run `dvc rep"):
        read_dataset(data)


def test_a_missing_stage_is_one_line(tmp_path: Path):
    data = write_tables(tmp_path / "data")
    shutil.rmtree(data / "contours")
    with pytest.raises(SketchFaceError, match="contours: no shards in it"):
        read_pictures(data, "lines", IDS[:1], SIZE)
