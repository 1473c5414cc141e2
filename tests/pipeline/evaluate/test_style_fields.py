"""Styles from the index of faces to packs, sheets and the check before any work."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from made_tables import IDS, SIZE, STYLE, TEST, TRAIN, write_tables

from pipeline.check.check import check_parameters, lacking
from pipeline.common.parameters import Parameters
from pipeline.compose import compose
from pipeline.evaluate.image_scores import sample_sheet
from pipeline.pack.pack import write_pack
from sketchface.contact_sheet import write_contact_sheet
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.pack_reader import Pack

STYLED = Task(("photo", "depth", "style"), "sketch", SIZE)


def without_style(data: Path, *ids: str) -> Path:
    """The index says nothing of the style of these faces."""
    path = data / "faces" / "index.parquet"
    table = pq.read_table(path)
    styles = [None if id in ids else STYLE[id] for id in table["id"].to_pylist()]
    place = table.schema.get_field_index("style")
    pq.write_table(table.set_column(place, "style", [styles]), path)
    return data


def test_a_pack_has_the_styles_but_no_picture_of_them(tables: Path, tmp_path: Path):
    write_pack("styled", STYLED, tables, tmp_path / "pack")
    assert {path.name for path in (tmp_path / "pack").iterdir()} == {
        "pack.json",
        "photo.npy",
        "depth.npy",
        "sketch.npy",
    }
    pack = Pack(tmp_path / "pack")
    assert pack.channels == {"photo": 3, "depth": 1, "style": 3, "sketch": 1}
    for row, id in enumerate(pack.ids):
        expected = [255 * (plane == STYLE[id] - 1) for plane in range(3)]
        assert pack.read(np.array([row]))["style"][0].tolist() == expected


def test_a_style_changes_no_byte_of_the_pictures(tables: Path, tmp_path: Path):
    write_pack("styled", STYLED, tables, tmp_path / "styled")
    write_pack("plain", Task(("photo", "depth"), "sketch", SIZE), tables, tmp_path / "plain")
    for name in ("photo", "depth", "sketch"):
        files = (tmp_path / each / f"{name}.npy" for each in ("styled", "plain"))
        assert len({file.read_bytes() for file in files}) == 1
    plain = json.loads((tmp_path / "plain/pack.json").read_text())
    assert plain["fields"] == {"photo": 3, "depth": 1, "sketch": 1}


def test_there_are_as_many_styles_as_the_largest_label_says(tmp_path: Path):
    """Also where faces of some label are all gone."""
    data = without_style(write_tables(tmp_path / "data"), *(id for id in IDS if STYLE[id] != 2))
    write_pack("styled", STYLED, data, tmp_path / "pack")
    pack = Pack(tmp_path / "pack")
    assert pack.channels["style"] == 2
    assert set(pack.styles) == {2}


def test_a_face_without_style_is_named_and_takes_no_row(tmp_path: Path):
    data = without_style(write_tables(tmp_path / "data", {"depth": [TEST[0]]}), TEST[0], TRAIN[0])
    write_pack("styled", STYLED, data, tmp_path / "pack")
    assert Pack(tmp_path / "pack").ids == sorted(set(IDS) - {TEST[0], TRAIN[0]})
    missing = json.loads((tmp_path / "pack/pack.json").read_text())["missing"]
    assert {face["id"]: face["lacks"] for face in missing} == {
        TEST[0]: ["depth", "style"],
        TRAIN[0]: ["style"],
    }
    write_pack("plain", Task(("photo",), "sketch", SIZE), data, tmp_path / "plain")
    assert TRAIN[0] in Pack(tmp_path / "plain").ids


def test_a_style_is_nothing_to_draw(tables: Path, tmp_path: Path):
    with pytest.raises(SketchFaceError, match=r"^systems\.bad\.task: style; allowed: one of photo"):
        write_pack("bad", Task(("photo",), "style", SIZE), tables, tmp_path / "pack")


def test_sheets_show_no_picture_of_a_style_but_name_it(tables: Path, tmp_path: Path):
    write_pack("styled", STYLED, tables, tmp_path / "styled")
    write_pack("plain", Task(("photo", "depth"), "sketch", SIZE), tables, tmp_path / "plain")
    sheets = []
    for name in ("styled", "plain"):
        pack = Pack(tmp_path / name)
        rows = pack.rows("test")[:4]
        targets = pack.read(rows, ["sketch"])["sketch"]
        sheets.append(sample_sheet(pack, rows, torch.zeros_like(targets), targets))
    assert np.array_equal(*sheets)


def test_peek_shows_the_pictures_of_a_pack_with_styles(tables: Path, tmp_path: Path):
    write_pack("styled", STYLED, tables, tmp_path / "pack")
    line = write_contact_sheet(tmp_path / "pack", 3, tmp_path / "sheet.png")
    assert line.endswith("(depth, photo, sketch)")


def test_a_run_with_a_style_lacks_it_where_the_data_have_none():
    assert lacking(STYLED, [{"photo", "sketch"}]) == ["style"]
    assert lacking(STYLED, [{"photo", "sketch", "style"}]) == []


@pytest.mark.parametrize("data", ["synthetic", "fs2k", "cufs"])
def test_runs_with_a_style_need_data_with_styles(tmp_path: Path, data: str):
    compose([f"data={data}", "scale=smoke", "model=hida"], tmp_path / "params.yaml")
    params = Parameters.from_file(tmp_path / "params.yaml")
    params._values["systems"]["hida"]["task"]["inputs"] = ["photo", "depth", "style"]
    if data != "cufs":
        assert "style" in check_parameters(params)
        return
    with pytest.raises(SketchFaceError) as caught:
        check_parameters(params)
    assert str(caught.value).startswith(
        "data cufs cannot feed every run: hida needs style; it can feed: pix2pix, "
    )
    assert "\n" not in str(caught.value)
