from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mini_data import FACE, MiniFS2K, save

import sketchface
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT, Offer
from sketchface_models.errors import SketchFaceError

fs2k = adapter("fs2k")

FS2K = Path(__file__).resolve().parents[4] / "shared" / "data" / "FS2K"


def settings(root: Path, drop_shared: bool = False) -> fs2k.Settings:
    return fs2k.Settings(
        name="fs2k", root=str(root), size=250, shards=2, seed=0, val_fraction=0.0, limit=0,
        drop_shared=drop_shared,
    )  # fmt: skip


def reasons(offer: Offer) -> dict[str, str]:
    return dict(offer.rejected)


def test_pairs_splits_styles_and_endings(mini_fs2k: MiniFS2K) -> None:
    offer = fs2k.find(settings(mini_fs2k.root))
    assert offer.rejected == []
    found = {item.id: (item.split, item.source, item.style) for item in offer.items}
    assert found == {
        "photo1_image0001": ("train", "photo1", 2),
        "photo1_image0002": ("train", "photo1", 1),
        "photo1_image0003": ("test", "photo1", 2),
        "photo1_image0004": ("test", "photo1", 1),
        "photo2_image0001": ("train", "photo2", 3),
        "photo3_image0001": ("train", "photo3", 3),
        "photo3_image0002": ("train", "photo3", 3),
        "photo3_image0449": ("test", "photo3", 1),
    }
    files = {item.id: item.files for item in offer.items}
    assert files["photo3_image0449"]["photo"].name == "image0449.JPG"
    assert files["photo2_image0001"]["sketch"].name == "sketch0001.png"


def test_pose_smile_and_earring_are_traits(mini_fs2k: MiniFS2K) -> None:
    """0 means with, or within 30 degrees; what the publisher never wrote is no trait."""
    entries = mini_fs2k.entries["test"]
    entries[0] |= {"frontal_face": 0, "smile": 0, "earring": 0}
    entries[1] |= {"frontal_face": 1, "smile": 1, "earring": 1}
    entries[2] |= {"frontal_face": True, "smile": "0", "earring": 2}
    del mini_fs2k.entries["train"][0]["smile"]
    mini_fs2k.write()
    items = {item.id: item for item in fs2k.find(settings(mini_fs2k.root)).items}
    assert items["photo1_image0003"].traits == ("pose frontal", "smile yes", "earring yes")
    assert items["photo1_image0004"].traits == ("pose turned", "smile no", "earring no")
    assert items["photo3_image0449"].traits == ()
    assert items["photo1_image0001"].traits == ("pose frontal", "earring no")
    face = fs2k.read(items["photo1_image0003"], settings(mini_fs2k.root))
    assert face.traits == items["photo1_image0003"].traits


def test_read_gives_grey_sketches_over_white(mini_fs2k: MiniFS2K) -> None:
    root = mini_fs2k.root
    sketch = np.zeros((318, 223, 4), np.uint8)  # black, and transparent but for a square
    sketch[100:120, 100:120, 3] = 255
    save(root / "sketch/sketch2/sketch0001.png", sketch)
    items = {item.id: item for item in fs2k.find(settings(root)).items}
    face = fs2k.read(items["photo2_image0001"], settings(root))
    assert face.photo is not None
    assert face.sketch is not None
    assert face.photo.shape == (318, 223, 3)
    assert face.sketch.shape == (318, 223)
    assert face.sketch[0, 0] == 255
    assert face.sketch[110, 110] == 0


def test_every_bad_annotation_is_left_out_with_its_reason(mini_fs2k: MiniFS2K) -> None:
    mini_fs2k.entries["train"] += [
        {"image_name": "photo1/image0099", "style": 0},  # no such file
        {"image_name": "photo1/image0001", "style": 0},  # a second time
        {"image_name": "photo1/../../secret", "style": 0},
        {"image_name": 7, "style": 0},
        {"style": 0},
        "photo1/image0002",
        None,
    ]
    for number, style in enumerate((3, -1, True, "0", None), start=50):
        mini_fs2k.add("test", 1, number, FACE, style=style)
    mini_fs2k.write()
    mini_fs2k.photo(1, 1).rename(mini_fs2k.root / "photo/photo1/image1.jpg")
    (mini_fs2k.root / "sketch/sketch1/sketch0002.jpg").unlink()
    offer = fs2k.find(settings(mini_fs2k.root))
    found = Counter(reason.partition(":")[2].split(";")[0].strip() for _, reason in offer.rejected)
    assert len(offer.items) == 6
    assert len(offer.rejected) == 7 + 5 + 2
    assert reasons(offer)["photo1_image0002"].startswith("sketch/sketch1/sketch0002.jpg: missing")
    assert reasons(offer)["photo1_image0099"].startswith("photo/photo1/image0099.jpg and sketch/")
    assert found["an entry without an image_name such as photo1/image0001"] == 5
    assert sum(count for text, count in found.items() if text.startswith("style")) == 5


def test_a_name_in_both_splits_counts_once(mini_fs2k: MiniFS2K) -> None:
    mini_fs2k.entries["test"].append({"image_name": "photo1/image0001", "style": 0})
    mini_fs2k.write()
    offer = fs2k.find(settings(mini_fs2k.root))
    assert [item.split for item in offer.items if item.id == "photo1_image0001"] == ["train"]
    assert reasons(offer) == {
        "photo1_image0001": "anno_test.json: names photo1_image0001 a second time"
    }


@pytest.mark.parametrize("text", ["{}", "[1, 2", "\x00", "7"])
def test_an_unreadable_annotation_file_is_one_line(mini_fs2k: MiniFS2K, text: str) -> None:
    (mini_fs2k.root / "anno_test.json").write_text(text)
    with pytest.raises(SketchFaceError, match=r"anno_test\.json: not .*; fetch it again$"):
        fs2k.find(settings(mini_fs2k.root))


def test_a_wrong_root_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SketchFaceError, match=r"anno_train\.json: No such file.*data\.root"):
        fs2k.find(settings(tmp_path))


def test_drop_shared_drops_test_photos_that_stand_in_train(mini_fs2k: MiniFS2K) -> None:
    mini_fs2k.add("test", 1, 78, FACE, style=0)
    mini_fs2k.add("train", 1, 657, np.ascontiguousarray(FACE[:, ::-1]), style=0)
    mini_fs2k.write()
    assert len(fs2k.find(settings(mini_fs2k.root)).items) == 10
    offer = fs2k.find(settings(mini_fs2k.root, drop_shared=True))
    assert len(offer.items) == 8
    assert set(reasons(offer)) == {"photo1_image0078", "photo3_image0449"}
    assert "photo1_image0657" in reasons(offer)["photo1_image0078"]


def test_validate_says_what_is_missing(mini_fs2k: MiniFS2K) -> None:
    root = mini_fs2k.root
    mini_fs2k.photo(1, 3).unlink()
    mini_fs2k.photo(1, 4).write_bytes(b"")
    save(root / "photo/photo3/image0777.jpg", FACE)
    lines = sketchface.validate("fs2k", root).lines
    assert f"{FAULT}split train: 5 pairs of 1058" in lines
    assert f"{FAULT}split test: 2 pairs of 1046" in lines
    assert f"{FAULT}train style 3: 3 pairs of 351" in lines
    assert f"{FAULT}source photo2: 1 pairs of 98" in lines
    faults = [line.removeprefix(FAULT) for line in lines if line.startswith(FAULT)]
    text = "\n".join(faults)
    assert "photo/photo1/image0003.jpg: missing, its sketch is there; fetch it again" in text
    assert "photo/photo1/image0004.jpg: empty file" in text
    assert "photo/photo3/image0777.jpg: no annotation" in text
    # The sketch whose photo is gone is annotated all the same.
    assert text.count("no annotation") == 1


@pytest.mark.slow
@pytest.mark.skipif(not FS2K.is_dir(), reason="FS2K is not here")
def test_the_publishers_tree_is_whole() -> None:
    lines = fs2k.validate(FS2K)
    assert not [line for line in lines if line.startswith(FAULT)]
    assert "split train: 1058 pairs" in lines
    assert "split test: 1046 pairs" in lines
    assert any(line.startswith("9 test pairs") for line in lines)
    names = {
        split: {e["image_name"].replace("/", "_") for e in json.loads(path.read_text())}
        for split in ("train", "test")
        for path in [FS2K / f"anno_{split}.json"]
    }
    assert set(fs2k.shared_photos) <= names["test"]
    assert set(fs2k.shared_photos.values()) <= names["train"]
    assert len(fs2k.find(settings(FS2K, drop_shared=True)).items) == 2095
