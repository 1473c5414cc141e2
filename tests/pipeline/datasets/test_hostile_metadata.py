"""Lists, names and files that are not what their publisher promises: a line each, no traceback."""

from __future__ import annotations

import copy
import json
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import pytest
from hostile_sets import COMMON, LAYOUTS, Layout, kinds_for, mask, photo, section
from mini_data import MiniFS2K, save

import sketchface
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.datasets import adapter
from pipeline.datasets.base import FAULT, Offer
from pipeline.datasets.celeba import PARTITION
from pipeline.datasets.celebamask import NUMBERS
from pipeline.datasets.ffhq import METADATA
from pipeline.faces.ingest import ingest
from sketchface_models.config import load
from sketchface_models.errors import SketchFaceError

celeba = adapter("celeba")
celebamask = adapter("celebamask")
ffhq = adapter("ffhq")
fs2k = adapter("fs2k")
quickdraw = adapter("quickdraw")


def ingested(layout: Layout, out: Path) -> tuple[set[str], dict[str, str]]:
    """Accepted ids and reasons, after counting."""
    ingest(layout.adapter, layout.settings, out)
    about = json.loads((out / "dataset.json").read_text())
    rows = [row["id"] for row in iter_rows(out, ["id"])]
    left_out = read_quarantine(out)
    assert about["offered"] == len(rows) + len(left_out)
    assert len(rows) == len(set(rows))
    return set(rows), {row["id"]: row["reason"] for row in left_out}


def one_line(adapter: Any, settings: Any) -> str:
    """What `find` says of data that cannot be read at all."""
    with pytest.raises(SketchFaceError) as error:
        adapter.find(settings)
    assert "\n" not in str(error.value)
    return str(error.value)


# FS2K's annotations.

ENTRIES: list[tuple[Any, str]] = [
    (None, "without an image_name"),
    (5, "without an image_name"),
    ([], "without an image_name"),
    ("photo1/image0001", "without an image_name"),
    ({}, "without an image_name"),
    ({"style": 1}, "without an image_name"),
    ({"image_name": None, "style": 1}, "without an image_name"),
    ({"image_name": ["photo1/image0001"], "style": 1}, "without an image_name"),
    ({"image_name": "../../etc/passwd", "style": 1}, "without an image_name"),
    ({"image_name": "photo1/image0001\n", "style": 1}, "without an image_name"),
    ({"image_name": "photo1/image0001.jpg", "style": 1}, "without an image_name"),
    ({"image_name": "Photo1/Image0001", "style": 1}, "without an image_name"),
    ({"image_name": "photo4/image0001", "style": 1}, "without an image_name"),
    ({"image_name": "photo1/image٠٠٠١", "style": 1}, "without an image_name"),
    ({"image_name": "photo1/image" + "9" * 400, "style": 1}, "missing; fetch it again"),
    ({"image_name": "photo1/image7777", "style": 1}, "missing; fetch it again"),
    ({"image_name": "photo1/image0001"}, "style None of photo1_image0001; allowed: 0 to 2"),
    ({"image_name": "photo1/image0001", "style": 3}, "style 3 of"),
    ({"image_name": "photo1/image0001", "style": -1}, "style -1 of"),
    ({"image_name": "photo1/image0001", "style": True}, "style True of"),
    ({"image_name": "photo1/image0001", "style": 1.0}, "style 1.0 of"),
    ({"image_name": "photo1/image0001", "style": float("nan")}, "style nan of"),
    ({"image_name": "photo1/image0001", "style": "\ud800"}, "style '\\ud800' of"),
    ({"image_name": "photo1/image0001", "style": 0}, "names photo1_image0001 a second time"),
]


def test_fs2k_entries_that_are_none(mini_fs2k: MiniFS2K, tmp_path: Path) -> None:
    sound = dict(mini_fs2k.entries)
    before = fs2k.find(section(fs2k, "fs2k", mini_fs2k.root))
    mini_fs2k.entries["train"] = sound["train"] + [entry for entry, _ in ENTRIES]
    mini_fs2k.write()
    settings = section(fs2k, "fs2k", mini_fs2k.root)
    offer = fs2k.find(settings)
    assert offer.items == before.items
    assert len(offer.rejected) == len(ENTRIES)
    for (entry, reason), (_, given) in zip(ENTRIES, offer.rejected, strict=True):
        assert reason in given, entry
    accepted, left_out = ingested(Layout(fs2k, settings, []), tmp_path / "out")
    assert accepted | {"photo3_image0002"} == {
        item.id for item in offer.items
    } | left_out.keys() & {"photo3_image0002"}
    assert fs2k.validate(mini_fs2k.root)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nan", b"{}", b'"photo1"', b"\xff\xfe[]", b"[" * 100_000, b"[1" + b"0" * 9999,
        b"[]\0", b"[{'image_name': 1}]",
    ],
)  # fmt: skip
def test_fs2k_annotations_that_are_no_list(data: bytes, mini_fs2k: MiniFS2K) -> None:
    (mini_fs2k.root / "anno_test.json").write_bytes(data)
    line = one_line(fs2k, section(fs2k, "fs2k", mini_fs2k.root))
    assert line.startswith(str(mini_fs2k.root / "anno_test.json"))


# CelebAMask-HQ's names and lists.


def merged(root: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        save(root / "images" / f"{name}.png", photo(number, 64, 64))
        save(root / "masks" / f"{name}.png", mask(np.random.default_rng(number), 64))
    return root


def test_ids_of_any_characters(tmp_path: Path) -> None:
    names = [
        "plain", "PLAIN", "Plain", "a'b", 'a"b', "a b", "a\nb", "a\tb", "ä", "a\u0308", "😀",
        "写真", os.fsdecode(b"caf\xe9"), "x" * 250, "$(rm x)", "-rf", "a..b", "a,b", "null", "1e5",
    ]  # fmt: skip
    root = merged(tmp_path / "in", names)
    (root / "lr_swapped.txt").write_text("plain a'b nobody\n")
    settings = section(celebamask, "celebamask", root, test_fraction=0.4)
    offer = celebamask.find(settings)
    assert sum("swapped" in item.files for item in offer.items) == 2
    accepted, left_out = ingested(Layout(celebamask, settings, []), tmp_path / "out")
    # Both ways of writing an umlaut are one name: the second face is left out, and says so.
    assert len(accepted) == len(names) - 1
    (reason,) = left_out.values()
    assert reason.endswith("has the same id; keep one")
    assert all(re.fullmatch("[A-Za-z0-9_.-]{1,90}", id) for id in accepted)
    lines = celebamask.validate(root)
    assert f"{FAULT}lr_swapped.txt: 'nobody' is the id of no face" in lines


def test_pictures_of_one_name_and_partners_that_are_missing(tmp_path: Path) -> None:
    root = merged(tmp_path / "in", ["a", "b", "c"])
    save(root / "images/a.jpg", photo(9, 64, 64))
    save(root / "masks/b.bmp", mask(np.random.default_rng(9), 64))
    (root / "images/c.png").unlink()
    save(root / "images/d.png", photo(8, 64, 64))
    settings = section(celebamask, "celebamask", root, test_fraction=0.4)
    offer = celebamask.find(settings)
    assert [(i.id, i.files["photo"].name, i.files["labels"].name) for i in offer.items] == [
        ("a", "a.jpg", "a.png"),
        ("b", "b.png", "b.bmp"),
    ]
    assert offer.rejected == [
        ("c", "c.png: no image of this id; add images/c.png"),
        ("d", "d.png: no mask of this id; add masks/d.png"),
        ("a.png", "a.png: images/a.jpg has the same id; keep one"),
        ("b.png", "b.png: masks/b.bmp has the same id; keep one"),
    ]


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x80"])
def test_a_list_of_swapped_ids_that_is_no_text(data: bytes, tmp_path: Path) -> None:
    root = merged(tmp_path / "in", ["a"])
    (root / "lr_swapped.txt").write_bytes(data)
    settings = section(celebamask, "celebamask", root, test_fraction=0.4)
    assert "lr_swapped.txt: not a readable list of ids" in one_line(celebamask, settings)


def test_swapped_ids_of_the_published_layout(tmp_path: Path) -> None:
    """By number or by id: both say the same face."""
    LAYOUTS["part masks"](tmp_path / "in", [], 0)
    (tmp_path / "in/lr_swapped.txt").write_text("1\n00002\n")
    settings = section(celebamask, "celebamask", tmp_path / "in", test_fraction=0.4)
    offer = celebamask.find(settings)
    assert [item.id for item in offer.items if "swapped" in item.files] == ["00001", "00002"]


@pytest.mark.parametrize(
    "data", [b"head\n1", b"head\nx y", b"head\n1 y z", b"h\n\xff \xff", b"h\n1 " + b"9" * 5000]
)
def test_a_mapping_that_is_damaged(data: bytes, tmp_path: Path) -> None:
    LAYOUTS["part masks"](tmp_path / "in", [], 0)
    (tmp_path / "in" / NUMBERS).write_bytes(data)
    settings = section(celebamask, "celebamask", tmp_path / "in", test_fraction=0.4)
    assert one_line(celebamask, settings).endswith("damaged; fetch it again")


# Lists of CelebA and FFHQ.


@pytest.mark.parametrize(
    "data", [b"x", b"000001.jpg 3", b"000001.jpg 0 0", b"\xff\xfe", b"a\0b c", b"1 nan"]
)
def test_a_partition_that_is_damaged(data: bytes, tmp_path: Path) -> None:
    layout = LAYOUTS["celeba"](tmp_path / "in", [], 0)
    (tmp_path / "in" / PARTITION).write_bytes(data)
    assert one_line(layout.adapter, layout.settings).endswith("fetch it again")


def test_a_partition_of_photos_that_are_not_there(tmp_path: Path) -> None:
    layout = LAYOUTS["celeba"](tmp_path / "in", [], 0)
    with (tmp_path / "in" / PARTITION).open("a") as file:
        file.write("999999.jpg 0\n\n  \n000000.jpg 2\n../../x 1\n")
    offer = layout.adapter.find(layout.settings)
    assert len(offer.items) == 4
    assert offer.items[0].split == "test"  # the later line counts
    assert any("999999: missing" in line for line in celeba.validate(tmp_path / "in"))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"null", b"5", b'{"0": 5}', b'{"0": {"category": []}}', b'{"x": {"category": 1}}',  # noqa: E501
        b'{"0": {"category": "testing"}}', b'{"0": {}}', b"{" * 99_999, b"\xff", b'{"0": NaN}',
        b'{"' + b"9" * 5000 + b'": {"category": "training"}}',
    ],
)  # fmt: skip
def test_metadata_that_are_damaged(data: bytes, tmp_path: Path) -> None:
    layout = LAYOUTS["ffhq"](tmp_path / "in", [], 0)
    (tmp_path / "in" / METADATA).write_bytes(data)
    try:
        offer = layout.adapter.find(layout.settings)
    except SketchFaceError as error:
        assert str(error).endswith("fetch it again")  # noqa: PT017
    else:  # an empty mapping names nobody
        assert not offer.items
        assert len(offer.rejected) == 4


# QuickDraw's files.


def doodles(root: Path, name: str, data: bytes) -> Any:
    root.mkdir(exist_ok=True)
    (root / name).write_bytes(data)
    keys = {"file": name, "recognized": False, "pen": 16.0, "test_fraction": 0.4}
    return load(
        quickdraw.Settings, COMMON | {"name": "quickdraw", "root": str(root)} | keys, "data"
    )


def bitmaps(count: int = 6) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 784)).astype(np.uint8)


def test_damaged_bitmap_files(tmp_path: Path) -> None:
    """200 flips and cuts of the header: read as what it is, or refused in a line."""
    sound = tmp_path / "sound.npy"
    np.save(sound, bitmaps())
    random = np.random.default_rng(3)
    refused = 0
    for _ in range(200):
        data = bytearray(sound.read_bytes())
        for _ in range(int(random.integers(1, 4))):
            data[int(random.integers(128))] = int(random.integers(256))
        if random.random() < 0.2:
            data = data[: int(random.integers(len(data)))]
        try:
            offer = quickdraw.find(doodles(tmp_path / "in", "face.npy", bytes(data)))
        except SketchFaceError as error:
            assert "\n" not in str(error)  # noqa: PT017
            refused += 1
        else:
            assert len(offer.items) + len(offer.rejected) <= 6
    assert refused > 100


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 783), np.uint8), np.zeros((2, 784)), np.zeros(784, np.uint8), np.uint8(3),
        np.zeros((2, 28, 28), np.uint8), np.array(["a"]), np.zeros((0, 785), np.uint8),
    ],
)  # fmt: skip
def test_arrays_that_are_no_bitmaps(array: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", array)
    settings = doodles(tmp_path / "in", "face.npy", (tmp_path / "x.npy").read_bytes())
    assert one_line(quickdraw, settings).endswith("fetch it again")


def deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


LINES: list[tuple[bytes, str]] = [
    (b"{", "not JSON"),
    (b"\xff\xfe", "not JSON"),
    (b"nan", "not JSON"),
    (b"[]", "no key_id"),
    (b"{}", "no key_id"),
    (b'{"key_id": null}', "no key_id"),
    (b'{"key_id": NaN, "drawing": [[[1], [2]]]}', "no key_id"),
    (b'{"key_id": [[[]]], "drawing": [[[1], [2]]]}', "no key_id"),
    (b'{"key_id": ' + deep(600) + b', "drawing": [[[1], [2]]]}', "no key_id"),
    (b'{"key_id": "a/b", "drawing": [[[1], [2]]]}', "no key_id"),
    (b'{"key_id": "a\'b", "drawing": [[[1], [2]]]}', "no key_id"),
    (b'{"key_id": "a\\n", "drawing": [[[1], [2]]]}', "no key_id"),
    ('{"key_id": "é٣", "drawing": [[[1], [2]]]}'.encode(), "no key_id"),
    (b'{"key_id": "' + b"1" * 300 + b'", "drawing": [[[1], [2]]]}', "no key_id"),
    (b'{"key_id": "a1"}', "a1: no strokes"),
    (b'{"key_id": "a2", "drawing": []}', "a2: no strokes"),
    (b'{"key_id": "a3", "drawing": "no"}', "a3: no strokes"),
    (b'{"key_id": "a4", "drawing": [5]}', "a stroke that is not"),
    (b'{"key_id": "a5", "drawing": [[]]}', "a stroke that is not"),
    (b'{"key_id": "a6", "drawing": [[[1, 2]]]}', "a stroke that is not"),
    (b'{"key_id": "a7", "drawing": [[[], []]]}', "a stroke that is empty"),
    (b'{"key_id": "a8", "drawing": [[[1, 2], [3]]]}', "a stroke that is empty, uneven"),
    (b'{"key_id": "a9", "drawing": [[[NaN], [3]]]}', "a stroke that is empty, uneven"),
    (b'{"key_id": "b1", "drawing": [[[1e300], [Infinity]]]}', "a stroke that is empty, uneven"),
    (b'{"key_id": "b2", "drawing": [[["x"], [3]]]}', "a stroke that is not"),
    (b'{"key_id": "b3", "drawing": [[[[1]], [[3]]]]}', "a stroke that is empty, uneven"),
    (b'{"key_id": "b4", "drawing": [[[null], [3]]]}', "a stroke that is"),
    (b'{"key_id": "b5", "drawing": [[{"x": 1}, [3]]]}', "a stroke that is"),
    (b'{"key_id": "b6", "drawing": [[[1' + b"0" * 400 + b"], [3]]]}", "a stroke that is"),
    (b'{"key_id": "b7", "drawing": [' + deep(600) + b"]}", "a stroke that is"),
]
FINE = [
    b'{"key_id": "1", "drawing": [[[0, 255], [0, 255]]]}',
    b'{"key_id": 2, "drawing": [[[5], [5]]]}',  # a dot
    b'{"key_id": "3", "drawing": [[[1e-300, 2e-300], [0, 0]]]}',
    b'{"key_id": "4", "drawing": [[[-1000000, 1000000], [3, 9], [0, 7]]]}',
    b'{"key_id": "aA", "drawing": [[[0, 9], [9, 0]]]}',
    b'{"key_id": "Aa", "drawing": [[[0, 9], [3, 0]]]}',
    b'{"key_id": "5", "drawing": [[[0, 9], [9, 1], [[[[]]]]]]}',
]


def test_lines_that_are_no_drawings(tmp_path: Path) -> None:
    lines = [*FINE, *(line for line, _ in LINES), b"", b"  ", FINE[0]]
    settings = doodles(tmp_path / "in", "face.ndjson", b"\r\n".join(lines))
    offer = quickdraw.find(settings)
    assert [reason for _, reason in offer.rejected if "line" not in reason] == []
    for (line, reason), (_, given) in zip(LINES, offer.rejected, strict=True):
        assert reason in given, line[:60]
    accepted, left_out = ingested(Layout(quickdraw, settings, []), tmp_path / "out")
    assert accepted == {"1", "2", "3", "4", "aA", "Aa", "5"}
    assert left_out["1"] == "1: another face has this id; rename one"


def test_a_line_that_was_cut_or_flipped(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    lines = []
    for number in range(300):
        line = bytearray(b'{"key_id": "%d", "drawing": [[[0, 255, 9], [0, 255, 7]]]}' % number)
        for _ in range(int(random.integers(0, 3))):
            line[int(random.integers(len(line)))] = int(random.integers(32, 127))
        lines.append(bytes(line[: int(random.integers(1, 99))]))
    settings = doodles(tmp_path / "in", "face.ndjson", b"\n".join(lines))
    accepted, left_out = ingested(Layout(quickdraw, settings, []), tmp_path / "out")
    assert accepted
    assert left_out


# Files that are there and then are not, or are no files.


@pytest.mark.parametrize("name", LAYOUTS)
def test_files_that_vanish_after_they_were_listed(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name](tmp_path / "in", [], 0)
    gone: list[str] = []

    def find(settings: Any) -> Offer:
        offer: Offer = layout.adapter.find(settings)
        for item in offer.items[::2]:
            next(iter(item.files.values())).unlink()
            gone.append(item.id)
        return offer

    adapter: Any = copy.copy(layout.adapter)
    adapter.find = find
    _, left_out = ingested(Layout(adapter, layout.settings, []), tmp_path / "out")
    assert sorted(left_out) == sorted(gone)
    assert all("No such file" in reason for reason in left_out.values())


def no_file(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)  # names of sockets must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [no_file, a_socket, a_device, a_folder])
@pytest.mark.parametrize("name", ["fs2k", "celeba", "cufs", "merged masks", "part masks"])
def test_what_is_no_file_does_not_hang(
    name: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    layout = LAYOUTS[name](tmp_path / "in", [], 0)
    path = next(iter(layout.adapter.find(layout.settings).items[0].files.values()))
    path.unlink()
    make(path)
    accepted, left_out = ingested(layout, tmp_path / "out")
    assert len(accepted) == 3
    assert (
        "no sketch of this name" in str(left_out)
        or "not a regular file" in str(left_out)
        or (make is a_folder)
    )


@pytest.mark.parametrize("name", ["face.npy", "face.ndjson"])
def test_a_pipe_of_drawings_does_not_hang(name: str, tmp_path: Path) -> None:
    settings = doodles(tmp_path / "in", name, b"")
    (tmp_path / "in" / name).unlink()
    os.mkfifo(tmp_path / "in" / name)
    assert one_line(quickdraw, settings).endswith("is not there; fetch it or name another")
    assert len(quickdraw.validate(tmp_path / "in")) == 1


@pytest.mark.parametrize("name", LAYOUTS)
def test_validating_hostile_files_ends_in_lines(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name](tmp_path / "in", kinds_for(name, 15, 34), 4)
    lines = sketchface.validate(layout.adapter.name, layout.settings.root).lines
    assert any(line.startswith(FAULT) for line in lines)
    assert all("\n" not in line for line in lines)


def test_every_kind_is_planted_somewhere() -> None:
    names = list(LAYOUTS)
    planted = {kind for place, name in enumerate(names) for kind in kinds_for(name, 16, 16 * place)}
    assert planted == set(hostile.KINDS)
