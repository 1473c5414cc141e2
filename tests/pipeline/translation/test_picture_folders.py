"""Which pictures folders hold, what is passed over in them, and that it is named."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.translation.output import Output
from pipeline.translation.picture_folders import list_pictures


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def photos(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(name, format="PNG")


def results(*names: str) -> None:
    for name in names:
        Output(Path(name).parent, []).write(Path(name), np.zeros((4, 4), np.uint8), Path("photo"))


def listed(*paths: str, out: str | None = None) -> list[str]:
    return as_text(list_pictures([*map(Path, paths)], None if out is None else Path(out)).pictures)


def as_text(paths: Sequence[Path]) -> list[str]:
    return [path.as_posix() for path in paths]


def notes(*paths: str, out: str | None = None) -> list[str]:
    return list_pictures([*map(Path, paths)], None if out is None else Path(out)).notes


def test_each_picture_knows_where_below_its_folder_it_lies(here: Path):
    photos("p/anna/01.png", "p/ben/01.png", "p/ben/deeper/02.png", "p/03.png", "alone.png")
    listing = list_pictures([Path("p"), Path("alone.png"), Path("p/ben/01.png")])
    assert [(path.as_posix(), folder.as_posix()) for path, folder in listing.folders.items()] == [
        ("p/03.png", "."),
        ("p/anna/01.png", "anna"),
        ("p/ben/01.png", "ben"),
        ("p/ben/deeper/02.png", "ben/deeper"),
        ("alone.png", "."),
    ]
    assert (listing.faults, listing.notes) == ([], [])


def test_what_lies_in_a_folder_of_results_inside_is_never_read(here: Path):
    photos("p/anna.png", "p/sub/ben.png", "p/sketches/anna.png", "p/sketches/sub/ben.png")
    assert listed("p", out="p/sketches") == ["p/anna.png", "p/sub/ben.png"]
    assert notes("p", out="p/sketches") == ["p: passed over: the folder of results (sketches)"]
    assert len(listed("p", out="p")) == 4  # unmarked, so they are photos
    assert len(listed("p", out="elsewhere")) == 4


def test_results_beside_photos_are_told_from_them(here: Path):
    photos("p/anna.jpg", "p/sub/ben.jpg")
    results("p/anna.png", "p/sub/ben.png")
    for out in ("p", ".", "p/one.png", "elsewhere"):
        assert listed("p", out=out) == ["p/anna.jpg", "p/sub/ben.jpg"]
        line = "p: passed over: 2 results of earlier runs (anna.png, sub/ben.png)"
        assert notes("p", out=out) == [line]


def test_results_named_as_a_shell_names_them_are_not_drawn_again(here: Path):
    photos("p/anna.jpg")
    results("p/anna.png")
    assert listed("p/anna.jpg", "p/anna.png", out="p") == ["p/anna.jpg"]
    assert notes("p/anna.jpg", "p/anna.png", out="p") == [
        "p/anna.png: passed over: result of an earlier run"
    ]
    assert listed("p/anna.jpg", "p/anna.png", out="q") == ["p/anna.jpg", "p/anna.png"]


def test_a_folder_of_results_alone_can_be_read(here: Path):
    """Sketches of one run are the input of another, from sketch to photo."""
    results("sketches/anna.png")
    assert listed("sketches", out="photos") == ["sketches/anna.png"]
    listing = list_pictures([Path("sketches")], Path("sketches"))
    assert listing.pictures == []
    assert listing.faults == ["sketches: nothing but results of earlier runs; give pictures"]


def test_what_is_no_picture_is_counted_and_named(here: Path):
    photos("p/a.png", "p/.hidden.png", "p/.cache/b.png", "p/scan.ppm")
    for name in ("p/a.mp4", "p/b.dng", *(f"p/sub/{n}.txt" for n in range(6)), "p/.DS_Store"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    assert listed("p") == ["p/a.png", "p/scan.ppm"]
    [line] = notes("p")
    assert line == (
        "p: passed over: 2 hidden (.cache, .hidden.png); 8 no pictures by their endings (a.mp4, "
        "b.dng, sub/0.txt, sub/1.txt, sub/2.txt and 3 more)"
    )
    Path("empty").mkdir()
    assert list_pictures([Path("empty")]).faults == [
        "empty: no picture in this folder; give pictures, or a folder of some"
    ]


def test_links_are_followed_once_and_dead_ones_are_not_lost(here: Path):
    photos("p/a.png", "elsewhere/b.png")
    Path("p/more").symlink_to("../elsewhere")
    Path("p/more/round").symlink_to("../p")
    Path("p/gone.png").symlink_to("nowhere.png")
    Path("p/same.png").symlink_to("a.png")
    os.mkfifo("p/pipe.png")
    assert listed("p") == ["p/a.png", "p/gone.png", "p/more/b.png", "p/pipe.png", "p/same.png"]
