"""A training process that is killed again and again ends as one that was left alone."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_processes import ENVIRONMENT, Program
from tiny_systems import tiny_config

KILLER = """
import os, random, signal, sys, threading, time
from sketchface_models import atomic
from sketchface_models.training import checkpoint, log, trainer
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


@pytest.mark.parametrize(("kills", "seed"), [(2, 0), pytest.param(10, 1, marks=pytest.mark.slow)])
def test_kills_at_random_points_of_the_program(tmp_path: Path, pack: Path, kills: int, seed: int):
    config = tiny_config("pool", checkpoint_every=3)
    config["model"]["schedule"]["steps"] = 18
    straight = Program(tmp_path / "straight", pack, config).here()
    program = Program(tmp_path / "killed", pack, config)
    killer = tmp_path / "killer.py"
    killer.write_text(KILLER)
    died = 0
    for turn in range(kills):
        command = [sys.executable, str(killer), str(1000 * seed + turn), *program.arguments[1:]]
        done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        died += 1
    if not (program.out / "logs").exists():
        program.finished()
    assert died
    assert program.bytes() == straight.bytes()
    assert program.lines() == straight.lines()


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path: Path, pack: Path):
    config = tiny_config("pool", checkpoint_every=3)
    config["model"]["schedule"]["steps"] = 120
    straight = Program(tmp_path / "straight", pack, config)
    began = time.monotonic()
    straight.finished()
    whole = time.monotonic() - began
    program = Program(tmp_path / "killed", pack, config)
    draw, survived = random.Random(5), 0
    while survived < 10:
        running = subprocess.Popen(
            [sys.executable, *program.arguments], stderr=subprocess.DEVNULL, env=ENVIRONMENT
        )
        # Loading torch takes most of the time.
        time.sleep(draw.uniform(0.5, 1.0) * whole)
        running.send_signal(signal.SIGKILL)
        if running.wait() == 0:
            break
        survived += 1
    if not program.out.exists():
        program.finished()
    assert survived
    assert program.bytes() == straight.bytes()
    assert program.lines() == straight.lines()
