"""The built-in doodles as a data set: what it offers, and that it is drawn as QuickDraw's are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mini_data import save

from pipeline.check.check import lacking
from pipeline.common.images import decode
from pipeline.common.shards import iter_rows
from pipeline.datasets import adapter
from pipeline.datasets.synthetic import GENERATOR
from pipeline.faces.ingest import ingest
from sketchface.data_sets import validate_data_set
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.run_settings import Task
from synthetic_faces.doodles import doodle

doodles = adapter("doodles")
unpaired = adapter("unpaired")
COMMON = {"size": 56, "shards": 2, "seed": 3, "val_fraction": 0.1, "limit": 0}


def settings(**changes: object):
    own = {"name": "doodles", "root": str(GENERATOR), "count": 20, "test_count": 6}
    return load(doodles.Settings, COMMON | own | changes)


def test_drawings_alone_and_the_same_test_ones_whatever_the_count():
    few, many = doodles.find(settings(count=5)).items, doodles.find(settings()).items
    assert Counter(item.split for item in many) == {"train": 20, "test": 6}
    assert [i for i in few if i.split == "test"] == [i for i in many if i.split == "test"]
    assert few[:5] == many[:5]
    fields = doodles.field_sets(settings())
    assert lacking(Task(("doodle",), "doodle", 32, sees_target=True), fields) == []
    assert lacking(Task(("doodle",), "photo", 64, unpaired=True), fields) == ["photo"]


def test_a_doodle_is_the_bitmap_on_white_paper(tmp_path: Path):
    ingest(doodles, settings(), tmp_path / "faces")
    rows = {row["id"]: row for row in iter_rows(tmp_path / "faces")}
    assert len(rows) == 26
    row = rows["doodle-test-000002"]
    assert row["photo"] is None
    picture = decode(row["doodle"]["bytes"]).astype(float)
    assert picture.shape == (56, 56)
    bitmap = doodle(3, "doodle-test-000002").bitmap.astype(float)
    shrunk = picture.reshape(28, 2, 28, 2).mean(axis=(1, 3))
    assert np.corrcoef(shrunk.ravel(), 255 - bitmap.ravel())[0, 1] > 0.95
    assert np.median(picture) > 200  # paper
    assert rows["doodle-000001"]["doodle"]["bytes"] != row["doodle"]["bytes"]


def test_beside_any_folder_of_photos(tmp_path: Path):
    draw = np.random.default_rng(0)
    for number in range(4):
        save(tmp_path / f"own/{number}.png", draw.integers(0, 256, (80, 80, 3)).astype(np.uint8))
    root = str(tmp_path / "own")
    values = COMMON | {
        "name": "unpaired", "root": root, "test_fraction": 0.4,
        "photo": {"name": "folder", "root": root, "photos": "", "sketches": ""},
        "drawings": {
            "name": "doodles", "root": str(GENERATOR), "count": 20, "test_count": 6,
        },
    }  # fmt: skip
    offer = unpaired.find(load(unpaired.Settings, values, "data"))
    assert Counter(item.kind for item in offer.items) == {"photo": 4, "drawing": 26}
    assert "drawing-doodles-doodle-000000" in {item.id for item in offer.items}


def test_validate_draws_some_and_wants_the_generators_folder(tmp_path: Path):
    result = validate_data_set("doodles", GENERATOR)
    assert result.verdict.endswith("complete")
    assert result.lines[-1] == "40 of them drawn twice: 40 different ones"
    assert not result.faults
    with pytest.raises(SketchFaceError, match="built-in faces and doodles need the"):
        validate_data_set("doodles", tmp_path)
