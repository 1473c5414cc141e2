"""From what a publisher annotates to the subsets that scores are taken over."""

from __future__ import annotations

import json
from pathlib import Path

from mini_data import MiniFS2K

from pipeline.baselines.targets import face_frame, read_traits
from pipeline.common.subsets import subsets
from pipeline.datasets import adapter
from pipeline.faces.ingest import ingest

fs2k = adapter("fs2k")


def test_fs2k_is_scored_by_source_pose_and_smile(mini_fs2k: MiniFS2K, tmp_path: Path) -> None:
    """In the test split nobody wears earrings, which makes no subset."""
    settings = fs2k.minimal_settings(mini_fs2k.root, size=64)
    ingest(fs2k, settings, tmp_path / "faces")
    ids = ["photo3_image0449", "photo1_image0003", "photo1_image0004"]
    traits = read_traits(tmp_path, ids)
    assert traits[1] == ("pose frontal", "smile no", "earring no", "source photo1")
    about = json.loads((tmp_path / "faces/dataset.json").read_text())
    faces = face_frame(ids, [1, 2, 1], about, traits)
    members = {
        str(subset): [id for id, own in zip(ids, subset.mask(faces), strict=True) if own]
        for subset in subsets(faces)
    }
    assert list(members)[-6:] == [
        *("pose frontal", "pose turned", "smile no", "smile yes"),
        *("source photo1", "source photo3"),
    ]
    assert members["pose frontal"] == members["source photo1"] == ids[1:]
    assert members["smile yes"] == ids[2:]
    assert members["pose turned"] == members["source photo3"] == ids[:1]
