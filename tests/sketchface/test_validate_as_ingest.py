"""`validate` says what ingest leaves out, in the same words, whatever is wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_maps import RENUMBERED
from mini_data import MiniFS2K, other_photo, save, sketch_of

import sketchface
from pipeline.common.shards import read_quarantine
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT, Spare
from pipeline.faces.ingest import ingest
from sketchface.data_sets import locate
from sketchface_models.errors import SketchFaceError
from synthetic_faces import render


def pair(root: Path, number: int, change: Callable[[np.ndarray], np.ndarray] | None = None) -> None:
    photo = other_photo(number)
    sketch = sketch_of(photo)
    save(root / f"photos/{number}.jpg", photo)
    save(root / f"sketches/{number}.png", change(sketch) if change else sketch)


def padded(sketch: np.ndarray) -> np.ndarray:
    return cv2.copyMakeBorder(sketch, 0, 0, 20, 20, cv2.BORDER_CONSTANT, value=255)


def cropped_and_turned(root: Path) -> None:
    changes = (lambda s: s[10:-10], padded, lambda s: s[:, 15:-15], lambda s: s[:200, :150].T)
    for number, change in enumerate(changes, start=4):
        pair(root, number, change)


def without_partners(root: Path) -> None:
    (root / "photos/0.jpg").rename(root / "photos/anna.jpg")
    save(root / "photos/sub/7.jpg", other_photo(7))
    save(root / "photos/1.png", other_photo(8))


def damaged(root: Path) -> None:
    (root / "photos/0.jpg").write_bytes(b"")
    (root / "sketches/1.png").write_bytes((root / "sketches/1.png").read_bytes()[:300])
    (root / "photos/notes.txt").touch()
    (root / "photos/copy.jpg").write_bytes((root / "photos/2.jpg").read_bytes())
    (root / "sketches/copy.png").write_bytes((root / "sketches/2.png").read_bytes())


def without_faces(root: Path) -> None:
    for number in (4, 5):
        save(root / f"photos/{number}.png", np.full((250, 250, 3), 40 * number, np.uint8))
        save(root / f"sketches/{number}.png", np.full((250, 250), 200, np.uint8))


@pytest.mark.parametrize("spoil", [cropped_and_turned, without_partners, damaged, without_faces])
def test_a_folder(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    root = tmp_path / "faces"
    for number in range(4):
        pair(root, number)
    spoil(root)
    folder = adapter("folder")
    (settings,) = folder.variants(root)
    ingest(folder, settings, tmp_path / "out")
    reasons = {row["reason"] for row in read_quarantine(tmp_path / "out")}
    assert reasons
    lines = set(sketchface.validate(root).lines)
    assert {line.removeprefix(FAULT).removeprefix("left out: ") for line in lines} >= reasons
    spare = {why for _, why in folder.find(settings).rejected if isinstance(why, Spare)}
    faults = {line for line in lines if line.startswith(FAULT) and "data.root" not in line}
    assert faults == {FAULT + reason for reason in reasons - spare}


def test_links_and_pipes(tmp_path: Path) -> None:
    for number in range(4):
        pair(tmp_path, number)
    assert sketchface.validate(tmp_path).faults == []
    (tmp_path / "photos/gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "photos/.zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "sketches/pipe.png")
    assert sketchface.validate(tmp_path).faults == [
        f"{FAULT}photos/.zero: a link to a device; move it out of the data",
        f"{FAULT}photos/gone.jpg: a link to 'nowhere.jpg', which is not there; "
        "move it out of the data",
        f"{FAULT}sketches/pipe.png: a pipe; move it out of the data",
    ]


@pytest.mark.parametrize("lost", ["photo", "sketch", "both"])
def test_fs2k_names_the_file_that_is_missing(tmp_path: Path, lost: str) -> None:
    root = MiniFS2K(tmp_path / "FS2K").root
    photo, sketch = "photo/photo1/image0001.jpg", "sketch/sketch1/sketch0001.jpg"
    for name in {"photo": [photo], "sketch": [sketch], "both": [photo, sketch]}[lost]:
        (root / name).unlink()
    faults = sketchface.validate(root).faults
    missing = {
        "photo": f"{photo}: missing, its sketch is there",
        "sketch": f"{sketch}: missing, its photo is there",
        "both": f"{photo} and {sketch}: missing",
    }[lost]
    assert f"{FAULT}{missing}; fetch it again" in faults
    assert not any("no annotation" in line for line in faults)


@pytest.mark.parametrize("right", [0, 1, 3])
def test_masks_in_another_class_order(tmp_path: Path, right: int) -> None:
    for number in range(4):
        face = render(0, number, 128)
        labels = face.labels if number < right else RENUMBERED[face.labels]
        save(tmp_path / f"masks/{number}.png", labels)
        save(tmp_path / f"images/{number}.png", face.photo)
    warned = [line for line in sketchface.validate(tmp_path).faults if "class order" in line]
    assert len(warned) == (right < 2)


@pytest.mark.parametrize("inside", [("anna", "ben"), ("FS2K",), ("FS2K", "anna")])
def test_a_folder_of_data_sets_is_none(tmp_path: Path, inside: tuple[str, ...]) -> None:
    for name in inside:
        if name == "FS2K":
            (tmp_path / name).mkdir()
            (tmp_path / name / "anno_train.json").write_text(json.dumps([]))
        else:
            pair(tmp_path / name, 1)
    listed = ", ".join(f"{name} ({'fs2k' if name == 'FS2K' else 'folder'})" for name in inside)
    with pytest.raises(SketchFaceError) as error:
        locate(str(tmp_path), None)
    assert str(error.value) == (
        f"{tmp_path}: no data set but a folder of {len(inside)}: {listed}; name one of them"
    )


def test_photos_in_sub_folders_are_one_set(tmp_path: Path) -> None:
    for who in ("anna", "ben"):
        save(tmp_path / f"{who}/01.png", other_photo(len(who)))
    assert locate(str(tmp_path), None) == ("folder", tmp_path)


def test_other_sub_folders_are_said_with_their_settings(tmp_path: Path) -> None:
    pair(tmp_path, 1)
    (tmp_path / "photos").rename(tmp_path / "photo")
    lines = sketchface.validate(tmp_path).lines
    assert """its settings: -S "data.photos='photo'" -S "data.sketches='sketches'\"""" in lines
