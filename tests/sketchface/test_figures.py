"""`sketchface figures`: two pictures of a face, or one line that says what is wrong."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_generators import make_weights
from PIL import Image
from skimage import data

from sketchface.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "someone.png"
    Image.fromarray(data.astronaut()).save(path)
    return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sketchface", "figures", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


def test_the_command_writes_both_figures(tmp_path: Path, photo: Path, run: Run) -> None:
    weights = make_weights(tmp_path / "w")  # of three styles two were trained
    status, said, _ = run(photo, "-o", "f", "--weights", weights, "--style", "2", "--layer", "4")
    assert (status, said) == (0, "f/someone-maps.png\nf/someone-styles.png\n")
    first = {path.name: path.read_bytes() for path in (tmp_path / "f").iterdir()}
    assert Image.open(io.BytesIO(first["someone-styles.png"])).size == (960, 220)  # a row of five
    assert run(photo, "-o", "g", "--weights", weights, "--style", "2", "--layer", "4")[0] == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "g").iterdir()} == first


def test_what_it_cannot_show_is_refused_in_one_line(tmp_path: Path, photo: Path, run: Run) -> None:
    weights = make_weights(tmp_path / "w")
    Image.new("RGB", (300, 200), "white").save(tmp_path / "nobody.png")
    (tmp_path / "file").write_text("")
    for arguments, words in (
        ((photo, "-o", "f", "--weights", weights, "--layer", "7"), "layer 7: allowed: 0 to 4"),
        ((photo, "-o", "f", "--weights", weights, "--style", "9"), "style '9'; allowed"),
        (("nobody.png", "-o", "f", "--weights", weights), "nobody.png: no face found"),
        (("gone.png", "-o", "f", "--weights", weights), "gone.png: No such file"),
        ((photo, "-o", "file", "--weights", weights), "file: a file; give -o a folder"),
    ):
        status, _, wrong = run(*arguments)
        assert (status, len(wrong.splitlines())) == (1, 1)
        assert words in wrong
    assert not (tmp_path / "f").exists()
