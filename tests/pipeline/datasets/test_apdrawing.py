"""APDrawing in its publisher's layout, as pairs drawn on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mini_data import save, sketch_of, turned_face

import sketchface
from pipeline.check.check import check_parameters
from pipeline.common.images import decode
from pipeline.common.parameters import Parameters
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.compose import compose
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT
from pipeline.faces.ingest import ingest
from sketchface_models.errors import SketchFaceError

apdrawing = adapter("apdrawing")
SIDE = 128
PAIRS = {"train": ("1_0", "1_1", "2_0"), "test": ("img_1616", "img_1701")}


def pair(number: int) -> np.ndarray:
    """A photo and its drawing side by side: (SIDE, 2 * SIDE, 3) uint8."""
    photo = turned_face(SIDE, SIDE, 0.5, 4 * number)
    return np.hstack([photo, np.repeat(sketch_of(photo)[..., None], 3, axis=2)])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five pairs, and the folders beside them that nobody reads."""
    root = tmp_path / "APDrawingDB"
    for split, names in PAIRS.items():
        for number, name in enumerate(names):
            save(root / f"data/{split}/{name}.png", pair(number))
    (root / "landmark/ALL").mkdir(parents=True)
    (root / "landmark/ALL/1_0.txt").write_text("1 2\n")
    save(root / "mask/ALL/1_0.png", np.zeros((SIDE, SIDE), np.uint8))
    return root


def settings(root: Path, size: int = SIDE):
    return apdrawing.minimal_settings(root, size=size)


@pytest.mark.parametrize("inner", ["", "data"])
def test_the_folders_are_the_split_and_the_artist_is_one_style(root: Path, inner: str) -> None:
    offer = apdrawing.find(settings(root / inner))
    assert offer.rejected == []
    expected = {(name, split, 1) for split, names in PAIRS.items() for name in names}
    assert {(item.id, item.split, item.style) for item in offer.items} == expected


def test_a_picture_is_cut_into_photo_and_grey_drawing(root: Path) -> None:
    item = next(each for each in apdrawing.find(settings(root)).items if each.id == "1_1")
    face = apdrawing.read(item, settings(root))
    assert np.array_equal(face.photo, pair(1)[:, :SIDE])
    assert np.array_equal(face.sketch, pair(1)[:, SIDE:, 0])


@pytest.mark.parametrize("size", [SIDE, 64])
def test_pairs_keep_their_framing(root: Path, tmp_path: Path, size: int) -> None:
    ingest(apdrawing, settings(root, size), tmp_path / "faces")
    rows = {row["id"]: row for row in iter_rows(tmp_path / "faces")}
    assert len(rows) == 5
    assert read_quarantine(tmp_path / "faces") == []
    row = rows["img_1701"]
    assert row["transform"] == [size / SIDE, 0, 0, 0, size / SIDE, 0]
    photo, sketch = (decode(row[name]["bytes"]) for name in ("photo", "sketch"))
    assert (photo.shape, sketch.shape) == ((size, size, 3), (size, size))
    if size == SIDE:
        assert np.array_equal(sketch, pair(1)[:, SIDE:, 0])
        assert np.abs(photo.astype(int) - pair(1)[:, :SIDE]).mean() < 3  # a JPEG


def test_what_is_no_pair_is_left_out_with_a_reason(root: Path, tmp_path: Path) -> None:
    save(root / "data/train/1_0.png", pair(0)[:, :-2])
    save(root / "data/train/1_1.png", pair(0)[:-1])
    (root / "data/train/2_0.png").write_bytes((root / "data/test/img_1616.png").read_bytes()[:900])
    (root / "data/test/notes.txt").write_text("x")
    ingest(apdrawing, settings(root), tmp_path / "faces")
    left_out = {row["id"]: row["reason"] for row in read_quarantine(tmp_path / "faces")}
    shape = "expected twice as wide as high, the photo and its drawing to the right; fetch it again"
    assert left_out["1_0"] == f"1_0.png: 254 x 128; {shape}"
    assert left_out["1_1"] == f"1_1.png: 256 x 127; {shape}"
    assert "2_0.png: truncated or damaged" in left_out["2_0"]
    assert left_out["test/notes.txt"] == "notes.txt: not a picture by its ending"
    assert {row["id"] for row in iter_rows(tmp_path / "faces")} == {"img_1616", "img_1701"}


@pytest.mark.parametrize("split", PAIRS)
def test_a_missing_split_is_one_line(root: Path, split: str) -> None:
    (root / f"data/{split}").rename(root / "elsewhere")
    with pytest.raises(SketchFaceError) as error:
        apdrawing.find(settings(root))
    assert str(error.value) == (
        f"{root}/data/{split}: no such folder; point data.root at APDrawingDB, which holds "
        "data/train and data/test"
    )


def test_validate_recognises_it_and_counts(root: Path) -> None:
    save(root / "data/test/img_1616.png", pair(0)[:, :-2])
    lines = sketchface.validate(root).lines
    assert f"{FAULT}train: 3 pairs of 420" in lines
    assert f"{FAULT}test: 2 pairs of 70" in lines
    assert any("img_1616.png: 254 x 128; expected twice as wide" in line for line in lines)


def test_it_feeds_hida_and_all_that_it_is_compared_with(root: Path, tmp_path: Path) -> None:
    overrides = ["data=apdrawing", f"data.root={root}", "model=study-fs2k"]
    compose(overrides, tmp_path / "params.yaml")
    fields = check_parameters(Parameters.from_file(tmp_path / "params.yaml"))
    assert fields == ["photo", "sketch", "style"]
