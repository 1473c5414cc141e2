"""Hostile files in every data set's layout, through every data stage.

None crashes a stage, none vanishes on the way, nothing good is refused.
"""

from __future__ import annotations

import json
from pathlib import Path

import hostile
import pytest
from hostile_sets import KEPT, LAYOUTS, Layout, kinds_for

from pipeline.augment.augment import AugmentSettings, augment_test_contours
from pipeline.common.shards import iter_rows, read_quarantine, read_rows
from pipeline.contours.contours import ContourSettings, draw_contours
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.faces.ingest import ingest
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks
from pipeline.pack.pack import write_pack
from pipeline.segment.segment import SegmentSettings, segment
from sketchface_models.systems.run_settings import Task


def check(layout: Layout, out: Path, source: str) -> None:
    """Run every stage and say whatever is not as it should be."""
    offer = layout.adapter.find(layout.settings)
    ingest(layout.adapter, layout.settings, out / "faces")
    about = json.loads((out / "faces/dataset.json").read_text())
    assert about["offered"] == len(offer.items) + len(offer.rejected)
    assert about["accepted"] + about["quarantined"] == about["offered"]
    accepted, left_out = ids_of(out / "faces")
    assert about["quarantined"] == len(read_quarantine(out / "faces"))
    wrong = verdicts(layout, accepted, left_out)
    wrong += later_stages(layout, out, accepted, source)
    assert wrong == []


def ids_of(folder: Path) -> tuple[set[str], dict[str, str]]:
    """Ids of a stage's rows, each there once, and reasons of what it left out."""
    rows = [row["id"] for row in iter_rows(folder, ["id"])]
    left_out = read_quarantine(folder)
    assert len(rows) == len(set(rows))
    assert all(row["reason"] and "\n" not in row["reason"] for row in left_out)
    return set(rows), {row["id"]: row["reason"] for row in left_out}


def verdicts(layout: Layout, accepted: set[str], left_out: dict[str, str]) -> list[str]:
    wrong = []
    for one in layout.planted:
        reason = next((left_out[id] for id in one.ids if id in left_out), "unseen")
        verdict = "accepted" if accepted.intersection(one.ids) else reason
        fine = {
            hostile.GOOD: verdict == "accepted",
            KEPT: verdict == "accepted",
            hostile.BAD: any(words in verdict for words in one.reason.split("|"))
            and verdict not in ("accepted", "unseen"),
            hostile.EITHER: verdict != "unseen",
            hostile.UNSEEN: verdict == "unseen",
        }[one.verdict]
        if not fine:
            wrong.append(f"{one.kind} {one.ids}: should be {one.verdict}: {verdict}")
    return wrong


def later_stages(layout: Layout, out: Path, accepted: set[str], source: str) -> list[str]:
    """Every stage after `faces`: each face in its table, or left out with a reason."""
    faces, landmarks, contours = out / "faces", out / "landmarks", out / "contours"
    find_landmarks(faces, landmarks, LandmarkSettings("mediapipe", 0.5))
    draw_contours(faces, landmarks, contours, ContourSettings(2.0, 1.0, 0))
    augment_test_contours(faces, contours, out / "augment", AugmentSettings(25.0, 7.0, 0))
    segment(faces, landmarks, out / "segment", SegmentSettings(source))  # type: ignore[arg-type]
    make_depth(faces, landmarks, out / "depth", DepthSettings("facemesh"))
    index = read_rows(faces / "index.parquet", ["id", "split", "photo"])
    test = {row["id"] for row in index if row["split"] == "test"}
    for stage in ("landmarks", "contours", "augment", "segment", "depth"):
        rows, left_out = ids_of(out / stage)
        assert not rows & left_out.keys(), stage
        assert rows | left_out.keys() == (test if stage == "augment" else accepted), stage
    packed(layout, out, accepted)
    photos = {row["id"] for row in index if row["photo"]}
    wrong = []
    for stage in ("landmarks", "depth", "segment"):
        _, left_out = ids_of(out / stage)
        wrong += [
            f"{stage} refused {one.kind} {id}: {left_out[id]}"
            for one in layout.planted
            for id in photos.intersection(one.ids)
            if one.found and id in left_out
        ]
    return wrong


def packed(layout: Layout, out: Path, accepted: set[str]) -> None:
    names = ("lines",) if layout.target == "sketch" else ("contour", "depth", "parsing")
    write_pack("run", Task(names, layout.target, 64), out, out / "pack")
    about = json.loads((out / "pack/pack.json").read_text())
    missing = [face["id"] for face in about["missing"]]
    assert sorted(about["ids"] + missing) == sorted(accepted)
    assert all(face["lacks"] for face in about["missing"])


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_few_in_every_layout(name: str, tmp_path: Path) -> None:
    place = list(LAYOUTS).index(name)
    layout = LAYOUTS[name](tmp_path / "data", kinds_for(name, 16, 16 * place), place)
    check(layout, tmp_path / "out", "parser" if name == "folder" else "dataset")


@pytest.mark.slow
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_kind_in_every_layout(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name](tmp_path / "data", kinds_for(name, len(hostile.KINDS), 0), 1)
    assert len(layout.planted) >= len(hostile.KINDS)
    check(layout, tmp_path / "out", "parser")
