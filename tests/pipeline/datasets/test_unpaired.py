"""Photos of one data set and drawings of another, through every stage that reads them."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from mini_data import MiniFS2K, save, sketch_of, turned_face

from pipeline.augment.augment import AugmentSettings, augment_test_contours
from pipeline.check.check import lacking
from pipeline.common.images import decode
from pipeline.common.parameters import Parameters
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.compose import compose
from pipeline.contours.contours import ContourSettings, draw_contours
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT
from pipeline.datasets.drawings import on_square
from pipeline.datasets.synthetic import GENERATOR
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.faces import __main__ as faces
from pipeline.faces.ingest import ingest
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks
from pipeline.pack.pack import write_pack
from pipeline.segment.segment import SegmentSettings, segment
from sketchface_models.config import load, violations
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.run_settings import Task

drawings = adapter("drawings")
quickdraw = adapter("quickdraw")
synthetic = adapter("synthetic")
unpaired = adapter("unpaired")

QUICKDRAW = {
    "name": "quickdraw", "root": "doodles", "file": "face.ndjson", "recognized": True, "pen": 16.0,
}  # fmt: skip
FS2K = {"name": "fs2k", "root": "FS2K"}
FOLDER = {"name": "folder", "root": "own", "photos": "", "sketches": ""}


def values(root: Path, photo: dict, drawn: dict, **changes: Any) -> dict[str, Any]:
    photo, drawn = (half | {"root": str(root / str(half["root"]))} for half in (photo, drawn))
    return {
        "name": "unpaired", "root": photo["root"], "size": 96, "shards": 2, "seed": 0,
        "val_fraction": 0.2, "limit": 0, "test_fraction": 0.4, "photo": photo, "drawings": drawn,
    } | changes  # fmt: skip


def settings(root: Path, photo: dict, drawn: dict, **changes: Any) -> unpaired.Settings:
    return load(unpaired.Settings, values(root, photo, drawn, **changes), "data")


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    root = tmp_path / "sets"
    MiniFS2K(root / "FS2K")
    entries = [
        {"key_id": str(n), "drawing": [[[0, 255], [n * 8, 255 - n * 8]]], "recognized": n > 1}
        for n in range(16)
    ]
    (root / "doodles").mkdir()
    lines = "".join(f"{json.dumps(entry)}\n" for entry in entries)
    (root / "doodles/face.ndjson").write_text(lines)
    for number in range(4):
        save(root / f"own/{number}.png", turned_face(300, 260, 1 + number / 6, 6 * number))
    for number, shape in enumerate([(60, 90), (90, 60), (64, 64)]):
        save(root / f"drawn/{number}.png", np.full(shape, 200 + number, np.uint8))
    return root


def rows_of(out: Path) -> dict[str, dict]:
    return {row["id"]: row for row in iter_rows(out)}


def test_photos_and_drawings_of_two_sets(sets: Path, tmp_path: Path) -> None:
    ingest(unpaired, settings(sets, FS2K, QUICKDRAW), tmp_path / "faces")
    rows = rows_of(tmp_path / "faces")
    photos = {id: row for id, row in rows.items() if id.startswith("photo-fs2k-")}
    drawn = {id: row for id, row in rows.items() if id.startswith("drawing-quickdraw-")}
    assert len(photos) == 8
    assert len(drawn) == 14
    assert len(rows) == 22
    for row in photos.values():
        assert row["photo"] is not None
        assert (
            row["sketch"] is row["doodle"] is row["style"] is None
        )  # a pair's sketch would give it away
    for row in drawn.values():
        assert row["photo"] is None
        assert decode(row["sketch"]["bytes"]).shape == (96, 96)
        assert row["doodle"]["bytes"] == row["sketch"]["bytes"]
    assert photos["photo-fs2k-photo3_image0449"]["split"] == "test"  # the publisher's
    assert {row["split"] for row in drawn.values()} >= {"train", "test"}
    assert Counter(row["source"] for row in rows.values()) == {
        "fs2k/photo1": 4, "fs2k/photo2": 1, "fs2k/photo3": 3, "quickdraw/face": 14,
    }  # fmt: skip
    left_out = {row["id"]: row["reason"] for row in read_quarantine(tmp_path / "faces")}
    assert set(left_out) == {"drawing-quickdraw-0", "drawing-quickdraw-1"}
    about = json.loads((tmp_path / "faces/dataset.json").read_text())
    assert about["fields"] == {"photo": 8, "sketch": 14, "doodle": 14}
    assert (about["offered"], about["accepted"], about["quarantined"]) == (24, 22, 2)


def test_a_set_of_pairs_gives_framed_sketches_alone(sets: Path, tmp_path: Path) -> None:
    """They are aligned by photos that no row holds; both halves may be one set."""
    ingest(unpaired, settings(sets, FOLDER, FS2K), tmp_path / "faces")
    rows = rows_of(tmp_path / "faces")
    drawn = rows["drawing-fs2k-photo2_image0001"]
    assert drawn["photo"] is drawn["hash"] is None
    assert drawn["style"] == 3
    ingest(unpaired, settings(sets, FS2K, FS2K), tmp_path / "both")
    both = rows_of(tmp_path / "both")
    assert len(both) == 16
    photo = both["photo-fs2k-photo2_image0001"]
    assert photo["transform"] == drawn["transform"]
    redrawn = sketch_of(decode(photo["photo"]["bytes"]))[20:76, 20:76]
    sketch = decode(drawn["sketch"]["bytes"])[20:76, 20:76]
    assert np.corrcoef(redrawn.ravel(), sketch.ravel())[0, 1] > 0.5
    twice = json.loads((tmp_path / "both/dataset.json").read_text())["duplicates"]
    assert twice["faces"] == 7  # photos; a photo and its own sketch are no duplicates


def test_drawings_of_ones_own_are_padded(sets: Path, tmp_path: Path) -> None:
    own = {"name": "drawings", "root": "drawn", "folder": ""}
    ingest(unpaired, settings(sets, FOLDER, own), tmp_path / "faces")
    drawn = [row for id, row in rows_of(tmp_path / "faces").items() if id.startswith("drawing")]
    assert len(drawn) == 3
    for row in drawn:
        sketch = decode(row["sketch"]["bytes"])
        assert sketch.shape == (96, 96)
        assert sketch.min() == sketch.max()
    wide = np.full((2, 4), 250, np.uint8)
    wide[:, 1:3] = 7
    assert on_square(wide).tolist() == [
        [250] * 4, [250, 7, 7, 250], [250, 7, 7, 250], [250] * 4,
    ]  # fmt: skip


def test_limit_counts_photos_and_drawings_apart(sets: Path, tmp_path: Path) -> None:
    ingest(unpaired, settings(sets, FS2K, QUICKDRAW, limit=2, val_fraction=0), tmp_path / "faces")
    kinds = Counter(
        (id.split("-")[0], row["split"]) for id, row in rows_of(tmp_path / "faces").items()
    )
    assert kinds == {
        (kind, split): 2 for kind in ("photo", "drawing") for split in ("train", "test")
    }


def test_built_in_faces_as_either_half(sets: Path, tmp_path: Path) -> None:
    made = {"name": "synthetic", "root": str(GENERATOR), "count": 6, "test_count": 2}
    made["styles"] = [1, 2, 3]
    for photo, drawn in ((made, QUICKDRAW), (FOLDER, made)):
        out = tmp_path / photo["name"]
        ingest(unpaired, settings(sets, photo, drawn), out)
        mine = [row for id, row in rows_of(out).items() if "synthetic" in id]
        assert len(mine) == 8
        has = [photo is made] * 3
        for row in mine:
            assert [row[name] is not None for name in ("photo", "labels", "depth")] == has
            assert (row["sketch"] is None) == (photo is made)
            assert row["rough"] is None  # it would pair them


def test_every_stage_goes_on_without_photos_or_sketches(sets: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    landmarks, contours = data / "landmarks", data / "contours"
    ingest(unpaired, settings(sets, FS2K, QUICKDRAW, val_fraction=0.0), data / "faces")
    run_stages(data)
    found = {row["id"] for row in iter_rows(landmarks, ["id"])}
    assert len(found) == 7  # one of the eight photos is blank
    assert all(id.startswith("photo-fs2k-") for id in found)
    assert len(read_quarantine(landmarks)) == 15
    lines = rows_of(contours)
    assert {id for id, row in lines.items() if row["contour"]} == found
    drawn = {id for id in lines if id.startswith("drawing-")}
    assert {id for id, row in lines.items() if row["lines"]} == drawn
    assert {row["id"] for row in iter_rows(data / "depth", ["id"])} == found
    parsed = {row["id"] for row in iter_rows(data / "segment", ["id"])}
    assert parsed == set(lines) - drawn  # that needs no landmarks
    assert len(read_quarantine(data / "depth")) == 15
    assert len(read_quarantine(data / "segment")) == 14
    for run, (inputs, target) in {"a": ("contour", "photo"), "b": ("lines", "sketch")}.items():
        write_pack(run, Task((inputs,), target, 64), data, data / "pack" / run)
        pack = json.loads((data / "pack" / run / "pack.json").read_text())
        assert set(pack["ids"]) == (found if run == "a" else drawn)
        assert len(pack["ids"]) + len(pack["missing"]) == 22
    with pytest.raises(SketchFaceError, match="no train face has all of photo, sketch"):
        write_pack("c", Task(("photo",), "sketch", 64), data, data / "pack" / "c")


def run_stages(data: Path) -> None:
    """Every stage between `faces` and `pack`, as `conf/` has them."""
    compose([], data / "params.yaml")
    section = Parameters.from_file(data / "params.yaml").section
    aligned, landmarks, contours = data / "faces", data / "landmarks", data / "contours"
    find_landmarks(aligned, landmarks, section("landmarks", LandmarkSettings))
    draw_contours(aligned, landmarks, contours, section("contours", ContourSettings))
    augment_test_contours(aligned, contours, data / "augment", section("augment", AugmentSettings))
    make_depth(aligned, landmarks, data / "depth", section("depth", DepthSettings))
    segment(aligned, landmarks, data / "segment", section("segment", SegmentSettings))


def test_offers_and_what_no_face_has_together(sets: Path) -> None:
    given = settings(sets, FS2K, QUICKDRAW)
    assert unpaired.fields(given) == {"photo", "sketch", "doodle"}
    assert unpaired.field_sets(given) == [{"photo"}, {"doodle"}, {"sketch"}]
    sets_of_fields = photo, *_ = unpaired.field_sets(given)
    pair = Task(("photo",), "sketch", 64)
    assert lacking(pair, sets_of_fields) == ["sketch"]
    assert lacking(Task(("photo",), "sketch", 64, unpaired=True), sets_of_fields) == []
    assert lacking(Task(("lines",), "sketch", 64), sets_of_fields) == []
    assert lacking(Task(("doodle",), "photo", 64, unpaired=True), sets_of_fields) == []
    assert lacking(Task(("doodle",), "photo", 64, unpaired=True), [photo, photo]) == ["doodle"]


@pytest.mark.parametrize(
    ("key", "change", "line"),
    [
        ("photo", {"name": "imagenet"}, "data.photo.name: 'imagenet'; allowed: one of synthetic"),
        ("photo", {"name": "unpaired"}, "data.photo.name: 'unpaired'; allowed: one data set"),
        ("photo", {"name": "quickdraw"}, "data.photo.file: missing"),
        ("photo", QUICKDRAW, "data.photo.name: 'quickdraw' has no photo"),
        ("drawings", FOLDER, "data.drawings.name: 'folder' has no sketch"),
        ("drawings", {"size": 64}, "data.drawings.size: stands in data.size for both; remove it"),
        ("drawings", {"pen": 0}, "data.drawings.pen: 0; allowed: a number > 0"),
        ("drawings", {"colour": 1}, "data.drawings.colour: 1; allowed: one of the keys name"),
    ],
)
def test_what_is_wrong_in_a_half_is_said_with_its_key(
    sets: Path, key: str, change: dict, line: str
) -> None:
    right = {"photo": FS2K, "drawings": QUICKDRAW}
    right[key] = change if {"name", "root"} <= change.keys() else right[key] | change
    found = violations(unpaired.Settings, values(sets, right["photo"], right["drawings"]), "data")
    assert any(problem.startswith(line) for problem in found), found


def test_dvc_watches_both_roots(sets: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """What the stage depends on is what it reads, or it does not begin."""
    monkeypatch.chdir(tmp_path)
    overrides = [f"data.photo.root={sets}/own", f"data.drawings.root={sets}/drawn"]
    compose(["data=unpaired", *overrides], tmp_path / "params.yaml")
    composed = yaml.safe_load((tmp_path / "params.yaml").read_text())
    assert composed["data"]["root"] == composed["data"]["photo"]["root"] == f"{sets}/own"
    assert composed["second_root"] == f"{sets}/drawn"
    own = {"name": "drawings", "root": "drawn", "folder": ""}
    section = values(sets, FOLDER, own, duplicate_distance=-1)
    faces.main(Parameters({"data": section, "second_root": f"{sets}/drawn"}))
    assert len(rows_of(tmp_path / "data/faces")) == 7
    with pytest.raises(SketchFaceError, match=r"^second_root: 'elsewhere', and data\.drawings"):
        faces.main(Parameters({"data": section, "second_root": "elsewhere"}))
    section["drawings"]["root"] = "nowhere"
    with pytest.raises(SketchFaceError, match=r"^data\.drawings\.root: 'nowhere' is no folder"):
        faces.main(Parameters({"data": section, "second_root": "nowhere"}))
    section["root"] = "elsewhere"
    (line,) = violations(unpaired.Settings, section, "data")
    assert line.startswith("data.root: 'elsewhere'; allowed: data.photo.root")


def test_validate_names_the_way() -> None:
    (line,) = unpaired.validate("anywhere")
    assert line.startswith(FAULT)


def test_a_changed_drawing_touches_its_shard_alone(sets: Path, tmp_path: Path) -> None:
    given = quickdraw.Settings("quickdraw", str(sets / "doodles"), 64, 3, 0, 0, 0, "face.ndjson",
                               False, 16.0, 0.0)  # fmt: skip
    ingest(quickdraw, given, tmp_path / "a")
    path = sets / "doodles/face.ndjson"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:5], lines[5].replace("255]", "200]", 1), *lines[6:]]))
    ingest(quickdraw, dataclasses.replace(given), tmp_path / "b")
    changed = [
        name
        for name in ("0000", "0001", "0002")
        if (tmp_path / f"a/shards/{name}.parquet").read_bytes()
        != (tmp_path / f"b/shards/{name}.parquet").read_bytes()
    ]
    assert len(changed) == 1
