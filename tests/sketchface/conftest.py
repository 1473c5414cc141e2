"""Folders of pictures that several tests score, and `sketchface translate` as they run it."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from score_command import grey

from sketchface.cli import main


@pytest.fixture
def translate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command as a user does: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sketchface", "translate", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return run


@pytest.fixture
def folders(tmp_path):
    """Three references; results of the same names, one picture identical, other endings."""
    reference, generated = tmp_path / "reference", tmp_path / "generated"
    reference.mkdir()
    generated.mkdir()
    for i in range(3):
        Image.fromarray(grey(i)).save(reference / f"face{i}.png")
    Image.fromarray(grey(0)).save(generated / "face0.bmp")
    Image.fromarray(grey(11)).save(generated / "face1.tif")
    Image.fromarray(grey(12)).save(generated / "face2.PNG")
    return reference, generated
