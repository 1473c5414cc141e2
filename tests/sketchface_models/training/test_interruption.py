"""Ctrl-C saves the step that runs, says where training stands, and is gone on from."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from test_processes import ENVIRONMENT, Program
from test_resume import Workspace
from tiny_systems import tiny_config

from sketchface_models.errors import INTERRUPTED_STATUS, Interrupted
from sketchface_models.training.log import Lines, Observer


def press(step: int, times: int = 1) -> Observer:
    """Ctrl-C, so many times, when the lines of a step are out."""
    left = [times]

    def observe(lines: Lines) -> None:
        if lines[-1][0] >= step:
            for _ in range(left.pop() if left else 0):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.001)  # the handler runs

    return observe


@pytest.fixture
def workspace(tmp_path: Path, pack: Path) -> Workspace:
    return Workspace(tmp_path, pack)


def test_the_step_that_runs_is_saved_and_gone_on_from(
    tmp_path: Path, pack: Path, workspace: Workspace, capsys: pytest.CaptureFixture[str]
):
    straight = Workspace(tmp_path / "straight", pack)
    straight.train()
    capsys.readouterr()
    # Lines are out at checkpoints, every third step: the fourth step is the next to end.
    with pytest.raises(Interrupted) as interruption:
        workspace.train(press(2))
    assert str(interruption.value) == (
        "train tiny, seed 0: stopped after step 4 of 12; the checkpoint of step 4 is kept, "
        "and the same command goes on from there"
    )
    assert not workspace.out.exists()
    assert "goes on" not in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    workspace.train()
    assert "train tiny, seed 0: goes on from step 4 of 12\n" in capsys.readouterr().err
    assert workspace.resumed_at() == 4
    assert workspace.weights() == straight.weights()
    assert workspace.steps() == straight.steps()


def test_a_second_press_stops_at_once_at_the_last_checkpoint(workspace: Workspace):
    with pytest.raises(Interrupted, match=r"after step 6 of 12; the checkpoint of step 3 is kept"):
        workspace.train(press(5, times=2))
    workspace.train()
    assert workspace.resumed_at() == 3


def test_a_second_press_before_the_first_checkpoint_says_so(workspace: Workspace):
    with pytest.raises(Interrupted, match=r"step 3 of 12, before its first checkpoint; the same"):
        workspace.train(press(2, times=2))
    workspace.train()
    assert workspace.resumed_at() == 0


def test_nothing_is_lost_by_a_press_at_the_last_step(workspace: Workspace):
    workspace.train(press(11))
    assert workspace.out.exists()


def test_who_has_a_handler_of_their_own_keeps_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
):
    presses = []
    before = signal.signal(signal.SIGINT, lambda *_: presses.append(1))
    try:
        workspace.train(press(2))
    finally:
        signal.signal(signal.SIGINT, before)
    assert presses
    assert workspace.out.exists()


def test_the_command_ends_in_one_line_and_status_130(tmp_path: Path, pack: Path):
    program = Program(tmp_path / "p", pack, tiny_config("tiny", checkpoint_every=2))
    done = program.run("interrupt", "3")
    assert done.returncode == INTERRUPTED_STATUS
    assert done.stderr.splitlines() == [
        "train tiny, seed 0: stopped after step 5 of 12; the checkpoint of step 5 is kept, and "
        "the same command goes on from there"
    ]


@pytest.mark.slow
def test_several_processes_stop_together(tmp_path: Path, pack: Path):
    """Ctrl-C on a terminal reaches all processes of the command."""
    config = tiny_config("tiny", devices=2, checkpoint_every=10)
    config["model"]["schedule"]["steps"] = 4000
    program = Program(tmp_path / "p", pack, config)
    running = subprocess.Popen(
        [sys.executable, *program.arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    while not list((program.folder / "store").glob("*/state.safetensors")):
        assert running.poll() is None
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    _, stderr = running.communicate(timeout=600)
    assert running.returncode == INTERRUPTED_STATUS
    (line,) = stderr.splitlines()
    assert "the same command goes on from there" in line
    state = next((program.folder / "store").rglob("state.safetensors"))
    assert torch.is_tensor(next(iter(load(state).values())))


def load(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(path)
