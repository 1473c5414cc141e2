"""Whatever `peek`, `score` and `validate` are given, they answer in lines, with no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from skimage.data import astronaut

from pipeline.common.images import encode_png
from pipeline.datasets import ADAPTERS
from sketchface.cli import main
from sketchface_models.errors import printable

STRANGE = ["Zoë", "写真", "line\nbreak", os.fsdecode(b"caf\xe9"), "\x1b[31mred", "x" * 200, "'\"$("]
NOWHERE = [
    "",
    "nope",
    "\0",
    "x" * 5000,
    "/dev/null",
    "loop",
    "fifo.png",
    "file.txt",
    "empty",
    "\udce9",
]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command as a user runs it, in a folder with two folders of strangely named pictures."""
    monkeypatch.chdir(tmp_path)
    picture = Image.fromarray(astronaut()[0:64, 200:264])
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        for name in STRANGE:
            picture.save(folder / f"{name}.png")
        (folder / f"{STRANGE[3]}.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo.png")

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sketchface", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        said = capsys.readouterr()
        said.out.encode()  # nothing that a terminal cannot show
        assert "\x1b" not in said.out + said.err
        return status, said.out, said.err

    return command


def test_names_of_any_characters(run: Run) -> None:
    for arguments in (["peek", "a"], ["score", "a", "b", "--per-image"]):
        assert run(*arguments)[0] == 0, arguments
    status, printed, _ = run("validate", "a")
    assert status == 1  # of one photo under many names no data set can be made
    assert "caf\\udce9.png: a name that is no valid UTF-8" in printed
    _, said, _ = run("score", "a", "b", "--json", "--per-image")
    assert '"caf\\udce9"' in said
    _, said, _ = run("score", "a", "b", "--per-image")
    assert "caf\\udce9" in said
    assert "line\\nbreak" in said
    assert printable("ok é\n\x07") == "ok é\\n\\x07"


def test_folders_that_are_none(run: Run) -> None:
    for place in NOWHERE:
        for arguments in (
            ["peek", place], ["validate", place], ["score", place, "b"], ["score", "b", place],
        ):  # fmt: skip
            status, _, _ = run(*arguments)
            assert status, arguments
        for name in set(ADAPTERS) - {"synthetic"}:
            run("validate", name, "--root", place)


def test_an_empty_argument_is_not_the_current_folder(run: Run, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for arguments in (
        ["peek", ""], ["validate", "a", "--root", ""], ["translate", "", "-o", "out"],
        ["translate", "a", "-o", ""], ["figures", "", "-o", "out"], ["score", "a", ""],
    ):  # fmt: skip
        status, printed, errors = run(*arguments)
        number = arguments.index("") + 1
        expected = f"error: argument {number} is empty; is a variable of the shell unset?\n"
        assert (status, printed, errors) == (1, "", expected)
    assert sorted(tmp_path.iterdir()) == before


def test_pipes_among_the_pictures_do_not_hang(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a/zz.png")
    os.mkfifo(tmp_path / "b/zz.png")
    assert run("peek", "a")[0] == 0
    assert "not a regular file" in run("score", "a", "b")[2]
    assert "zz.png: a pipe" in run("validate", "a")[1]


@pytest.mark.parametrize(
    "out", ["", ".png", "/", "no/where.jpg", "b",  "y" * 300 + ".png", "loop/x.png",
            "fifo.png/x.png", "file.txt/x.png", "\udce9.txt"],
)  # fmt: skip
def test_sheets_that_cannot_be(out: str, run: Run) -> None:
    status, _, said = run("peek", "b", "-n", "1", "-o", out)
    assert status
    assert len(said.splitlines()) == 1


def cells(*pictures: object) -> list[dict[str, object]]:
    return [{"bytes": picture, "path": ""} for picture in pictures]


TABLES = {
    "unknown class": {"id": ["a"], "labels": cells(encode_png(np.full((8, 8), 200, np.uint8)))},
    "no picture": {"id": ["a"], "photo": cells(b"junk")},
    "text": {"id": ["a"], "photo": cells("text")},
    "number": {"id": ["a"], "photo": cells(7)},
    "odd points": {"points": [[1.0, 2.0, 3.0]]},
    "no points": {"points": ["abc"]},
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_something_else(name: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    pq.write_table(pa.table(TABLES[name]), tmp_path / "t/x.parquet")
    status, _, said = run("peek", "t")
    assert status == 1
    assert said.startswith("error: t/x.parquet: ")
    assert len(said.splitlines()) == 1


def test_points_beyond_all_bounds_are_not_drawn(run: Run, tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    points = [[1e30, 1e30], [float("inf"), 1.0], [-5.0, -5.0], [float("nan"), 2.0]]
    pq.write_table(pa.table({"points": points}), tmp_path / "t/x.parquet")
    assert run("peek", "t")[0] == 0
