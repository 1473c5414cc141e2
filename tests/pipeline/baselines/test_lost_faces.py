"""Faces that `faces` loses keep their split, so that whoever scores a test split counts them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.baselines.targets import missing_faces
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.datasets.base import DataSettings
from pipeline.faces.ingest import ingest

ADAPTER = """
import numpy as np
from pipeline.datasets.base import Adapter, DataSettings, Face, Item, Offer
from sketchface_models.errors import SketchFaceError

SPLITS = {"a": "train", "b": "test", "c": "test", "d": "test", "e": None, "f": "train"}

class Losing(Adapter[DataSettings]):
    name, Settings, aligned, framing = "toy", DataSettings, True, None
    BROKEN = ("a", "c", "d", "e")

    def find(self, settings):
        offered = enumerate(SPLITS.items())
        items = [Item(id, "toy", split, style=1 + n % 2) for n, (id, split) in offered]
        again = [Item("b", "toy", "test", style=1), Item("c", "toy", "test", style=1)]
        return Offer(items + again, [("notes.txt", "notes.txt: not a picture by its ending")])

    def read(self, item, settings):
        if item.id in self.BROKEN:
            raise SketchFaceError(f"{item.id}.jpg: empty file (0 bytes); fetch it again")
        return Face(photo=np.full((64, 64, 3), 9, np.uint8))

    def validate(self, root):
        return []

ADAPTER = Losing()
"""


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "losing_adapter.py").write_text(ADAPTER)
    monkeypatch.syspath_prepend(tmp_path / "code")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("SKETCHFACE_JOBS", "1")
    import losing_adapter

    yield losing_adapter.ADAPTER
    sys.modules.pop("losing_adapter")


def left_out(adapter: Any, data: Path, limit: int = 0) -> list[tuple]:
    settings = DataSettings("toy", "toys", 64, 3, seed=0, val_fraction=0.0, limit=limit)
    ingest(adapter, settings, data / "faces")
    rows = read_quarantine(data / "faces")
    return [(row["id"], row["split"], row["style"]) for row in rows]


def test_each_lost_face_has_its_split_once(adapter: Any, tmp_path: Path):
    data = tmp_path / "data"
    found = left_out(adapter, data)
    assert {row["id"] for row in iter_rows(data / "faces", ["id"])} == {"b", "f"}
    assert sorted(found, key=str) == sorted(
        [
            ("a", "train", 1),
            ("b", None, None),  # a second face of this id; the first one is there
            ("c", "test", 1),
            ("c", None, None),  # two with one id are one face less
            ("d", "test", 2),
            ("e", "train", 1),  # a seeded split
            ("notes.txt", None, None),  # no face
        ],
        key=str,
    )
    missing = missing_faces(data, [])
    assert [(face.id, face.style) for face in missing] == [("c", 1), ("d", 2)]
    assert missing[1].reason == "d.jpg: empty file (0 bytes); fetch it again"


def test_what_a_limit_cuts_is_not_lost(adapter: Any, tmp_path: Path):
    adapter.BROKEN = ("d",)
    everything = left_out(adapter, tmp_path / "all")
    assert ("d", "test", 2) in everything
    few = left_out(adapter, tmp_path / "few", limit=1)
    accepted = [row["id"] for row in iter_rows(tmp_path / "few" / "faces", ["id", "split"])]
    lost = [id for id, split, _ in few if split]
    assert len(accepted) + len(lost) == 2  # one of each split


def test_nothing_lost_leaves_nothing_missing(adapter: Any, tmp_path: Path):
    adapter.BROKEN = ()
    assert {split for _, split, _ in left_out(adapter, tmp_path / "data")} == {None}
    assert missing_faces(tmp_path / "data", []) == ()
