"""Faces that a shipped parser learned from are not scored."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_tables import TEST, pictures_of, write_tables

from pipeline.baselines.learned import FILE, learned_faces
from pipeline.baselines.targets import scored_rows
from pipeline.faces.duplicates import photo_hash
from pipeline.pack.pack import write_pack
from sketchface_models.errors import SketchFaceError
from sketchface_models.pretrained.parsers import PARSER_FOLDER
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack


def photo(id: str) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(pictures_of((id,), "photo")[0], 0, 2))


def hashes_of(folder: Path, *photos: np.ndarray) -> Path:
    hashes = [photo_hash(each) for each in photos]
    (folder / FILE).write_text(json.dumps({"photos": [each.hex() for each in hashes if each]}))
    return folder


def test_photos_that_were_learned_from_are_found_also_mirrored(tables: Path, tmp_path: Path):
    mirrored = np.ascontiguousarray(photo(TEST[3])[:, ::-1])
    folder = hashes_of(tmp_path, photo(TEST[1]), mirrored)
    assert learned_faces(tables, set(TEST), folder) == {TEST[1], TEST[3]}
    assert learned_faces(tables, {TEST[0]}, folder) == set()


def test_every_photo_of_the_parsers_training_is_listed_and_none_is_a_picture():
    listed = json.loads((PARSER_FOLDER / FILE).read_text())["photos"]
    splits = json.loads((PARSER_FOLDER / "judge.json").read_text())["data"]["faces"]
    assert len(set(listed)) == len(listed) == splits["train"] + splits["val"]
    assert {len(each) for each in listed} == {64}


def test_faces_that_were_learned_from_are_named_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    data = write_tables(tmp_path / "data")
    write_pack("echo", Task(("photo",), "sketch", 64), data, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    folder = hashes_of(tmp_path, photo(TEST[2]))
    monkeypatch.setattr(learned_faces, "__defaults__", (folder,))
    rows, dropped = scored_rows(data, pack)
    assert [pack.ids[row] for row in rows] == [id for id in TEST if id != TEST[2]]
    assert [(face.id, face.reason) for face in dropped] == [
        (TEST[2], "a shipped parser learned from this face")
    ]


def test_a_missing_list_is_one_line(tables: Path, tmp_path: Path):
    with pytest.raises(SketchFaceError, match=r"learned_from\.json: missing or damaged"):
        learned_faces(tables, set(TEST), tmp_path)
