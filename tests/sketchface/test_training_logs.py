"""`sketchface log` and `sketchface watch` on a training that waits, runs and has ended."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_packs import make_config, write_pack

from sketchface import training_logs
from sketchface.cli import main
from sketchface.training_logs import find_log
from sketchface.training_watch import status, watch_training
from sketchface_models.errors import Interrupted
from sketchface_models.training import outputs, speed_log
from sketchface_models.training.log import Lines
from sketchface_models.training.run import train

Command = Callable[..., tuple[int, str, str]]
OUT = Path("data/train/tiny/0")


ROOT = Path(training_logs.__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `tiny`, seed 0, has ended and seed 1 was interrupted after step 7 of 12."""
    folder = tmp_path_factory.mktemp("project")
    pack = write_pack(folder / "data/pack/tiny")

    def press(lines: Lines) -> None:
        if lines[-1][0] == 5:
            os.kill(os.getpid(), 2)

    train(make_config(), pack, folder / OUT, folder / ".cache/resume")
    with pytest.raises(Interrupted):
        train(
            make_config(seed=1),
            pack,
            folder / "data/train/tiny/1",
            folder / ".cache/resume",
            (press,),
        )
    return folder


@pytest.fixture
def sketchface(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run a command in the project as a user does: exit status, stdout, stderr."""
    monkeypatch.chdir(project)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sketchface", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return run


def test_every_step_is_exported(sketchface: Command):
    code, out, _ = sketchface("log", "tiny", "--seed", 0, "--csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    steps = [json.loads(line) for line in (OUT / "logs/steps.jsonl").open()]
    assert len(rows) == len(steps) == 12
    for row, step in zip(rows, steps, strict=True):
        counted = {**step, "step": step["step"] + 1}
        assert {name: float(value) for name, value in row.items() if value} == counted
    table = sketchface("log", "tiny", "--seed", 0)[1].splitlines()[3:]
    assert [row["step"] for row in rows] == [line.split()[0] for line in table]
    assert sketchface("log", OUT, "-o", "losses.csv")[0] == 0
    assert Path("losses.csv").read_text() == out
    code, partial, _ = sketchface("log", "tiny", "--csv", "--seed", 1)
    assert (code, len(partial.splitlines())) == (0, 1 + 7)


def test_the_table_shows_losses_alone(sketchface: Command):
    code, out, _ = sketchface("log", "tiny", "--seed", 0)
    assert code == 0
    head = out.splitlines()[2].split()
    assert {"step", "l1", "generator", "discriminator"} <= set(head)
    assert not [name for name in head if name.startswith(("lr_", "grad_", "val_"))]
    assert len(out.splitlines()) == 3 + 12


def test_watch_shows_where_an_unfinished_training_stands(sketchface: Command):
    code, out, _ = sketchface("watch", "tiny", "--seed", 1, "--once")
    assert code == 0
    assert out.startswith("tiny, seed 1: step 7 of 12 (58%), written ")
    lines = {line.strip().partition(":")[0]: line for line in out.splitlines()}
    assert "l1 0." in lines["losses"]
    assert "val_l1 0." in lines["validation at step 5"]
    assert "lr_generator" in lines["learning rates"]
    assert lines["speed"].endswith(" left")
    sheet = Path(lines["newest sheet"].split()[-1])
    assert sheet.name == "step-0000005.png"
    assert sheet.exists()
    # Of several trainings, the one that was written last.
    assert sketchface("watch", "--once")[1].startswith("tiny, seed 1")


def test_watch_ends_with_the_training(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(project)
    pack = project / "data/pack/tiny"
    shown: list[str] = []
    store = Path(".cache/resume")

    def look(lines: Lines) -> None:
        shown.append(status(find_log("tiny", 2)))

    train(make_config(seed=2), pack, Path("data/train/tiny/2"), store, (look,))
    assert shown[0].startswith("tiny, seed 2: step 3 of 12 (25%)")
    shown.clear()
    watch_training("tiny", 2, 0.1, shown.append)
    assert len(shown) == 1
    assert shown[0].startswith("tiny, seed 2: step 12 of 12 (100%), finished\n")


def test_a_line_that_is_being_written_is_left_out(sketchface: Command):
    steps = find_log("tiny", 1).folder / "steps.jsonl"
    text = steps.read_text()
    try:
        steps.write_text(text + '{"step": 7, "l')
        assert ": step 7 of 12" in sketchface("watch", "tiny", "--seed", 1, "--once")[1]
        steps.write_text("nonsense\n" + text)
        code, out, err = sketchface("log", "tiny", "--seed", 1)
        assert (code, out) == (1, "")
        assert err == f"error: {steps}:1: damaged; train this run again\n"
    finally:
        steps.write_text(text)


@pytest.mark.parametrize("command", ["log", "watch"])
def test_who_is_not_there_is_answered_with_those_who_are(sketchface: Command, command: str):
    code, out, err = sketchface(command, "hida", *(["--once"] if command == "watch" else []))
    assert (code, out) == (1, "")
    assert err.startswith("error: hida: no training here has this name (tiny, seed 0; tiny, seed 1")
    assert err.count("\n") == 1


def test_names_of_files_and_terms_are_those_of_training():
    for name in ("STEPS_FILE", "SPEED_FILE", "ABOUT_FILE", "SAMPLES_FOLDER"):
        assert getattr(training_logs, name) == getattr(outputs, name)
    assert (training_logs.SPEED, training_logs.HIDDEN) == (speed_log.SPEED, speed_log.HIDDEN)


@pytest.mark.parametrize("command", ["watch", "log"])
def test_looking_at_a_log_imports_nothing_slow(tmp_path: Path, command: str):
    code = f"""
import sys
sys.argv = ["sketchface", "{command}", "nobody"]
from sketchface.cli import main
try:
    main()
finally:
    print(sorted({{"torch", "lightning_fabric", "numpy", "dvc"}} & sys.modules.keys()))
"""
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (result.stdout, result.returncode) == ("[]\n", 1), result.stderr
    assert result.stderr.startswith("error: nobody: no training here has this name")
