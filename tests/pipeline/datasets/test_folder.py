from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from mini_data import FACE, save, sketch_of

import sketchface
from pipeline.common.picture_files import safe_id
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT, Offer
from sketchface_models.errors import SketchFaceError

folder = adapter("folder")


def settings(root: Path, photos: str = "", sketches: str = "") -> folder.Settings:
    return folder.Settings(
        name="folder", root=str(root), size=128, shards=2, seed=0, val_fraction=0.0, limit=0,
        photos=photos, sketches=sketches, test_fraction=0.2,
    )  # fmt: skip


def photo(path: Path, number: int = 0) -> Path:
    image = FACE.copy()
    image[:9, :9] = number
    return save(path, image)


def ids(offer: Offer) -> list[str]:
    return sorted(item.id for item in offer.items)


def test_photos_of_any_format_at_any_depth(tmp_path: Path) -> None:
    names = ["a.jpg", "b.PNG", "deep/er/c.webp", "d.tiff", "e.JPEG", "f.bmp", "g.gif"]
    for number, name in enumerate(names):
        photo(tmp_path / name, number)
    offer = folder.find(settings(tmp_path))
    assert offer.rejected == []
    assert ids(offer)[:2] == ["a", "b"]
    assert len(offer.items) == 7
    assert all(folder.read(item, settings(tmp_path)).sketch is None for item in offer.items)
    assert {item.split for item in offer.items} == {None}  # drawn later, by id and seed


def test_ids_are_safe_stable_and_unique() -> None:
    names = ["anna-01_x.y", "a/b", "a_b", "été/Zoë 2", "写真", "写眞", "...x ", "x" * 300, "-"]
    found = [safe_id(name) for name in names]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", id) for id in found)
    assert len(set(found)) == len(names)
    assert found[0] == "anna-01_x.y"
    assert re.fullmatch(r"ete_Zoe_2-[0-9a-f]{8}", found[3])
    assert re.fullmatch(r"face-[0-9a-f]{8}", found[4])
    for form in ("NFC", "NFD"):  # as Linux and macOS write the same name
        assert safe_id(unicodedata.normalize(form, names[3])) == found[3]


def test_equal_names_get_their_own_ids(tmp_path: Path) -> None:
    for number, name in enumerate(["a.jpg", "a.png", "a.bmp"]):
        photo(tmp_path / name, number)
    found = ids(folder.find(settings(tmp_path)))
    assert len(set(found)) == 3
    assert "a" in found


def test_what_is_no_picture_is_left_out_and_hidden_files_are_skipped(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("x")
    photo(tmp_path / ".hidden.jpg", 1)
    photo(tmp_path / ".thumbs" / "b.jpg", 2)
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")  # opening it would wait for ever
    offer = folder.find(settings(tmp_path))
    assert ids(offer) == ["a"]
    left_out = dict(offer.rejected)
    assert set(left_out) == {"notes.txt", "gone.jpg", "pipe.jpg"}
    assert "not a picture" in left_out["notes.txt"]


def test_circular_links_end(tmp_path: Path) -> None:
    photo(tmp_path / "in/a.jpg")
    (tmp_path / "in/loop").symlink_to(tmp_path)
    (tmp_path / "in/other").symlink_to(tmp_path / "in")
    photo(tmp_path.parent / f"{tmp_path.name}-elsewhere/b.jpg", 1)
    (tmp_path / "link").symlink_to(tmp_path.parent / f"{tmp_path.name}-elsewhere")
    offer = folder.find(settings(tmp_path))
    assert len(offer.items) == 2
    assert offer.rejected == []


def test_pairs_by_name_whatever_the_ending(tmp_path: Path) -> None:
    for number, name in enumerate(["x/1.jpg", "x/2.JPG", "3.png", "alone.jpg", "4.jpg", "4.png"]):
        photo(tmp_path / "photos" / name, number)
    sketch = sketch_of(FACE)
    for name in ["x/1.png", "x/2.png", "3.Tif", "4.png", "4.bmp", "orphan.png"]:
        save(tmp_path / "sketches" / name, sketch, format=None)
    for photos in ("photos", ""):  # the sketches inside the photos' folder are no photos
        if not photos:
            (tmp_path / "photos").rename(tmp_path / "p")
            for path in (tmp_path / "p").iterdir():
                path.rename(tmp_path / path.name)
        offer = folder.find(settings(tmp_path, photos, "sketches"))
        assert len(offer.items) == 4
        left_out = sorted(reason.split(";")[0] for _, reason in offer.rejected)
        assert left_out == [
            "4.png: a second photo of this name",
            "4.png: a second sketch of this name",
            "alone.jpg: no sketch of this name",
            "orphan.png: no photo of this name",
        ]
    face = folder.read(offer.items[0], settings(tmp_path))
    assert face.sketch is not None
    assert np.array_equal(face.sketch, sketch)


def test_a_sketch_of_another_size_is_resized_and_of_another_shape_refused(tmp_path: Path) -> None:
    photo(tmp_path / "photos/a.png")
    photo(tmp_path / "photos/b.png", 1)
    save(tmp_path / "sketches/a.png", np.full((500, 500), 230, np.uint8))
    save(tmp_path / "sketches/b.png", np.full((500, 400), 230, np.uint8))
    given = settings(tmp_path, "photos", "sketches")
    same, other = sorted(folder.find(given).items, key=lambda item: item.id)
    face = folder.read(same, given)
    assert face.sketch is not None
    assert face.sketch.shape == (250, 250)
    with pytest.raises(SketchFaceError, match=r"b\.png: 400 x 500, its photo 250 x 250"):
        folder.read(other, given)


def test_copies_of_a_photo_cannot_stand_in_two_splits(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    photo(tmp_path / "b.jpg", 200)
    (tmp_path / "copy of a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes())
    (tmp_path / "empty1.jpg").touch()
    (tmp_path / "empty2.jpg").touch()  # not "copies": each is broken for itself
    offer = folder.find(settings(tmp_path))
    assert ids(offer) == ["a", "b", "empty1", "empty2"]
    assert [reason for _, reason in offer.rejected] == ["copy of a.jpg: the same photo as a.jpg"]


@pytest.mark.parametrize(("photos", "sketches"), [("nope", ""), ("", "nope")])
def test_a_missing_sub_folder_is_one_line(tmp_path: Path, photos: str, sketches: str) -> None:
    with pytest.raises(SketchFaceError, match=r"data\.(photos|sketches): .*nope is no folder"):
        folder.find(settings(tmp_path, photos, sketches))


def test_validate_counts_and_finds_faults(tmp_path: Path) -> None:
    photo(tmp_path / "photos/a.jpg")
    photo(tmp_path / "photos/b.png", 1)
    save(tmp_path / "sketches/a.png", sketch_of(FACE))
    (tmp_path / "photos/readme.md").write_text("x")
    lines = sketchface.validate("folder", tmp_path).lines
    assert "photos in photos/, sketches in sketches/: 1 pairs" in lines
    assert "left out: readme.md: not a picture by its ending" in lines
    faults = [line for line in lines if line.startswith(FAULT)]
    assert faults[0] == (
        f"{FAULT}b.png: no sketch of this name; "
        "add sketches/b.png, or with another picture's ending"
    )
    assert faults[1].startswith(f"{FAULT}data.root: {tmp_path}: only 1 of 1 faces is in train, ")
    assert len(faults) == 2
    (tmp_path / "sketches/a.png").write_text("not a picture")
    faults = [
        line for line in sketchface.validate("folder", tmp_path).lines if line.startswith(FAULT)
    ]
    assert any("sketches/a.png: no readable picture" in line for line in faults)


def test_validate_of_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    assert folder.validate(tmp_path)[-1].startswith(FAULT)
