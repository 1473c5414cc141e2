"""Whatever lies in a folder: nothing crashes ingest, nothing vanishes, nothing good is refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import hostile
import numpy as np
import pytest

from face_geometry import align
from pipeline.common.images import decode
from pipeline.common.picture_files import safe_id
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.datasets import adapter
from pipeline.faces.ingest import ingest
from pipeline.landmarks.face_mesh import FaceMesh

folder = adapter("folder")

Verdicts = dict[str, str]  # path inside the folder -> "accepted", or the reason


def settings(root: Path) -> folder.Settings:
    return folder.Settings("folder", str(root), 96, 4, 0, 0.1, 0, "", "", 0.2)


def verdicts(root: Path, out: Path) -> Verdicts:
    """What became of each file, after checking that nothing was lost on the way."""
    given = settings(root)
    offer = folder.find(given)
    ingest(folder, given, out)
    about = json.loads((out / "dataset.json").read_text())
    rows = [row["id"] for row in iter_rows(out, ["id"])]
    left_out = read_quarantine(out)
    assert about["offered"] == len(offer.items) + len(offer.rejected)
    assert about["accepted"] == len(rows) == len(set(rows))
    assert about["accepted"] + about["quarantined"] == about["offered"]
    assert about["quarantined"] == len(left_out)
    assert all(row["reason"] and "\n" not in row["reason"] for row in left_out)
    reasons = {row["id"]: row["reason"] for row in left_out}
    found: Verdicts = {}
    for item in offer.items:
        path = str(item.files["photo"].relative_to(root))
        found[path] = "accepted" if item.id in rows else reasons[item.id]
    names = Counter(id for id, _ in offer.rejected)
    for id, reason in offer.rejected:  # a file's id is its name, or that of the copy it is
        assert names[id] == 1
        found[id] = reason
    return found


def verdict_of(made: hostile.Input, root: Path, found: Verdicts) -> str:
    path = str(made.path.relative_to(root))
    for name in (path, str(Path(path).with_suffix("")), safe_id(Path(path).stem)):
        if name in found:
            return found[name]
    return "unseen"


def judge(made: list[hostile.Input], root: Path, found: Verdicts) -> list[str]:
    """A line for everything that ended otherwise than it should."""
    wrong = []
    for one in made:
        verdict = verdict_of(one, root, found)
        fine = {
            hostile.GOOD: verdict == "accepted",
            hostile.BAD: any(words in verdict for words in hostile.reasons(one)),
            hostile.EITHER: verdict != "unseen",
            hostile.UNSEEN: verdict == "unseen",
        }[one.verdict]
        if not fine:
            wrong.append(f"{one.kind}: {one.path.name!r} should be {one.verdict}: {verdict}")
    return wrong


def check_faces(out: Path) -> None:
    """Every accepted face is upright in its frame, however it was stored."""
    target = align.PORTRAIT.target(96)
    with FaceMesh() as mesh:
        for row in iter_rows(out, ["id", "photo"]):
            photo = decode(row["photo"]["bytes"])
            assert photo.shape == (96, 96, 3)
            if not row["id"].startswith(("flipped-bits", "one-bit")):
                detection = mesh.detect(photo)
                assert detection is not None, row["id"]
                found = align.eyes_and_mouth(detection.landmarks)
                assert np.abs(found - target).max() < 6, row["id"]


def test_a_file_of_each_kind(tmp_path: Path) -> None:
    root = tmp_path / "in"
    made = hostile.make(root, len(hostile.KINDS) + 12, seed=0)
    assert judge(made, root, verdicts(root, tmp_path / "out")) == []
    check_faces(tmp_path / "out")


def test_the_same_seed_makes_the_same_files(tmp_path: Path) -> None:
    made = [hostile.make(tmp_path / name / "in", 30, seed=3) for name in "ab"]
    for one, other in zip(*made, strict=True):
        assert one.path.name == other.path.name
        assert one.path.read_bytes() == other.path.read_bytes()


def test_judging_finds_what_it_looks_for(tmp_path: Path) -> None:
    made = [
        hostile.Input("good", tmp_path / "a.png", hostile.GOOD, ""),
        hostile.Input("bad", tmp_path / "b.png", hostile.BAD, "one|two"),
        hostile.Input("gone", tmp_path / "c.png", hostile.EITHER, ""),
        hostile.Input("hidden", tmp_path / "d.png", hostile.UNSEEN, ""),
    ]
    found = {"a.png": "no face", "b.png": "three", "d.png": "accepted"}
    assert len(judge(made, tmp_path, found)) == 4
    found = {"a.png": "accepted", "b.png": "reason two", "c.png": "any"}
    assert judge(made, tmp_path, found) == []


@pytest.mark.slow
def test_a_thousand_files(tmp_path: Path) -> None:
    root = tmp_path / "in"
    made = hostile.make(root, 1000, seed=1)
    assert judge(made, root, verdicts(root, tmp_path / "out")) == []
    check_faces(tmp_path / "out")
