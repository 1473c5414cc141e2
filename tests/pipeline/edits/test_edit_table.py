"""The table of edit sets: what is in it, that it is the edit sets, and when it is empty."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.common import edit_table
from pipeline.common.edit_table import ABOUT_FILE, COLUMNS, FIELDS, SCHEMA
from pipeline.common.images import decode
from pipeline.common.shards import iter_rows, read_quarantine
from pipeline.edits.edits import PARTS, EditSettings, write_edits
from synthetic_faces.edits import GROUPS, edit_set

SIZE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("stage") / "edits"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DVC_ROOT", str(out.parent))
        patch.setenv("SKETCHFACE_JOBS", "1")
        write_edits("synthetic", SIZE, 3, out, EditSettings(2, 2))
    return out


def test_each_base_face_has_every_variant_of_every_group(folder: Path):
    rows = list(iter_rows(folder))
    keys = {(row["face"], row["group"], row["variant"]) for row in rows}
    faces = {row["face"] for row in rows}
    assert keys == {(face, group, v) for face in faces for group in GROUPS for v in (0, 1)}
    assert len(rows) == len(keys)
    assert len(faces) == 2
    assert read_quarantine(folder) == []


def test_a_row_is_the_edit_set_of_its_key(folder: Path):
    row = next(row for row in iter_rows(folder) if row["group"] == "G8" and row["variant"] == 1)
    edit = edit_set("G8", 3, row["face"], SIZE, 1)
    pictures = {key: decode(cell["bytes"]) for key, cell in row.items() if isinstance(cell, dict)}
    assert row["id"] == f"{row['face']}/G8/01"
    for side, picture in (("before", edit.before), ("after", edit.after)):
        np.testing.assert_array_equal(pictures[f"contour_{side}"], picture.lines)
        np.testing.assert_array_equal(pictures[f"photo_{side}"], picture.photo)
        np.testing.assert_array_equal(pictures[f"parsing_{side}"], picture.labels)
    np.testing.assert_array_equal(pictures["mask"] == 255, edit.mask)
    assert set(np.unique(pictures["mask"])) == {0, 255}
    assert row["corner"] == list(edit.corner)
    assert row["kind"] == edit.kind == ""


def test_columns_are_described_and_the_file_beside_says_how_many_there_are(folder: Path):
    assert list(COLUMNS) == SCHEMA.names
    assert tuple(PARTS) == FIELDS
    assert {name: group.title for name, group in GROUPS.items()} == edit_table.GROUPS
    about = json.loads((folder / ABOUT_FILE).read_text())
    assert about == {"size": SIZE, "seed": 3, "faces": 2, "variants": 2, "groups": list(GROUPS)}


@pytest.mark.parametrize(
    ("name", "asked", "reason"),
    [
        ("fs2k", True, "fs2k has no photos of edited drawings"),
        (
            "synthetic",
            False,
            "none of the chosen runs makes photos of contours or parsing maps alone",
        ),
    ],
)
def test_nothing_to_ask_has_no_rows_and_a_reason(
    tmp_path: Path, name: str, asked: bool, reason: str
):
    write_edits(name, SIZE, 0, tmp_path / "edits", EditSettings(2, 2), asked)
    assert list(iter_rows(tmp_path / "edits")) == []
    note = json.loads((tmp_path / "edits" / ABOUT_FILE).read_text())["note"]
    assert note.startswith(reason)
