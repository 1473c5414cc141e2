from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from mini_data import FACE, MiniFS2K, save, sketch_of, turned_face
from PIL import Image

from face_geometry import align
from pipeline.common.images import decode, decode_depth
from pipeline.common.parameters import Parameters
from pipeline.common.shards import iter_rows, read_quarantine, shard_of
from pipeline.datasets import adapter
from pipeline.datasets.base import DataSettings, Face, Item
from pipeline.faces import __main__ as faces
from pipeline.faces.ingest import SCHEMA, ingest
from pipeline.landmarks.face_mesh import FaceMesh
from sketchface_models.errors import SketchFaceError

folder = adapter("folder")
fs2k = adapter("fs2k")

PROJECT = Path(__file__).resolve().parents[3]
FS2K = PROJECT.parent / "shared" / "data" / "FS2K"

# An adapter of built-in faces: every field, no files, nothing to align.
TOY = """
import os, signal
import numpy as np
from pipeline.datasets.base import Adapter, DataSettings, Face, Item, Offer
from sketchface_models.errors import SketchFaceError

class Toy(Adapter[DataSettings]):
    name, Settings, aligned, framing = "toy", DataSettings, True, None
    COUNT, REPEATED, BROKEN = 12, [], []

    def find(self, settings):
        ids = [f"face-{number:03d}" for number in range(self.COUNT)] + self.REPEATED
        return Offer([Item(id, "toy", style=1) for id in ids], [])

    def read(self, item, settings):
        if os.environ.get("KILL_AT") == item.id:
            os.kill(os.getpid(), signal.SIGKILL)
        if os.environ.get("FAIL_AT") == item.id:
            raise RuntimeError("a bug")
        if item.id in self.BROKEN:
            raise SketchFaceError(f"{item.id}: spoilt; draw it again")
        number = int(item.id[-3:])
        ramp = np.linspace(0, 1, 64, dtype=np.float32)
        return Face(
            photo=np.full((64, 64, 3), number, np.uint8),
            sketch=np.full((64, 64), 255 - number, np.uint8),
            labels=np.full((64, 64), number % 19, np.uint8),
            landmarks=np.arange(136, dtype=np.float32).reshape(68, 2) / 4,
            depth=np.tile(ramp, (64, 1)),
        )

    def validate(self, root):
        return []

ADAPTER = Toy()
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "toy_adapter.py").write_text(TOY)
    monkeypatch.syspath_prepend(tmp_path / "code")
    import toy_adapter

    yield toy_adapter.ADAPTER
    sys.modules.pop("toy_adapter")


def toy_settings(size: int = 64, limit: int = 0, val_fraction: float = 0.0) -> DataSettings:
    return DataSettings(
        "toy", "toys", size, shards=3, seed=0, val_fraction=val_fraction, limit=limit
    )


def fs2k_settings(root: Path, size: int = 250, val_fraction: float = 0.0) -> fs2k.Settings:
    return fs2k.Settings("fs2k", str(root), size, 2, 0, val_fraction, 0)


def folder_settings(root: Path, sketches: str = "") -> folder.Settings:
    photos = "photos" if sketches else ""
    return folder.Settings("folder", str(root), 128, 3, 0, 0.0, 0, photos, sketches, 0.25)


def rows_of(out: Path) -> dict[str, dict]:
    return {row["id"]: row for row in iter_rows(out)}


def hashes(out: Path) -> dict[str, str]:
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def anchors(photo: np.ndarray) -> np.ndarray:
    with FaceMesh() as mesh:
        detection = mesh.detect(photo)
    assert detection is not None
    return align.eyes_and_mouth(detection.landmarks)


def test_fs2k_comes_through_whole(mini_fs2k: MiniFS2K, tmp_path: Path) -> None:
    out = tmp_path / "faces"
    ingest(fs2k, fs2k_settings(mini_fs2k.root), out)
    rows = rows_of(out)
    assert read_quarantine(out) == []
    assert len(rows) == 8
    assert json.loads((out / "dataset.json").read_text()) == {
        "name": "fs2k",
        "size": 250,
        "framing": [list(point) for point in fs2k.framing.points],
        "offered": 8,
        "accepted": 8,
        "quarantined": 0,
        "shared": ["photo3_image0449"],
        "splits": {"train": 5, "val": 0, "test": 3},
        "styles": {"1": 3, "2": 2, "3": 3},
        "sources": {"photo1": 4, "photo2": 1, "photo3": 3},
        "fields": {"photo": 8, "sketch": 8},
        # One face in four photos with a painted corner and in three turned ones, in both splits.
        "duplicates": {"groups": 2, "faces": 7, "in_train_and_test": 2},
    }
    index = pq.read_table(out / "index.parquet", columns=["id", "traits"]).to_pylist()
    assert {each["id"]: each["traits"] for each in index} == {
        id: row["traits"] for id, row in rows.items()
    }
    assert rows["photo3_image0449"]["traits"] == ["pose turned", "smile no", "earring no"]
    for row in rows.values():
        assert decode(row["photo"]["bytes"]).shape == (250, 250, 3)
        assert decode(row["sketch"]["bytes"]).shape == (250, 250)
    native = rows["photo1_image0001"]
    assert native["photo"]["bytes"] == mini_fs2k.photo(1, 1).read_bytes()  # its own framing
    assert native["transform"] == [1, 0, 0, 0, 1, 0]
    # No face to be found: the source's usual place.
    blank = fs2k.framing.usual_points("photo3", 475, 340)
    moved = align.transform_points(blank, np.reshape(rows["photo3_image0002"]["transform"], (2, 3)))
    np.testing.assert_allclose(moved, fs2k.framing.target(250), atol=3)


def test_all_fs2k_sources_get_one_framing(mini_fs2k: MiniFS2K, tmp_path: Path) -> None:
    ingest(fs2k, fs2k_settings(mini_fs2k.root), tmp_path / "faces")
    rows = rows_of(tmp_path / "faces")
    for id in ("photo2_image0001", "photo3_image0001", "photo3_image0449"):
        found = anchors(decode(rows[id]["photo"]["bytes"]))
        np.testing.assert_allclose(found, fs2k.framing.target(250), atol=6)
        # Photo and sketch keep sharing pixels.
        sketch = decode(rows[id]["sketch"]["bytes"])
        redrawn = sketch_of(decode(rows[id]["photo"]["bytes"]))
        inner = (slice(60, 190), slice(60, 190))
        assert np.corrcoef(sketch[inner].ravel(), redrawn[inner].ravel())[0, 1] > 0.5


def test_another_size_is_the_same_framing(mini_fs2k: MiniFS2K, tmp_path: Path) -> None:
    ingest(fs2k, fs2k_settings(mini_fs2k.root, size=96), tmp_path / "faces")
    row = rows_of(tmp_path / "faces")["photo1_image0001"]
    small = decode(row["photo"]["bytes"]).astype(int)
    expected = Image.open(mini_fs2k.photo(1, 1)).resize((96, 96), Image.Resampling.BOX)
    assert small.shape == (96, 96, 3)
    assert np.abs(small - np.array(expected)).mean() < 4
    np.testing.assert_allclose(np.reshape(row["transform"], (2, 3))[:, :2], np.eye(2) * 96 / 250)


def test_bad_pairs_are_quarantined_and_the_rest_goes_through(
    mini_fs2k: MiniFS2K, tmp_path: Path
) -> None:
    mini_fs2k.photo(1, 1).write_bytes(mini_fs2k.photo(1, 1).read_bytes()[:3000])
    mini_fs2k.photo(1, 2).write_bytes(b"")
    mini_fs2k.photo(1, 3).write_text("not a picture")
    save(mini_fs2k.root / "sketch/sketch3/sketch0449.jpg", FACE)  # of another size
    (mini_fs2k.root / "sketch/sketch2/sketch0001.png").unlink()
    mini_fs2k.entries["train"].append({"image_name": "photo3/image9999", "style": 1})
    mini_fs2k.write()
    out = tmp_path / "faces"
    ingest(fs2k, fs2k_settings(mini_fs2k.root), out)
    reasons = {row["id"]: row["reason"] for row in read_quarantine(out)}
    assert set(rows_of(out)) == {"photo1_image0004", "photo3_image0001", "photo3_image0002"}
    assert set(reasons) == {
        *("photo1_image0001", "photo1_image0002", "photo1_image0003"),
        *("photo3_image0449", "photo2_image0001", "photo3_image9999"),
    }
    assert reasons["photo1_image0001"].startswith("photo/photo1/image0001.jpg: truncated")
    assert "empty file" in reasons["photo1_image0002"]
    assert "no readable picture" in reasons["photo1_image0003"]
    assert "different sizes" in reasons["photo3_image0449"]
    assert "sketch/sketch2/sketch0001.jpg: missing" in reasons["photo2_image0001"]
    assert (
        "photo/photo3/image9999.jpg and sketch/sketch3/sketch9999.jpg: missing"
        in reasons["photo3_image9999"]
    )
    assert not any(str(tmp_path) in reason for reason in reasons.values())


def test_a_folder_of_everything(tmp_path: Path) -> None:
    root = tmp_path / "my photos"
    save(root / "big.png", turned_face(1200, 900, 2.5, 20))
    save(root / "Zoë/grey.png", np.array(Image.fromarray(FACE).convert("L")))
    save(root / "no-face.jpg", np.full((300, 300, 3), 90, np.uint8))
    (root / "wide.png").write_bytes(b"")
    Image.new("L", (20000, 10)).save(root / "wide.png")
    (root / "text.png").write_text("hello")
    (root / "zero.jpg").touch()
    (root / "notes.txt").write_text("hello")
    (root / os.fsdecode(b"caf\xe9.jpg")).write_text("a name that is no Unicode")
    out = tmp_path / "faces"
    ingest(folder, folder_settings(root), out)
    rows, quarantine = rows_of(out), read_quarantine(out)
    assert len(rows) == 2
    for row in rows.values():
        found = anchors(decode(row["photo"]["bytes"]))
        np.testing.assert_allclose(found, align.PORTRAIT.target(128), atol=4)
        assert row["style"] is None
        assert row["sketch"] is None
    reasons = " | ".join(sorted(row["reason"] for row in quarantine))
    assert len(quarantine) == 6
    for part in (
        "no-face.jpg: no face found",
        "wide.png: 20000 x 10 pixels",
        "text.png: no readable picture",
        "zero.jpg: empty file",
        "notes.txt: not a picture",
        "caf?.jpg: no readable picture",
    ):
        assert part in reasons
    summary = json.loads((out / "dataset.json").read_text())
    assert (summary["offered"], summary["accepted"], summary["quarantined"]) == (8, 2, 6)


def test_paired_folder(tmp_path: Path) -> None:
    for number in (1, 2):
        photo = turned_face(400, 500, 1 + number / 4, 5 * number)
        save(tmp_path / f"data/photos/{number}.png", photo)
        save(tmp_path / f"data/sketches/{number}.jpg", sketch_of(photo))
    save(tmp_path / "data/photos/3.png", FACE)
    ingest(folder, folder_settings(tmp_path / "data", "sketches"), tmp_path / "faces")
    assert set(rows_of(tmp_path / "faces")) == {"1", "2"}
    assert all(row["sketch"] for row in iter_rows(tmp_path / "faces"))
    assert [row["reason"] for row in read_quarantine(tmp_path / "faces")] == [
        "3.png: no sketch of this name; add sketches/3.png, or with another picture's ending"
    ]


def test_nothing_usable_is_one_line_and_no_output(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number in range(3):
        save(root / f"{number}.png", np.full((100, 100, 3), 50 + number, np.uint8))
    (root / "zero.png").touch()
    pattern = r"^data\.root: .*: none of 4 faces can be used; 3 of them: no face found; crop.*$"
    with pytest.raises(SketchFaceError, match=pattern):
        ingest(folder, folder_settings(root), tmp_path / "out" / "faces")
    assert list((tmp_path / "out").iterdir()) == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(SketchFaceError, match="holds no face"):
        ingest(folder, folder_settings(tmp_path / "empty"), tmp_path / "out" / "faces")


def test_built_in_faces_pass_with_every_field(toy: object, tmp_path: Path) -> None:
    ingest(toy, toy_settings(), tmp_path / "faces")
    rows = rows_of(tmp_path / "faces")
    assert len(rows) == 12
    row = rows["face-007"]
    assert (decode(row["photo"]["bytes"]) == 7).all()
    assert (decode(row["sketch"]["bytes"]) == 248).all()
    assert (decode(row["labels"]["bytes"]) == 7).all()
    np.testing.assert_allclose(
        decode_depth(row["depth"]["bytes"])[0], np.linspace(0, 1, 64), atol=1e-5
    )
    assert row["landmarks"] == [value / 4 for value in range(136)]
    index = pq.read_table(tmp_path / "faces/index.parquet").to_pydict()
    assert index["id"] == sorted(rows)
    assert index["shard"] == [shard_of(id, 3) for id in index["id"]]
    assert all(all(index[field]) for field in ("photo", "sketch", "labels", "landmarks", "depth"))
    schema = pq.read_schema(tmp_path / "faces/shards/0000.parquet")
    assert schema.remove_metadata().equals(SCHEMA)


def test_built_in_faces_of_another_size_are_scaled_with_their_landmarks(
    toy: object, tmp_path: Path
) -> None:
    ingest(toy, toy_settings(size=32), tmp_path / "faces")
    row = rows_of(tmp_path / "faces")["face-007"]
    assert decode(row["labels"]["bytes"]).shape == (32, 32)
    assert row["landmarks"] == [value / 8 for value in range(136)]


def test_repeated_ids_and_broken_faces_are_all_accounted_for(toy: object, tmp_path: Path) -> None:
    toy.REPEATED, toy.BROKEN = ["face-003", "face-003"], ["face-005"]  # type: ignore[attr-defined]
    ingest(toy, toy_settings(), tmp_path / "faces")
    left_out = Counter(row["id"] for row in read_quarantine(tmp_path / "faces"))
    assert left_out == {"face-003": 2, "face-005": 1}
    assert len(rows_of(tmp_path / "faces")) == 11


def test_masks_of_a_wrong_size_or_class_are_refused(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = toy.read

    def spoilt(item: Item, settings: DataSettings) -> Face:
        face = read(item, settings)
        labels = {
            "face-001": np.full((64, 64), 200, np.uint8),
            "face-002": np.full((64, 64), 19, np.uint8),
            "face-003": np.full((32, 64), 3, np.uint8),
            "face-004": np.zeros((0, 0), np.uint8),
        }.get(item.id, face.labels)
        return dataclasses.replace(face, labels=labels)

    monkeypatch.setattr(toy, "read", spoilt)
    ingest(toy, toy_settings(), tmp_path / "faces")
    left_out = {row["id"]: row["reason"] for row in read_quarantine(tmp_path / "faces")}
    assert left_out["face-001"] == "face-001: label 200; allowed: 0 to 18; mend it"
    assert left_out["face-002"] == "face-002: label 19; allowed: 0 to 18; mend it"
    sizes = "pictures of different sizes (photo 64 x 64, sketch 64 x 64, labels 64 x 32"
    assert left_out["face-003"].startswith(f"face-003: {sizes}")
    assert "labels 0 x 0" in left_out["face-004"]
    assert len(left_out) == 4
    assert len(rows_of(tmp_path / "faces")) == 8


def test_limit_and_validation_split(toy: object, tmp_path: Path) -> None:
    toy.COUNT = 60  # type: ignore[attr-defined]
    ingest(toy, toy_settings(val_fraction=0.3), tmp_path / "all")
    ingest(toy, toy_settings(val_fraction=0.3, limit=5), tmp_path / "few")
    everything = {id: row["split"] for id, row in rows_of(tmp_path / "all").items()}
    few = {id: row["split"] for id, row in rows_of(tmp_path / "few").items()}
    assert Counter(few.values()) == {"train": 5, "val": 5}
    assert few.items() <= everything.items()
    toy.COUNT = 90  # type: ignore[attr-defined]
    ingest(toy, toy_settings(val_fraction=0.3), tmp_path / "more")
    more = {id: row["split"] for id, row in rows_of(tmp_path / "more").items()}
    assert everything.items() < more.items()


def test_an_added_face_touches_one_shard(toy: object, tmp_path: Path) -> None:
    ingest(toy, toy_settings(), tmp_path / "a")
    toy.COUNT = 13  # type: ignore[attr-defined]
    ingest(toy, toy_settings(), tmp_path / "b")
    before, after = hashes(tmp_path / "a"), hashes(tmp_path / "b")
    changed = {name for name in after if before[name] != after[name]}
    assert {name for name in changed if name.startswith("shards/")} == {
        f"shards/{shard_of('face-012', 3):04d}.parquet"
    }


def test_same_bytes_again_and_with_workers(
    mini_fs2k: MiniFS2K, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(fs2k, fs2k_settings(mini_fs2k.root), tmp_path / "a")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "other"))
    monkeypatch.setenv("SKETCHFACE_JOBS", "2")
    ingest(fs2k, fs2k_settings(mini_fs2k.root), tmp_path / "b")
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_a_changed_file_is_noticed(mini_fs2k: MiniFS2K, tmp_path: Path) -> None:
    ingest(fs2k, fs2k_settings(mini_fs2k.root), tmp_path / "faces")
    save(mini_fs2k.photo(1, 2), np.ascontiguousarray(FACE[:, ::-1]))
    ingest(fs2k, fs2k_settings(mini_fs2k.root), tmp_path / "faces")
    kept = rows_of(tmp_path / "faces")["photo1_image0002"]["photo"]["bytes"]
    assert kept == mini_fs2k.photo(1, 2).read_bytes()


def test_a_failure_leaves_no_output(
    toy: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIL_AT", "face-011")
    out = tmp_path / "out" / "faces"
    with pytest.raises(RuntimeError, match="a bug"):
        ingest(toy, toy_settings(), out)
    assert not out.exists()
    monkeypatch.delenv("FAIL_AT")
    ingest(toy, toy_settings(), out)
    assert len(rows_of(out)) == 12


def test_a_killed_process_leaves_no_output_and_finished_shards_stay(
    toy: object, tmp_path: Path
) -> None:
    script = (
        "import toy_adapter; from pipeline.faces.ingest import ingest;"
        "from pipeline.datasets.base import DataSettings;"
        "ingest(toy_adapter.ADAPTER, DataSettings('toy', 'toys', 64, 3, 0, 0.0, 0), 'out/faces')"
    )
    last = max((f"face-{n:03d}" for n in range(12)), key=lambda id: (shard_of(id, 3), id))
    path = os.pathsep.join([str(PROJECT), str(tmp_path / "code")])
    environment = {**os.environ, "PYTHONPATH": path, "KILL_AT": last}
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True
    )
    assert run.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert len(list((tmp_path / ".cache/shards/faces").glob("*.done"))) == 2


def parameters(**data: object) -> Parameters:
    section = {"name": "folder", "root": "faces-in", "size": 128, "shards": 1, "seed": 0}
    section |= {"val_fraction": 0.0, "limit": 0, "photos": "", "sketches": "", "test_fraction": 0.5}
    return Parameters({"data": {**section, **data}, "second_root": "elsewhere"})


def test_the_stage_reads_its_section_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "faces-in" / "a.png", FACE)
    save(tmp_path / "faces-in" / "b.png", FACE // 2)
    save(tmp_path / "faces-in" / "c.png", FACE // 3)
    params = parameters(duplicate_distance=-1)
    faces.main(params)
    assert set(rows_of(tmp_path / "data/faces")) == {"a", "b", "c"}
    names = [field.name for field in dataclasses.fields(folder.Settings)]
    assert params.reads == {"second_root", *(f"data.{name}" for name in names)}


def test_wrong_parameters_are_named_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SketchFaceError, match=r"^data\.root: 'faces-in' is no folder; set it"):
        faces.main(parameters())
    with pytest.raises(SketchFaceError) as caught:
        faces.main(parameters(size=8, val_fraction=2, colour="red"))
    assert [line.split(":")[0] for line in str(caught.value).split("\n")] == [
        "data.colour",
        "data.size",
        "data.val_fraction",
    ]
    for name in ("nope", None, ["fs2k"]):
        with pytest.raises(SketchFaceError, match=r"data\.name: .*fs2k"):
            faces.main(parameters(name=name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not FS2K.is_dir(), reason="FS2K is not here")
def test_the_whole_of_fs2k(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SKETCHFACE_JOBS", "2")
    out = tmp_path / "faces"
    ingest(fs2k, fs2k_settings(FS2K, val_fraction=0.05), out)
    assert read_quarantine(out) == []
    rows = list(iter_rows(out, ["id", "split", "style", "source"]))
    counts = Counter(("test" if row["split"] == "test" else "train", row["style"]) for row in rows)
    assert counts == {
        ("train", 1): 357,
        ("train", 2): 350,
        ("train", 3): 351,
        ("test", 1): 619,
        ("test", 2): 381,
        ("test", 3): 46,
    }
    assert 30 < sum(row["split"] == "val" for row in rows) < 80
    target = fs2k.framing.target(250)
    offsets = []
    with FaceMesh() as mesh:
        for row in iter_rows(out, ["source", "photo"]):
            photo = decode(row["photo"]["bytes"])
            assert photo.shape == (250, 250, 3)
            if row["source"] != "photo1":
                detection = mesh.detect(photo)
                assert detection is not None
                offsets.append(align.eyes_and_mouth(detection.landmarks) - target)
    spread = np.stack(offsets)
    assert np.abs(spread.mean(axis=0)).max() < 1.5
    assert spread[:, :2].std(axis=0).max() < 3.1  # photo1's own: 3.0
