"""README's commands as written, from top to bottom, in a project that has run at smoke scale.

What takes minutes is not run: `NOT_RUN` says of each such command why, or what is tested in its
place. Of experiments the settings are composed.
"""

import shlex
from itertools import pairwise, product
from pathlib import Path

import pytest
from clone_project import Project
from mini_data import FACE, save
from readme_commands import every_command
from skimage.data import astronaut

from pipeline.common.parameters import Parameters
from pipeline.compose import compose
from synthetic_faces import STYLES, render

NOT_RUN = {
    "git clone ": "names no repository; the fixture `project` is a fresh copy",
    "make repro": "trains for minutes; test_repro.py runs the same pipeline at smoke scale",
    "make test": "these are the tests",
    "dvc exp run ": "trains for minutes; its settings are composed below, test_repro.py runs some",
    "dvc queue start": "trains what was queued, for minutes",
    "dvc exp apply NAME": "names no experiment; test_way_back.py",
    "git restore ": "test_way_back.py",
    "rm dvc.lock ": "test_way_back.py",
    "sketchface compare ": "names no experiments; tests/sketchface/test_compare.py",
    "dask ": "runs until it is stopped; tests/pipeline/common/test_cluster.py",
    "sketchface translate drawing.jpg ": "needs a pix2pixhd; test_translate_drawings.py",
    "sketchface translate map.png ": "needs a spade; tests/sketchface/test_translate_maps.py",
    "sketchface translate doodle.png ": "needs a sketch2face; test_translate_doodles.py",
    "sketchface validate path/to/FS2K": "FS2K comes from its authors; test_validate.py",
}
"""Beginnings of commands, and why they are not run here."""


def why_not_run(command: str) -> str | None:
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), None)


RUN = list(dict.fromkeys(each for each in every_command() if not why_not_run(each)))
EXPERIMENTS = list(dict.fromkeys(e for e in every_command() if e.startswith("dvc exp run ")))


@pytest.fixture(scope="module")
def reader(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished project, committed, with the files that README's reader has."""
    copy = project.copy(tmp_path_factory.mktemp("reader") / "project")
    root = copy.root
    copy.run("git", "add", "-A")
    copy.run("git", "commit", "-q", "-m", "Run here", check=False)
    # Photos.
    save(root / "me.jpg", astronaut())
    save(root / "photos/me.jpg", astronaut())
    # Folders of pictures that some code made, with and without a suffix.
    for folder, suffix in (
        ("real", ""),
        ("generated", ""),
        ("mine", "_fake_B"),
        ("theirs", "_fake_B"),
    ):
        for number in range(3):
            shade = FACE[: 200 + number, : 200 + number]
            save(root / folder / f"{number}{suffix}.png", shade)
    # A data set.
    for number in range(6):
        face = render(0, number, 256)
        save(root / f"path/to/faces/photos/{number}.png", face.photo)
        save(root / f"path/to/faces/sketches/{number}.png", face.sketch(STYLES[0]))
    return copy


@pytest.mark.parametrize("command", RUN)
def test_a_command_runs_as_written(reader: Project, command: str) -> None:
    done = reader.run("bash", "-c", command, check=False, COLUMNS="200")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Traceback" not in done.stderr


def test_what_is_not_run_is_in_readme() -> None:
    for start in NOT_RUN:
        assert any(command.startswith(start) for command in every_command()), start


@pytest.mark.slow
@pytest.mark.xdist_group("experiments")
@pytest.mark.parametrize("command", EXPERIMENTS)
def test_an_experiments_settings_compose(tmp_path: Path, command: str) -> None:
    words = shlex.split(command)
    settings = [word for before, word in pairwise(words) if before == "-S"]
    assert settings
    choices = [each.partition("=") for each in settings]
    lists = [
        [f"{key}={value}" for value in (text.split(",") if key == "model" else [text])]
        for key, _, text in choices
    ]
    for number, overrides in enumerate(product(*lists)):
        path = tmp_path / f"{number}.yaml"
        compose(list(overrides), path)
        assert Parameters.from_file(path).value("run")
