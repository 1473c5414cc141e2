from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from mini_data import FACE, save, turned_face
from skimage.data import cat, chelsea, coffee, rocket

from pipeline.common.images import read_image
from pipeline.common.shards import iter_rows
from pipeline.datasets import adapter
from pipeline.datasets.base import Item
from pipeline.faces.duplicates import BITS, find_duplicates, near_pairs, photo_hash
from pipeline.faces.ingest import ingest
from pipeline.faces.splits import assign, together

folder = adapter("folder")
fs2k = adapter("fs2k")

FS2K = Path(__file__).resolve().parents[4] / "shared" / "data" / "FS2K"


def bits(packed: bytes | None) -> np.ndarray:
    assert packed is not None
    return np.unpackbits(np.frombuffer(packed, np.uint8))[:BITS].astype(bool)


def apart(first: np.ndarray, second: np.ndarray) -> int:
    return int((bits(photo_hash(first)) ^ bits(photo_hash(second))).sum())


def test_the_hash_is_the_signs_of_low_frequencies() -> None:
    """Against cosines written out, coefficient by coefficient."""
    grey = cv2.cvtColor(FACE, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(float)
    waves = np.cos(np.pi / 32 * np.outer(np.arange(16), np.arange(32) + 0.5))
    coefficients = waves @ small @ waves.T
    expected = coefficients.ravel()[1:] > 0
    clear = np.abs(coefficients.ravel()[1:]) > 1e-2
    assert clear.sum() > 250
    assert (bits(photo_hash(FACE)) == expected)[clear].all()


def test_what_happens_to_copies_hardly_moves_the_hash_and_strangers_are_far() -> None:
    jpeg = cv2.imdecode(cv2.imencode(".jpg", FACE, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 1)
    crop = FACE[3:247, 2:248]
    copies = {
        "smaller": cv2.resize(FACE, (96, 96), interpolation=cv2.INTER_AREA),
        "larger": cv2.resize(FACE, (700, 700)),
        "compressed": jpeg,
        "darker": (FACE * 0.7).astype(np.uint8),
        "flatter": (FACE * 0.6 + 60).astype(np.uint8),
        "cropped": crop,
    }
    for name, copy in copies.items():
        assert apart(FACE, copy) <= 36, name
    for other in (chelsea(), coffee(), rocket()):
        assert apart(FACE, other) > 90


def test_a_picture_of_nothing_has_no_hash() -> None:
    for value in (0, 128, 255):
        assert photo_hash(np.full((64, 64, 3), value, np.uint8)) is None
    assert photo_hash(np.tile(np.arange(64, dtype=np.uint8)[:, None, None], (1, 64, 3))) is not None


@pytest.mark.parametrize("distance", [0, 20, 100])
def test_pairs_are_those_of_a_plain_loop(distance: int) -> None:
    random = np.random.default_rng(0)
    base = random.integers(0, 2, (9, BITS), dtype=np.uint8)
    odd = np.tile(np.arange(16) % 2, 16)[1:].astype(np.uint8)
    rows = []
    for number in range(60):
        row = base[number % 9] ^ (random.random(BITS) < random.choice([0, 0.03, 0.1]))
        rows.append(row ^ odd if number % 4 == 3 else row)
    table = np.packbits(np.array(rows, np.uint8), axis=1)
    expected = {}
    for i in range(60):
        for j in range(i + 1, 60):
            straight, mirrored = (rows[i] ^ rows[j]).sum(), (rows[i] ^ rows[j] ^ odd).sum()
            if min(straight, mirrored) <= distance:
                expected[i, j] = (min(straight, mirrored), mirrored < straight)
    found = {}
    for i, j, bits_apart, turned in near_pairs(table, distance):
        found |= {
            (int(a), int(b)): (int(c), bool(d)) for a, b, c, d in zip(i, j, bits_apart, turned)
        }
    assert found == expected
    assert len(expected) > 5


def test_pairs_across_blocks_are_found_once() -> None:
    random = np.random.default_rng(1)
    table = random.integers(0, 256, (5000, 32), dtype=np.uint8)
    table[:, 31] &= 0xFE
    table[4999], table[3000], table[2047] = table[0], table[2048], table[1]
    found = [
        (int(a), int(b)) for i, j, _, _ in near_pairs(table, 20) for a, b in zip(i, j, strict=True)
    ]
    assert sorted(found) == [(0, 4999), (1, 2047), (2048, 3000)]


def test_a_mirrored_photo_is_found_and_said_to_be_one() -> None:
    hashes = {
        "a": photo_hash(FACE),
        "b": photo_hash(np.ascontiguousarray(FACE[:, ::-1])),
        "c": photo_hash(cat()),
    }
    found = find_duplicates(hashes, {}, 36)
    assert found.groups == [["a", "b"]]
    assert found.twins["a"].id == "b"
    assert found.twins["b"].mirrored
    assert not found.twins["b"].same_bytes


def test_chains_are_one_group_and_bytes_come_before_looks() -> None:
    other = photo_hash(cat())
    hashes = {"d": other, "a": photo_hash(FACE), "b": photo_hash(FACE[2:, 2:]), "c": None}
    found = find_duplicates(hashes, {"c": "x", "a": "x", "d": "y"}, 36)
    assert found.groups == [["a", "b", "c"]]
    assert found.twins["a"] == found.twins["a"].__class__("c", 0, False, True)
    assert found.twins["b"].id == "a"
    assert find_duplicates(hashes, {"c": "x", "a": "x"}, -1).groups == [["a", "c"]]
    assert find_duplicates({}, {}, 36).groups == []


def test_a_thousand_frames_of_one_film_are_one_group() -> None:
    """Half a million pairs, none of which is kept."""
    frame = np.frombuffer(photo_hash(FACE) or b"", np.uint8)
    hashes = {f"{n:04d}": (frame ^ (np.arange(32) == n % 31)).tobytes() for n in range(3000)}
    found = find_duplicates(hashes, {}, 4)
    assert [len(group) for group in found.groups] == [3000]
    assert found.twins["0031"].id == "0000"
    assert found.twins["0031"].distance == 0


def test_groups_stay_together_and_publishers_splits_stay() -> None:
    splits = {"a": "train", "b": "test", "c": "val", "d": "train", "e": "test", "f": "train"}
    drawn = {"a": None, "b": None, "c": None}  # and d, e, f are the publisher's
    assert together([["a", "b", "c"]], splits, drawn) == {"b": "train", "c": "train"}
    assert together([["a", "c", "e"]], splits, drawn) == {"a": "test", "c": "test"}
    assert together([["b", "d"]], splits, drawn) == {"b": "train"}
    assert together([["d", "e"]], splits, drawn) == {}
    # Of the publisher's training faces, some of which were drawn for validation:
    given = {"c": "train", "d": "train"}
    assert together([["c", "d"]], splits, given) == {"d": "val"}
    assert together([["c", "d", "e"]], splits, given) == {"d": "val"}
    assert together([["a", "c", "d"]], splits, given | {"a": None}) == {"a": "val", "d": "val"}


def test_a_source_with_val_gives_none_of_its_train() -> None:
    items = [Item(f"a{n}", "a", "val" if n == 0 else "train") for n in range(40)]
    items += [Item(f"b{n}", "b", "train") for n in range(40)]
    found = assign(items, 0, 0.5, 0.0)
    assert sum(item.split == "val" for item in found[:40]) == 1
    assert 10 < sum(item.split == "val" for item in found[40:]) < 30


def settings(root: Path, distance: int = 36) -> folder.Settings:
    return folder.Settings(
        "folder", str(root), 96, 2, 5, 0.2, 0, "", "", 0.4, duplicate_distance=distance
    )


def test_near_copies_share_a_seeded_split_and_are_reported(tmp_path: Path) -> None:
    """Ten photos of one face, each another file, and a stranger to them."""
    random = np.random.default_rng(0)
    for number in range(10):
        noise = random.normal(0, 4, FACE.shape)
        save(tmp_path / f"in/{number}.png", np.clip(FACE + noise, 0, 255).astype(np.uint8))
    save(tmp_path / "in/mirrored.jpg", np.ascontiguousarray(FACE[:, ::-1]))
    save(tmp_path / "in/turned.png", turned_face(600, 500, 1.3, 25))  # aligned, the same again
    ingest(folder, settings(tmp_path / "in", -1), tmp_path / "apart")
    ingest(folder, settings(tmp_path / "in"), tmp_path / "faces")
    before = {row["id"]: row["split"] for row in iter_rows(tmp_path / "apart", ["id", "split"])}
    after = {row["id"]: row["split"] for row in iter_rows(tmp_path / "faces", ["id", "split"])}
    assert set(before.values()) == {"train", "val", "test"}
    assert set(after.values()) == {before["0"]}
    index = pq.read_table(tmp_path / "faces/index.parquet").to_pydict()
    assert dict(zip(index["id"], index["split"], strict=True)) == after
    rows = pq.read_table(tmp_path / "faces/duplicates.parquet").to_pylist()
    assert [row["id"] for row in rows] == sorted(after)
    assert {row["group"] for row in rows} == {"0"}
    by_id = {row["id"]: row for row in rows}
    assert by_id["mirrored"]["mirrored"]
    assert 0 < by_id["turned"]["distance"] <= 36
    about = json.loads((tmp_path / "faces/dataset.json").read_text())
    assert about["duplicates"] == {"groups": 1, "faces": 12, "in_train_and_test": 0}
    assert about["splits"][before["0"]] == 12
    assert json.loads((tmp_path / "apart/dataset.json").read_text())["duplicates"]["groups"] == 0
    # Only what had to move was written again; pictures are the same.
    for name in ("0000", "0001"):
        tables = [pq.read_table(tmp_path / f"{out}/shards/{name}.parquet") for out in
                  ("apart", "faces")]  # fmt: skip
        assert tables[0]["photo"].equals(tables[1]["photo"])
        assert tables[0]["id"].equals(tables[1]["id"])


def test_memory_does_not_grow_with_photos_that_are_all_alike() -> None:
    peaks = []
    for count in (600, 1800):
        same = dict.fromkeys((f"{n:04d}" for n in range(count)), bytes(range(32)))
        tracemalloc.start()
        found = find_duplicates(same, {}, 34)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(found.groups) == 1
        assert len(found.twins) == count
    assert max(peaks) < 10e6
    assert peaks[1] - peaks[0] < 1000 * 1200  # bytes


@pytest.mark.skipif(not FS2K.is_dir(), reason="FS2K is not here")
def test_fs2k_shared_photos_are_found() -> None:
    """The nine of `fs2k.shared_photos`, but for the loosest crop of them."""
    hashes = {}
    for id in {*fs2k.shared_photos, *fs2k.shared_photos.values()}:
        source, name = id.split("_")
        path = next((FS2K / "photo" / source).glob(f"{name}.*"))
        hashes[id] = photo_hash(read_image(path))
    found = {frozenset(group) for group in find_duplicates(hashes, {}, 36).groups}
    known = {frozenset(pair) for pair in fs2k.shared_photos.items()}
    assert known - found == {frozenset({"photo1_image1564", "photo1_image0534"})}
    assert found <= known


@pytest.mark.slow
@pytest.mark.skipif(not FS2K.is_dir(), reason="FS2K is not here")
def test_fs2k_duplicates_in_the_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKETCHFACE_JOBS", "2")
    ingest(fs2k, fs2k.Settings("fs2k", str(FS2K), 250, 2, 0, 0.05, 0), tmp_path / "faces")
    rows = pq.read_table(tmp_path / "faces/duplicates.parquet").to_pylist()
    groups = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    assert max(map(len, groups.values())) < 10
    drawn = Counter(
        len({row["split"] for row in group} & {"train", "val"}) for group in groups.values()
    )
    assert drawn[2] == 0  # no photo learnt from watches the training
