from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mini_data import save, sketch_of, turned_face

import sketchface
from pipeline.common.images import decode
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT
from pipeline.datasets.cufs import key, source
from pipeline.faces.ingest import ingest

cufs = adapter("cufs")

# Photo and sketch of one face in each part, as its publisher names them.
NAMES = {
    "f-005-01": ("f-005-01.jpg", "F2-005-01-sz1.jpg"),
    "m-008-01": ("m-008-01.jpg", "M2-008-01-sz1.jpg"),
    "f1-001-01": ("f1-001-01.jpg", "f1-001-01-sz1.jpg"),
    "m-101-01": ("m-101-01.jpg", "m-101-01-sz1.jpg"),
    "m-008-1": ("m-008-1.jpg", "Mp-008-1-sz1.jpg"),
    "w-001-1": ("w-001-1.jpg", "Wp-001-1-sz1.jpg"),
    "000_1_1": ("000_1_1.jpg", "000_1_1_sz1.jpg"),
}
SOURCES = ["CUHK"] * 4 + ["AR"] * 2 + ["XM2VTS"]


def settings(root: Path) -> cufs.Settings:
    return cufs.Settings("cufs", str(root), 96, 2, 0, 0.0, 0, 0.4)


def add(root: Path, photo: str, sketch: str, turn: float = 0.0) -> None:
    picture = turned_face(200, 250, 0.8, turn)
    save(root / photo, picture)
    save(root / sketch, np.repeat(sketch_of(picture)[..., None], 3, axis=2))


@pytest.fixture
def mini_cufs(tmp_path: Path) -> Path:
    root = tmp_path / "CUFS"
    for turn, (photo, sketch) in enumerate(NAMES.values()):
        add(root, f"photos/{photo}", f"sketches/{sketch}", turn)
    return root


@pytest.mark.parametrize(("face", "names"), NAMES.items())
def test_names(face: str, names: tuple[str, str]) -> None:
    assert [key(Path(name).stem) for name in names] == [face, face]
    assert source(face) == dict(zip(NAMES, SOURCES, strict=True))[face]


@pytest.mark.parametrize(
    "stem", ["f3-005-01", "mp-008-01", "x-001-1", "f-05-01", "000-1-1", "face"]
)
def test_names_of_nobody(stem: str) -> None:
    # A "p" belongs to AR: with CUHK's two digits at the end it is neither's.
    assert source(key(stem)) is None or key(stem) == "m-008-01"


def test_pairs_in_two_folders(mini_cufs: Path) -> None:
    offer = cufs.find(settings(mini_cufs))
    assert offer.rejected == []
    found = {item.id: (item.source, item.split) for item in offer.items}
    expected = [(source, None) for source in SOURCES]
    assert found == dict(zip(NAMES, expected, strict=True))
    for item in offer.items:
        assert item.files["photo"].parent.name == "photos"
        assert item.files["sketch"].parent.name == "sketches"


def test_the_publishers_archives_give_its_split(tmp_path: Path) -> None:
    add(
        tmp_path,
        "CUHK_training_cropped_photos/f-005-01.jpg",
        "CUHK_training_cropped_sketches/F2-005-01-sz1.jpg",
    )
    add(tmp_path, "CUHK_testing_photo/photo/m1-001-01.jpg", "CUHK_testing_sketch/m1-001-01-sz1.jpg")
    add(tmp_path, "AR/photo/m-008-1.jpg", "AR/sketch/Mp-008-1-sz1.jpg")
    splits = {item.id: item.split for item in cufs.find(settings(tmp_path)).items}
    assert splits == {"f-005-01": "train", "m1-001-01": "test", "m-008-1": None}


def test_what_cannot_be_paired_has_a_reason(mini_cufs: Path) -> None:
    (mini_cufs / "sketches/F2-005-01-sz1.jpg").unlink()
    (mini_cufs / "photos/w-001-1.jpg").unlink()
    (mini_cufs / "photos/readme.txt").write_text("x")
    add(mini_cufs, "photos/anna.jpg", "elsewhere/f-009-01.jpg")
    add(mini_cufs, "photos/cropped/m-008-01.jpg", "sketches/cropped/M2-008-01-sz1.jpg")
    offer = cufs.find(settings(mini_cufs))
    assert len(offer.items) == 5
    assert sorted(reason for _, reason in offer.rejected) == [
        "M2-008-01-sz1.jpg: a second sketch of this name; rename it",
        "Wp-001-1-sz1.jpg: no photo of this name; add it",
        "anna.jpg: not a name that CUFS gives",
        "f-005-01.jpg: no sketch of this name; add it",
        "f-009-01.jpg: in no folder of photos or sketches",
        "m-008-01.jpg: a second photo of this name; rename it",
        "photos/readme.txt: not a picture by its ending",
    ]


def test_photo_and_sketch_share_their_pixels(mini_cufs: Path, tmp_path: Path) -> None:
    """And a pair whose sketch has another shape is in quarantine, with what to do."""
    save(mini_cufs / "sketches/000_1_1_sz1.jpg", np.full((400, 300), 250, np.uint8))
    ingest(cufs, settings(mini_cufs), tmp_path / "faces")
    rows = list(iter_rows(tmp_path / "faces"))
    assert len(rows) == 6
    for row in rows:
        redrawn = sketch_of(decode(row["photo"]["bytes"]))[20:76, 20:76]
        sketch = decode(row["sketch"]["bytes"])[20:76, 20:76]
        assert np.corrcoef(sketch.ravel(), redrawn.ravel())[0, 1] > 0.5
    (lost,) = read_quarantine(tmp_path / "faces")
    assert lost["reason"] == "000_1_1_sz1.jpg: 300 x 400, its photo 200 x 250; crop them alike"


def test_validate(mini_cufs: Path, tmp_path: Path) -> None:
    (mini_cufs / "photos/000_1_1.jpg").unlink()
    (mini_cufs / "photos/m-008-1.jpg").write_text("no")
    lines = sketchface.validate("cufs", mini_cufs).lines
    assert lines[:3] == [
        f"{FAULT}CUHK: 4 pairs of 188",
        f"{FAULT}AR: 2 pairs of 123",
        "XM2VTS: 0 pairs of 295",
    ]
    assert f"{FAULT}000_1_1_sz1.jpg: no photo of this name; add it" in lines
    assert any("photos/m-008-1.jpg: no readable picture" in line for line in lines)
    (tmp_path / "none").mkdir()
    assert (
        cufs.validate(tmp_path / "none")[-1] == f"{FAULT}{tmp_path / 'none'}: no pair of CUFS in it"
    )
