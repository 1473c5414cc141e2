"""Where results go, and that they are never read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.translation.output import Output, is_result
from sketchface_models.errors import SketchFaceError

GREY = np.zeros((4, 4), np.uint8)


def test_a_result_lies_where_its_picture_lies(tmp_path: Path):
    first, second = Path("photos/anna/01.png"), Path("photos/ben/01.png")
    folders = {first: Path("anna"), second: Path("ben")}
    output = Output(tmp_path / "out", [first, second], {second: "face"}, folders)
    assert output.path(first, ["2", "style1"]) == tmp_path / "out/anna/01-2-style1.png"
    assert output.path(second, []) == tmp_path / "out/ben/face.png"
    one = Output(tmp_path / "one.png", [first], folders=folders)
    assert one.path(first, ["sheet"]) == tmp_path / "one-sheet.png"


def test_results_are_told_from_other_pictures(tmp_path: Path):
    output = Output(tmp_path, [])
    output.write(tmp_path / "result.png", GREY, Path("photo.jpg"))
    Image.fromarray(GREY).save(tmp_path / "photo.png")
    (tmp_path / "short.png").write_bytes(b"\x89PNG")
    assert is_result(tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as picture:
        picture.verify()  # checksums
        assert picture.info["Software"] == "sketchface translate"
    for name in ("photo.png", "short.png", "nowhere.png"):
        assert not is_result(tmp_path / name)


@pytest.mark.parametrize("ending", [".svg", ".pdf", ".SVG", ".heic", ".psd"])
def test_files_of_other_formats_are_refused(tmp_path: Path, ending: str):
    with pytest.raises(SketchFaceError, match=r"results are PNG; give -o a folder or a \.png file"):
        Output(tmp_path / f"out{ending}", [])
