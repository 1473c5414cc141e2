"""CelebA and FFHQ: photos alone, in their publishers' layouts and splits."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mini_data import FACE, save, turned_face

import sketchface
from face_geometry import align
from pipeline.common.images import decode
from pipeline.common.shards import iter_rows
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT
from pipeline.datasets.celeba import IMAGES
from pipeline.datasets.ffhq import METADATA
from pipeline.faces.ingest import ingest
from sketchface_models.errors import SketchFaceError

celeba = adapter("celeba")
ffhq = adapter("ffhq")

CODES = ["0", "0", "0", "1", "2", "2"]


def celeba_settings(root: Path, images: str = "img_align_celeba") -> celeba.Settings:
    return celeba.Settings("celeba", str(root), 96, 2, 0, 0.5, 0, images, 0.5)  # type: ignore[arg-type]


def ffhq_settings(root: Path, images: str = "images1024x1024", size: int = 96) -> ffhq.Settings:
    return ffhq.Settings("ffhq", str(root), size, 2, 0, 0.0, 0, images)  # type: ignore[arg-type]


def some_photo(number: int, width: int = 178, height: int = 218) -> np.ndarray:
    return turned_face(width, height, 0.7 + number / 20, 3.0 * number)


@pytest.fixture
def mini_celeba(tmp_path: Path) -> Path:
    root = tmp_path / "CelebA"
    lines = []
    for number, code in enumerate(CODES, start=1):
        save(root / f"Img/img_align_celeba/{number:06d}.jpg", some_photo(number))
        save(root / f"Img/img_celeba/{number:06d}.jpg", some_photo(number, 400, 300))
        lines.append(f"{number:06d}.jpg {code}\n")
    lines.append("000099.jpg 2\n")  # many keep a part of the photos
    (root / "Eval").mkdir()
    (root / "Eval/list_eval_partition.txt").write_text("".join(lines))
    return root


def test_celeba_in_the_publishers_split(mini_celeba: Path) -> None:
    for images in IMAGES:
        offer = celeba.find(celeba_settings(mini_celeba, images))
        assert offer.rejected == []
        assert [(item.id, item.split, item.source) for item in offer.items] == [
            (f"{number:06d}", split, images)
            for number, split in enumerate(["train"] * 3 + ["val", "test", "test"], start=1)
        ]
    item = offer.items[0]
    face = celeba.read(item, celeba_settings(mini_celeba, "img_celeba"))
    assert face.photo is not None
    assert face.photo.shape == (300, 400, 3)


def test_celeba_where_it_was_unpacked_twice_or_flat(mini_celeba: Path, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    (flat / "img_align_celeba").mkdir(parents=True)
    (mini_celeba / "Img/img_align_celeba").rename(flat / "img_align_celeba/img_align_celeba")
    offer = celeba.find(celeba_settings(flat))
    assert len(offer.items) == 6
    assert {item.split for item in offer.items} == {None}  # no list: drawn
    (mini_celeba / "Eval/list_eval_partition.txt").rename(flat / "list_eval_partition.txt")
    assert {item.split for item in celeba.find(celeba_settings(flat)).items} == {
        "train", "val", "test",
    }  # fmt: skip


def test_celeba_keeps_its_publishers_val(mini_celeba: Path, tmp_path: Path) -> None:
    """Half of the training faces would be drawn, were there no `val`."""
    blank = np.full((218, 178, 3), 99, np.uint8)
    save(mini_celeba / "Img/img_align_celeba/000002.jpg", blank)  # no face: the usual place
    ingest(celeba, celeba_settings(mini_celeba), tmp_path / "faces")
    rows = {row["id"]: row for row in iter_rows(tmp_path / "faces")}
    assert Counter(row["split"] for row in rows.values()) == {"train": 3, "val": 1, "test": 2}
    stand_in = celeba.framing.usual_points("img_align_celeba", 178, 218)
    assert stand_in is not None
    transform = np.reshape(rows["000002"]["transform"], (2, 3))
    moved = align.transform_points(stand_in, transform)
    np.testing.assert_allclose(moved, align.PORTRAIT.target(96), atol=3)


@pytest.mark.parametrize("text", ["000001.jpg 3", "000001.jpg", "a b c", "\0", "000001.jpg zero"])
def test_a_damaged_partition_is_one_line(mini_celeba: Path, text: str) -> None:
    (mini_celeba / "Eval/list_eval_partition.txt").write_text(text)
    with pytest.raises(SketchFaceError, match=r"partition\.txt: '.*' is not like '000001\.jpg 0'"):
        celeba.find(celeba_settings(mini_celeba))
    (mini_celeba / "Eval/list_eval_partition.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(SketchFaceError, match="is not like"):
        celeba.find(celeba_settings(mini_celeba))


def test_celeba_validate(mini_celeba: Path) -> None:
    (mini_celeba / "Img/img_align_celeba/000004.jpg").write_bytes(b"")
    lines = sketchface.validate("celeba", mini_celeba).lines
    assert lines[0] == "list_eval_partition.txt: 7 photos"
    for line in (
        "img_align_celeba train: 3 photos of 162770",
        "img_align_celeba/000099: missing",
        "Img/img_align_celeba/000004.jpg: empty file (0 bytes); fetch it again",
        "img_celeba test: 2 photos of 19962",
    ):
        assert FAULT + line in lines
    with pytest.raises(SketchFaceError, match=r"neither img_align_celeba nor Img/img_align_celeba"):
        celeba.validate(mini_celeba / "Eval")


@pytest.fixture
def mini_ffhq(tmp_path: Path) -> Path:
    root = tmp_path / "ffhq"
    for number in (0, 999, 59_999, 60_000, 69_999):
        inside = f"{number // 1000 * 1000:05d}/{number:05d}.png"
        photo = some_photo(number % 7, 96, 96)
        for images in ("images1024x1024", "thumbnails128x128"):
            save(root / images / inside, photo)
    save(root / "in-the-wild-images/60000/60000.png", some_photo(5, 300, 260))
    (root / "images1024x1024/LICENSE.txt").write_text("terms")
    return root


def metadata(root: Path, **categories: str) -> None:
    records: dict[str, Any] = {}
    for number in (0, 999, 59_999, 60_000, 69_999):
        category = categories.get(f"n{number}", "training" if number < 60_000 else "validation")
        records[str(number)] = {
            "category": category,
            "metadata": {"photo_url": "https://example.org", "license": "CC", "author": ""},
            "image": {"file_path": f"{number:05d}.png", "face_landmarks": [[1.0, 2.0]] * 68},
        }
    (root / METADATA).write_text(json.dumps(records))


@pytest.mark.parametrize("with_metadata", [False, True])
def test_ffhq_the_last_ten_thousand_are_the_test(mini_ffhq: Path, with_metadata: bool) -> None:
    if with_metadata:
        metadata(mini_ffhq, n999="validation")
    offer = ffhq.find(ffhq_settings(mini_ffhq))
    splits = {item.id: item.split for item in offer.items}
    middle = "test" if with_metadata else "train"  # the publisher's word comes before the rule
    assert splits == {
        "00000": "train", "00999": middle, "59999": "train", "60000": "test", "69999": "test",
    }  # fmt: skip
    assert [reason for _, reason in offer.rejected] == ["LICENSE.txt: not a picture by its ending"]


def test_ffhq_keeps_its_publishers_framing(mini_ffhq: Path, tmp_path: Path) -> None:
    ingest(ffhq, ffhq_settings(mini_ffhq), tmp_path / "aligned")
    for row in iter_rows(tmp_path / "aligned"):
        path = mini_ffhq / f"images1024x1024/{row['id'][:2]}000/{row['id']}.png"
        assert row["photo"]["bytes"] == path.read_bytes()
    ingest(ffhq, ffhq_settings(mini_ffhq, "in-the-wild-images", 256), tmp_path / "wild")
    (row,) = iter_rows(tmp_path / "wild")
    from pipeline.landmarks.face_mesh import FaceMesh

    with FaceMesh() as mesh:
        detection = mesh.detect(decode(row["photo"]["bytes"]))
    assert detection is not None
    found = align.eyes_and_mouth(detection.landmarks)
    np.testing.assert_allclose(found, ffhq.framing.target(256), atol=8)


def test_ffhq_framing_is_the_publishers_formula() -> None:
    """Centre = eyes + 0.1 (mouth - eyes); side = max(4 eye distances, 3.6 eye-mouth distances)."""
    right, left, mouth = np.array(ffhq.framing.points)
    eyes = (right + left) / 2
    side = max(4 * np.linalg.norm(left - right), 3.6 * np.linalg.norm(mouth - eyes))
    assert side == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(eyes + 0.1 * (mouth - eyes), (0.5, 0.5), atol=0.005)


def test_ffhq_files_that_are_not_its_own(mini_ffhq: Path) -> None:
    for name in ("70000.png", "1.png", "copy of 00000.png"):
        save(mini_ffhq / "thumbnails128x128/00000" / name, FACE)
    save(mini_ffhq / "thumbnails128x128/backup/00000.png", FACE)  # a second 00000
    offer = ffhq.find(ffhq_settings(mini_ffhq, "thumbnails128x128"))
    assert sum("not a photo of the publisher's" in reason for _, reason in offer.rejected) == 3
    assert [item.id for item in offer.items].count("00000") == 2  # ingest keeps the first


@pytest.mark.parametrize("text", ["", "[]", "{", '{"0": {"category": "best"}}', '{"a": {}}', "7"])
def test_damaged_metadata_are_one_line(mini_ffhq: Path, text: str) -> None:
    (mini_ffhq / METADATA).write_text(text)
    with pytest.raises(SketchFaceError, match=r"ffhq-dataset-v2\.json: not FFHQ's metadata") as one:
        ffhq.find(ffhq_settings(mini_ffhq))
    assert "\n" not in str(one.value)


def test_ffhq_validate(mini_ffhq: Path, tmp_path: Path) -> None:
    metadata(mini_ffhq)
    (mini_ffhq / "thumbnails128x128/00000/00999.png").write_text("no")
    lines = sketchface.validate("ffhq", mini_ffhq).lines
    assert f"{FAULT}images1024x1024 train: 3 photos of 60000" in lines
    assert f"{FAULT}in-the-wild-images test: 1 photos of 10000" in lines
    assert any("00999.png: no readable picture" in line for line in lines)
    (tmp_path / "none").mkdir()
    assert ffhq.validate(tmp_path / "none")[0].startswith(FAULT)
