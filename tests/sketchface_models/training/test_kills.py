"""A training process that is killed again and again ends as one that was left alone."""

import itertools
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from test_processes import ENVIRONMENT, Program
from tiny_systems import tiny_config

KILLER = """
import os, random, signal, sys, threading, time
from sketchface_models import atomic
from sketchface_models import checkpoint
from sketchface_models.training import log, trainer
import train_tiny
draw = random.Random(int(sys.argv.pop(1)))
left = draw.randrange(4, 60)
def perhaps():
    global left
    left -= 1
    if left == 0: os.kill(os.getpid(), signal.SIGKILL)
def before(module, name):
    real = getattr(module, name)
    def wrapped(*a, **k):
        perhaps()
        return real(*a, **k)
    setattr(module, name, wrapped)
# Wherever a file is about to be written, synced, moved, or a step to be made.
before(atomic, "_sync"); before(checkpoint, "save_file"); before(os, "fsync"); before(os, "replace")
before(os, "rename"); before(trainer.Trainer, "learn"); before(trainer, "validation_terms")
train_tiny.main()
"""


def pool_config(steps: int) -> dict[str, Any]:
    config = tiny_config("pool", checkpoint_every=3)
    config["model"]["schedule"]["steps"] = steps
    return config


def assert_same(program: Program, straight: Program) -> None:
    assert program.bytes() == straight.bytes()
    assert program.lines() == straight.lines()
    assert not list((program.folder / "store").glob("*"))


@pytest.mark.parametrize(("kills", "seed"), [(2, 0), pytest.param(8, 1, marks=pytest.mark.slow)])
def test_kills_at_random_points_of_the_program(tmp_path: Path, pack: Path, kills: int, seed: int):
    straight = Program(tmp_path / "straight", pack, pool_config(18)).here()
    program = Program(tmp_path / "killed", pack, pool_config(18))
    killer = tmp_path / "killer.py"
    killer.write_text(KILLER)
    died = 0
    for turn in itertools.count(1000 * seed):
        command = [sys.executable, str(killer), str(turn), *program.arguments[1:]]
        done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
        if done.returncode == 0:  # it came through: once more from the start
            assert_same(program, straight)
            shutil.rmtree(program.out)
            continue
        assert done.returncode == -signal.SIGKILL, done.stderr
        died += 1
        if died == kills:
            break
    program.finished()
    assert_same(program, straight)


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path: Path, pack: Path):
    straight = Program(tmp_path / "straight", pack, pool_config(150))
    running = training(straight)
    began = time.monotonic()
    assert running.wait() == 0
    whole = time.monotonic() - began
    program = Program(tmp_path / "killed", pack, pool_config(150))
    draw, died, resumed = random.Random(5), 0, 0
    while died < 5:
        resumed += bool(list((program.folder / "store").glob("*/state.safetensors")))
        running = training(program)
        time.sleep(draw.uniform(0, 0.5) * whole)
        running.send_signal(signal.SIGKILL)
        if running.wait() == 0:
            assert_same(program, straight)
            shutil.rmtree(program.out)
        else:
            died += 1
    program.finished()
    assert_same(program, straight)
    assert resumed


def test_what_a_kill_left_of_finished_progress_is_removed_with_the_next(tmp_path: Path, pack: Path):
    program = Program(tmp_path / "program", pack, pool_config(3))
    with pytest.MonkeyPatch.context() as patch:  # killed once its folder had its last name
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)
        program.here()
    assert [each.suffix for each in (program.folder / "store").iterdir()] == [".finished"]
    shutil.rmtree(program.out)
    program.here()
    assert not list((program.folder / "store").iterdir())


def training(program: Program) -> subprocess.Popen:
    """The program, started, as soon as it trains: loading torch takes most of the time."""
    locks = program.folder / "store"
    for lock in locks.glob("*/lock"):
        lock.unlink()
    running = subprocess.Popen(
        [sys.executable, *program.arguments], stderr=subprocess.DEVNULL, env=ENVIRONMENT
    )
    while not any(locks.glob("*/lock")):
        assert running.poll() is None
        time.sleep(0.005)
    return running
