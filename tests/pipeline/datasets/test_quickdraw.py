from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import sketchface
from pipeline.common.images import decode
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT, Offer
from pipeline.datasets.quickdraw import PEN, draw
from pipeline.faces.ingest import ingest
from sketchface_models.errors import SketchFaceError

quickdraw = adapter("quickdraw")

HERE = Path(__file__).resolve().parents[4] / "shared" / "data" / "quickdraw"
# A square and a stroke across it, as the publisher's three kinds of ndjson hold them.
SQUARE = [[0, 255, 255, 0, 0], [0, 0, 255, 255, 0]]
SIMPLE = [SQUARE, [[64, 192], [128, 128]]]
RAW = [[[x * 1.5 + 40.25 for x in xs], [y * 1.5 + 7.5 for y in ys], [*range(len(xs))]]
       for xs, ys in SIMPLE]  # fmt: skip


def settings(root: Path, file: str, recognized: bool = True, size: int = 64) -> quickdraw.Settings:
    return quickdraw.Settings(
        name="quickdraw", root=str(root), size=size, shards=3, seed=0, val_fraction=0.2, limit=0,
        file=file, recognized=recognized, pen=PEN, test_fraction=0.3,
    )  # fmt: skip


def entry(key: int, drawing: object = SIMPLE, recognized: bool = True) -> dict[str, object]:
    return {
        "word": "face", "countrycode": "SE", "timestamp": "2017-03-01 20:41:36.70725 UTC",
        "recognized": recognized, "key_id": str(key), "drawing": drawing,
    }  # fmt: skip


def write(path: Path, entries: list[object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(one)}\n" for one in entries))
    return path


def ids(offer: Offer) -> list[str]:
    return [item.id for item in offer.items]


def bitmaps(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 784)).astype(np.uint8)


def test_bitmaps_are_inverted_and_named_by_their_pixels(tmp_path: Path) -> None:
    rows = bitmaps(5)
    rows[3] = rows[1]
    np.save(tmp_path / "face.npy", rows)
    given = settings(tmp_path, "face.npy", size=56)
    offer = quickdraw.find(given)
    assert len(offer.items) == 4
    assert [reason for _, reason in offer.rejected] == [
        "face.npy: row 3 is a drawing that it has already"
    ]
    sketch = quickdraw.read(offer.items[2], given).sketch
    assert sketch is not None
    assert sketch.shape == (56, 56)
    shrunk = cv2.resize(sketch.astype(float), (28, 28), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(shrunk.ravel(), 255 - rows[2].astype(float))[0, 1] > 0.9
    np.save(tmp_path / "other.npy", rows[::-1])  # the order of rows decides nothing
    turned = quickdraw.find(settings(tmp_path, "other.npy"))
    assert {id.split("-")[1] for id in ids(turned)} == {id.split("-")[1] for id in ids(offer)}


def test_simplified_raw_and_labelled_strokes_give_one_picture(tmp_path: Path) -> None:
    labelled = [[xs, ys, [6] * len(xs)] for xs, ys in SIMPLE]
    write(tmp_path / "face.ndjson", [entry(1), entry(2, RAW), {"key_id": "3", "drawing": labelled}])
    given = settings(tmp_path, "face.ndjson", size=304)
    offer = quickdraw.find(given)
    assert ids(offer) == ["1", "2", "3"]
    first, second, third = (quickdraw.read(item, given).sketch for item in offer.items)
    assert first is not None
    assert np.array_equal(first, second)
    assert np.array_equal(first, third)
    # 304 pixels are the publisher's 304 units: a pen of 16 along 24.5 and 279.5.
    inked = np.flatnonzero(first[152, :] < 128)
    lines = np.split(inked, np.flatnonzero(np.diff(inked) > 1) + 1)
    edges = [(line[0], line[-1] + 1) for line in lines]
    np.testing.assert_allclose(edges[0], (16.5, 32.5), atol=1)
    np.testing.assert_allclose(edges[-1], (271.5, 287.5), atol=1)
    np.testing.assert_allclose(edges[1], (24.5 + 64 - 8, 24.5 + 192 + 8), atol=1)
    assert set(first[:14].ravel()) == {255}


def test_a_dot_is_drawn_and_a_finer_pen_is_finer() -> None:
    for stroke in ([[3.0, 9.0]], [[3.0, 9.0], [3.0, 9.0]]):
        dot = draw([np.array(stroke)], 64)
        assert dot.min() == 0
        for axis in np.nonzero(dot < 128):
            assert abs(axis.mean() - 31.5) < 0.6
    line = [np.array([[0.0, 0.0], [255.0, 0.0]])]
    inks = [(255 - draw(line, 128, pen)).sum() for pen in (4.0, 8.0, 16.0)]
    assert inks[0] < 0.7 * inks[1] < 0.5 * inks[2]


def test_unrecognised_drawings_are_left_out_by_parameter(tmp_path: Path) -> None:
    write(tmp_path / "face.ndjson", [entry(1), entry(2, recognized=False), entry(3)])
    offer = quickdraw.find(settings(tmp_path, "face.ndjson"))
    assert ids(offer) == ["1", "3"]
    assert offer.rejected == [("2", "2: not recognised by the game (data.recognized)")]
    assert ids(quickdraw.find(settings(tmp_path, "face.ndjson", recognized=False))) == [*"123"]


BAD_LINES = {
    "[1, 2": "not JSON",
    "7": "no key_id",
    '{"drawing": [[[0], [0]]]}': "no key_id",
    '{"key_id": "../9", "drawing": [[[0], [0]]]}': "no key_id",
    '{"key_id": "9", "drawing": []}': "no strokes",
    '{"key_id": "9"}': "no strokes",
    '{"key_id": "9", "drawing": [[[0, 1], [0]]]}': "empty, uneven",
    '{"key_id": "9", "drawing": [[[], []]]}': "empty, uneven",
    '{"key_id": "9", "drawing": [[[NaN], [0]]]}': "beyond all bounds",
    '{"key_id": "9", "drawing": [[[1e300], [0]]]}': "beyond all bounds",
    '{"key_id": "9", "drawing": [[[[1]], [[1]]]]}': "uneven",
    '{"key_id": "9", "drawing": [["a", "b"]]}': "a stroke that is not",
    '{"key_id": "9", "drawing": [[0, 0]]}': "uneven",
    '{"key_id": "9", "drawing": [7]}': "a stroke that is not",
    "[" * 100_000: "not JSON",
}


def test_every_bad_line_is_left_out_with_its_number(tmp_path: Path) -> None:
    path = write(tmp_path / "face.ndjson", [entry(1)])
    path.write_text(path.read_text() + "\n\n" + "\n".join(BAD_LINES))
    offer = quickdraw.find(settings(tmp_path, "face.ndjson"))
    assert ids(offer) == ["1"]
    assert len(offer.rejected) == len(BAD_LINES)
    numbers = range(2, 2 + len(BAD_LINES))
    for number, expected, (_, reason) in zip(
        numbers, BAD_LINES.values(), offer.rejected, strict=True
    ):
        assert reason.startswith(f"face.ndjson: line {number}: ")
        assert expected in reason


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("none.npy", r"data\.file: .*none\.npy is not there"),
        ("none.ndjson", r"data\.file: .*none\.ndjson is not there"),
        ("face.bin", r"data\.file: 'face\.bin'; allowed"),
        ("text.npy", r"text\.npy: not a readable"),
        ("objects.npy", r"objects\.npy: not a readable"),
        ("wide.npy", r"wide\.npy: rows of 1024 bytes"),
        ("float.npy", r"float\.npy: not QuickDraw's bitmaps"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, file: str, reason: str) -> None:
    (tmp_path / "text.npy").write_text("hello")
    np.save(tmp_path / "objects.npy", np.array([{}], object))
    np.save(tmp_path / "wide.npy", np.zeros((2, 1024), np.uint8))
    np.save(tmp_path / "float.npy", np.zeros((2, 784)))
    with pytest.raises(SketchFaceError, match=reason) as caught:
        quickdraw.find(settings(tmp_path, file))
    assert "\n" not in str(caught.value)


def test_no_order_of_lines_moves_a_drawing_to_another_split(tmp_path: Path) -> None:
    # Each another drawing: equal ones would be brought together.
    entries = [entry(key, [[[0, 255], [key, 255 - key]]]) for key in range(40)]
    entries[7] = {"key_id": "7", "drawing": "no strokes"}
    splits = []
    for name, order in (("a", entries), ("b", entries[::-1])):
        write(tmp_path / name / "face.ndjson", order)
        out = tmp_path / name / "faces"
        ingest(quickdraw, settings(tmp_path / name, "face.ndjson"), out)
        rows = list(iter_rows(out))
        assert len(rows) + len(read_quarantine(out)) == 40
        assert all(row["photo"] is None for row in rows)
        assert decode(rows[0]["sketch"]["bytes"]).shape == (64, 64)
        splits.append({row["id"]: row["split"] for row in rows})
    assert splits[0] == splits[1]
    assert set(splits[0].values()) == {"train", "val", "test"}


def test_equal_drawings_share_a_split(tmp_path: Path) -> None:
    write(tmp_path / "face.ndjson", [entry(key) for key in range(30)])
    ingest(quickdraw, settings(tmp_path, "face.ndjson"), tmp_path / "faces")
    assert len({row["split"] for row in iter_rows(tmp_path / "faces", ["split"])}) == 1
    about = json.loads((tmp_path / "faces" / "dataset.json").read_text())
    assert about["duplicates"] == {"groups": 1, "faces": 30, "in_train_and_test": 0}


def test_validate(tmp_path: Path) -> None:
    assert quickdraw.validate(tmp_path) == [f"{FAULT}{tmp_path}: no .npy or .ndjson file in it"]
    np.save(tmp_path / "face.npy", bitmaps(3))
    path = write(tmp_path / "raw/face.ndjson", [entry(1, RAW), entry(1, RAW)])
    assert quickdraw.validate(tmp_path) == [
        "face.npy: 3 drawings, 0 of them a second time",
        "raw/face.ndjson: 2 drawings, 1 of them a second time",
    ]
    path.write_text("{}\n")
    faults = sketchface.validate("quickdraw", tmp_path).faults
    assert faults[0].startswith(f"{FAULT}face.ndjson: line 1: ")


@pytest.mark.skipif(not HERE.is_dir(), reason="QuickDraw is not here")
def test_strokes_are_drawn_as_the_publisher_draws_them() -> None:
    """Against bitmaps of the same strokes, made with Cairo."""
    vectors = settings(HERE, "face_labelled.ndjson", size=280)
    pictures = settings(HERE, "face.npy", size=32)
    drawn, published = quickdraw.find(vectors), quickdraw.find(pictures)
    assert (len(drawn.items), len(published.items)) == (800, 800)
    assert drawn.rejected == published.rejected == []
    raw = np.load(HERE / "face.npy").reshape(-1, 28, 28)
    apart = []
    for row, item in list(enumerate(drawn.items))[::4]:
        sketch = quickdraw.read(item, vectors).sketch
        assert sketch is not None
        small = cv2.resize(sketch, (28, 28), interpolation=cv2.INTER_AREA)
        apart.append(np.abs(small - (255.0 - raw[row])).mean())
    assert np.median(apart) < 3
    assert np.quantile(apart, 0.98) < 8  # a few are not in the frame's corner, and are moved there
    face = quickdraw.read(published.items[5], dataclasses.replace(pictures, size=32))
    assert face.sketch is not None
    assert face.sketch.shape == (32, 32)
    assert not any(line.startswith(FAULT) for line in quickdraw.validate(HERE))
