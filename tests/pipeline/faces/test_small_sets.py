"""Sets of a few pairs: a face in every split, or a refusal that names the parameter."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import cv2
import pytest
from mini_data import FACE, save, sketch_of

from pipeline.datasets import adapter
from pipeline.faces.ingest import ingest
from sketchface_models.errors import SketchFaceError

WANTED = ("train", "test")


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pairs of one photo, a little brighter each time."""
    root = tmp_path_factory.mktemp("copies")
    for number in range(1, 5):
        photo = cv2.convertScaleAbs(FACE, alpha=1, beta=number)
        save(root / f"photos/IMG_{number:04d}.jpg", photo)
        save(root / f"sketches/IMG_{number:04d}.png", sketch_of(photo))
    return root


def settings(root: Path, distance: int, test_fraction: float = 0.2):
    return adapter("folder").Settings(
        name="folder", root=str(root), size=64, shards=1, seed=0, val_fraction=0.05, limit=0,
        duplicate_distance=distance, photos="photos", sketches="sketches",
        test_fraction=test_fraction,
    )  # fmt: skip


def test_copies_of_one_photo_cannot_fill_two_splits(copies: Path, tmp_path: Path) -> None:
    with pytest.raises(SketchFaceError) as error:
        ingest(adapter("folder"), settings(copies, 36), tmp_path / "faces", WANTED)
    line = str(error.value)
    assert line.startswith(f"data.root: {copies}: none of 4 faces is in t")
    assert line.endswith(
        "; 4 of them are copies of one photo and share a split; if they are none, lower "
        "data.duplicate_distance (36)"
    )
    assert not (tmp_path / "faces").exists()


def test_as_different_photos_they_fill_all_splits(copies: Path, tmp_path: Path) -> None:
    ingest(adapter("folder"), settings(copies, -1), tmp_path / "faces", WANTED)
    about = json.loads((tmp_path / "faces/dataset.json").read_text())
    assert Counter(about["splits"]) == {"train": 2, "val": 1, "test": 1}
