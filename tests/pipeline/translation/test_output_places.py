"""Where results go, and that they are never read again."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.translation.output import Output, list_pictures
from sketchface_models.errors import SketchFaceError


def test_what_lies_below_the_results_folder_is_never_read(tmp_path: Path):
    for name in ("anna.png", "sub/ben.png", "sketches/anna.png", "sketches/sub/ben.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    photos = [tmp_path / "anna.png", tmp_path / "sub/ben.png"]
    assert list_pictures([tmp_path], tmp_path / "sketches") == (photos, [])
    assert len(list_pictures([tmp_path], tmp_path)[0]) == 4  # the folder itself hides nothing
    assert len(list_pictures([tmp_path], tmp_path / "elsewhere")[0]) == 4


@pytest.mark.parametrize("ending", [".svg", ".pdf", ".SVG", ".heic", ".psd"])
def test_files_of_other_formats_are_refused(tmp_path: Path, ending: str):
    with pytest.raises(SketchFaceError, match=r"results are PNG; give -o a folder or a \.png file"):
        Output(tmp_path / f"out{ending}", [])
