"""CelebAMask-HQ on miniatures in both layouts, and the real pairs where they are at hand."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from mini_data import FACE, save
from PIL import Image

import sketchface
from face_geometry.palette import COLOURS, INDEX
from pipeline.common.images import resize
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT
from pipeline.faces.ingest import ingest
from pipeline.faces.splits import assign
from sketchface_models.errors import SketchFaceError

celebamask = adapter("celebamask")

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "celebamask-mini"
PHOTO = resize(FACE, (64, 64))


def settings(root: Path, size: int = 64) -> celebamask.Settings:
    return celebamask.Settings(
        name="celebamask", root=str(root), size=size, shards=2, seed=0, val_fraction=0.2, limit=0,
        test_fraction=0.3,
    )  # fmt: skip


def labels_with_sides() -> np.ndarray:
    """The person's left eye at the image's right, as it should be."""
    labels = np.zeros((64, 64), np.uint8)
    labels[10:60, 10:54] = INDEX["skin"]
    labels[24:28, 36:44] = INDEX["l_eye"]
    labels[24:28, 18:26] = INDEX["r_eye"]
    labels[0:10] = INDEX["hair"]
    return labels


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    root = tmp_path / "mini"
    wrong = labels_with_sides()
    wrong[wrong == INDEX["l_eye"]] = 99
    wrong[wrong == INDEX["r_eye"]] = INDEX["l_eye"]
    wrong[wrong == 99] = INDEX["r_eye"]
    for number in range(6):
        photo = PHOTO.copy()
        photo[:4, :4] = 40 * number
        save(root / "images" / f"id{number}.png", photo)
        save(root / "masks" / f"id{number}.png", wrong if number == 3 else labels_with_sides())
    (root / "lr_swapped.txt").write_text("id3\n")
    return root


NUMBERS = {0: 119613, 1: 162770, 2: 162771, 3: 182637, 4: 182638, 2001: 200000}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Part masks as CelebAMask-HQ has them: RGB, folders of 2,000, photos twice as large."""
    root = tmp_path / "CelebAMask-HQ"
    lines = ["idx       orig_idx       orig_file"]
    for number, original in NUMBERS.items():
        lines.append(f"{number}       {original}       {original + 1:06d}.jpg")
        save(root / "CelebA-HQ-img" / f"{number}.jpg", np.repeat(np.repeat(PHOTO, 2, 0), 2, 1))
        folder = root / "CelebAMask-HQ-mask-anno" / str(number // 2000)
        for name, box in (
            ("skin", np.s_[10:60, 10:54]),
            ("l_eye", np.s_[24:28, 36:44]),
            ("hair", np.s_[0:30, 0:64]),
            ("neck", np.s_[55:64, 20:40]),
            ("cloth", np.s_[60:64, 0:64]),
        ):
            inside = np.zeros((64, 64, 3), np.uint8)
            inside[box] = 1 if name == "neck" else 255  # any value but 0 counts
            save(folder / f"{number:05d}_{name}.png", inside)
    (root / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(lines) + "\n")
    return root


def test_the_merged_layout_has_pairs_without_split(merged: Path) -> None:
    offer = celebamask.find(settings(merged))
    assert [item.id for item in offer.items] == [f"id{number}" for number in range(6)]
    assert {item.split for item in offer.items} == {None}
    assert offer.rejected == []
    face = celebamask.read(offer.items[0], settings(merged))
    np.testing.assert_array_equal(face.labels, labels_with_sides())
    np.testing.assert_array_equal(face.photo[4:], PHOTO[4:])
    assert celebamask.fields(settings(merged)) == {"photo", "labels"}


def test_exchanged_sides_are_put_right(merged: Path) -> None:
    items = {item.id: item for item in celebamask.find(settings(merged)).items}
    face = celebamask.read(items["id3"], settings(merged))
    np.testing.assert_array_equal(face.labels, labels_with_sides())
    (merged / "lr_swapped.txt").unlink()
    items = {item.id: item for item in celebamask.find(settings(merged)).items}
    as_published = celebamask.read(items["id3"], settings(merged)).labels
    assert as_published is not None
    assert as_published[25, 40] == INDEX["r_eye"]


def test_splits_of_the_merged_layout_are_drawn_by_id_and_seed(merged: Path) -> None:
    items = celebamask.find(settings(merged)).items
    first = assign(items, 0, 0.2, 0.3)
    assert {item.id: item.split for item in first} == {
        item.id: item.split for item in reversed(assign(items[::-1], 0, 0.2, 0.3))
    }
    assert {item.split for item in assign(items, 0, 0.0, 0.5)} == {"train", "test"}


def test_the_publishers_layout_has_the_publishers_split(published: Path) -> None:
    offer = celebamask.find(settings(published))
    assert {item.id: item.split for item in offer.items} == {
        "00000": "train",
        "00001": "train",
        "00002": "val",
        "00003": "val",
        "00004": "test",
        "02001": "test",
    }
    kept = assign(offer.items, 0, 0.0, 0.9)
    assert [item.split for item in kept] == [item.split for item in offer.items]


def test_parts_are_painted_in_class_order_and_photos_reduced_to_their_masks(
    published: Path,
) -> None:
    item = celebamask.find(settings(published)).items[-1]
    face = celebamask.read(item, settings(published))
    expected = np.zeros((64, 64), np.uint8)
    expected[10:60, 10:54] = INDEX["skin"]
    expected[24:28, 36:44] = INDEX["l_eye"]
    expected[0:30] = INDEX["hair"]  # 13 covers the eye, 4
    expected[55:64, 20:40] = INDEX["neck"]
    expected[60:64] = INDEX["cloth"]
    np.testing.assert_array_equal(face.labels, expected)
    assert face.photo is not None
    assert face.photo.shape == (64, 64, 3)
    larger = celebamask.read(item, settings(published, size=128))
    assert larger.photo is not None
    assert larger.photo.shape == (128, 128, 3)
    np.testing.assert_array_equal(larger.labels, expected.repeat(2, 0).repeat(2, 1))


def test_the_faces_stage_takes_it_and_keeps_its_framing(merged: Path, tmp_path: Path) -> None:
    ingest(adapter("celebamask"), settings(merged, size=32), tmp_path / "faces")
    rows = [
        row
        for path in sorted((tmp_path / "faces" / "shards").glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    assert sorted(row["id"] for row in rows) == [f"id{number}" for number in range(6)]
    labels = np.array(Image.open(io.BytesIO(rows[0]["labels"]["bytes"])))
    assert labels.shape == (32, 32)
    np.testing.assert_array_equal(labels, resize(labels_with_sides(), (32, 32), labels=True))


def test_palette_masks_are_read_by_index(merged: Path) -> None:
    picture = Image.fromarray(labels_with_sides(), "P")
    picture.putpalette(COLOURS.ravel().tolist())
    picture.save(merged / "masks" / "id0.png")
    item = celebamask.find(settings(merged)).items[0]
    face = celebamask.read(item, settings(merged))
    np.testing.assert_array_equal(face.labels, labels_with_sides())


def test_what_cannot_be_used_is_said_and_quarantined(merged: Path, tmp_path: Path) -> None:
    (merged / "masks" / "id0.png").unlink()
    (merged / "images" / "id1.png").unlink()
    save(merged / "masks" / "id2.png", np.full((64, 64), 200, np.uint8))
    save(merged / "masks" / "id4.png", np.zeros((64, 20), np.uint8))
    (merged / "masks" / "id5.png").write_bytes((merged / "masks" / "id3.png").read_bytes()[:60])
    ingest(adapter("celebamask"), settings(merged), tmp_path / "faces")
    rows = pq.read_table(tmp_path / "faces" / "quarantine.parquet").to_pylist()
    reasons = {row["id"]: row["reason"] for row in rows}
    assert "no mask" in reasons["id0"]
    assert "no image" in reasons["id1"]
    assert "class 200" in reasons["id2"]
    assert "mask 20 x 64" in reasons["id4"]
    assert "truncated or damaged" in reasons["id5"]
    assert set(reasons) == {"id0", "id1", "id2", "id4", "id5"}
    lines = sketchface.validate("celebamask", merged).lines
    assert {FAULT + reason for reason in reasons.values()} < set(lines)


def test_published_photos_without_mask_or_number_are_left_out(published: Path) -> None:
    save(published / "CelebA-HQ-img" / "7.jpg", PHOTO)
    for path in (published / "CelebAMask-HQ-mask-anno" / "1").iterdir():
        path.unlink()
    offer = celebamask.find(settings(published))
    assert [id for id, _ in offer.rejected] == ["02001", "00007"]
    assert "no mask of any part" in dict(offer.rejected)["02001"]


def test_parts_of_different_sizes_are_refused(published: Path) -> None:
    folder = published / "CelebAMask-HQ-mask-anno" / "0"
    save(folder / "00000_neck.png", np.zeros((32, 32), np.uint8))
    item = celebamask.find(settings(published)).items[0]
    with pytest.raises(SketchFaceError, match=r"00000_neck\.png: of another size"):
        celebamask.read(item, settings(published))


def test_folders_that_are_something_else_are_refused(tmp_path: Path, published: Path) -> None:
    with pytest.raises(SketchFaceError, match="neither CelebA-HQ-img/ nor images/"):
        celebamask.find(settings(tmp_path))
    mapping = published / "CelebA-HQ-to-CelebA-mapping.txt"
    mapping.write_text("idx orig_idx\n0 x\n")
    with pytest.raises(SketchFaceError, match="damaged"):
        celebamask.find(settings(published))
    mapping.unlink()
    with pytest.raises(SketchFaceError, match="gives the split"):
        celebamask.find(settings(published))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real pairs are not at hand")
def test_the_real_pairs() -> None:
    chosen = dataclasses.replace(settings(REAL), test_fraction=0.1, val_fraction=0.08)
    offer = celebamask.find(chosen)
    assert len(offer.items) == 850
    assert sum("swapped" in item.files for item in offer.items) == 62
    assert offer.rejected == []
    for item in offer.items[:200:10]:
        labels = celebamask.read(item, chosen).labels
        assert labels is not None
        columns = [np.nonzero(labels == INDEX[name])[1] for name in ("r_eye", "l_eye")]
        if all(len(found) for found in columns):
            assert columns[0].mean() < columns[1].mean()
