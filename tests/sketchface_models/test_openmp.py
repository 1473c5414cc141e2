"""Trainings say how threads wait before torch is loaded, unless the environment does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sketchface_models.openmp import POLICY, SPINS

ROOT = Path(__file__).resolve().parents[2]

START = """
import os, runpy, sys
class Watch:
    def find_spec(self, name, *_):
        if name == "torch":
            print(os.environ.get("{policy}"), os.environ.get("{spins}"), flush=True)
            os._exit(0)
sys.meta_path.insert(0, Watch())
sys.argv = ["{entry}", *{arguments}]
runpy.run_module("{entry}", run_name="__main__")
"""
"""Starts a command, prints how threads are to wait when it begins to load torch, and ends it."""


ARGUMENTS = {"pipeline.train": ["pix2pix", "0"]}
"""Of commands that load torch after they have read theirs."""


def waits(entry: str, **environment: str) -> str:
    plain = {key: value for key, value in os.environ.items() if key not in (POLICY, SPINS)}
    arguments = ARGUMENTS.get(entry, ["--help"])
    code = START.format(entry=entry, arguments=arguments, policy=POLICY, spins=SPINS)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=plain | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("entry", ["pipeline.train", "sketchface_models.train"])
def test_threads_of_trainings_wait_awake_by_the_time_torch_is_loaded(entry: str) -> None:
    assert waits(entry) == "ACTIVE 300000"


def test_the_environment_has_its_way() -> None:
    assert waits("pipeline.train", **{POLICY: "PASSIVE"}) == "PASSIVE None"
    assert waits("pipeline.train", **{SPINS: "7"}) == "None 7"


def test_other_commands_leave_the_waiting_alone() -> None:
    assert waits("pipeline.evaluate") == "None None"
