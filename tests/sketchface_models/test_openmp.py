"""Trainings say how threads wait before torch is loaded, unless the environment does."""

import os
import subprocess
import sys

import pytest

from sketchface_models.openmp import POLICY, SPINS

ENTRIES = {
    "pipeline.train": "import pipeline.train",
    "sketchface_models.train": "from sketchface_models.openmp import keep_threads_awake as keep\n"
    "import sketchface_models.train\nkeep()",
}


def environment_after(code: str, **environment: str) -> list[str]:
    plain = {key: value for key, value in os.environ.items() if key not in (POLICY, SPINS)}
    report = "import os, sys\nprint('torch' in sys.modules)\n"
    report += f"print(os.environ.get('{POLICY}'), os.environ.get('{SPINS}'))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"],
        env=plain | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[:2]


@pytest.mark.parametrize("entry", ENTRIES)
def test_threads_of_trainings_wait_awake_and_torch_is_not_loaded_before(entry: str) -> None:
    assert environment_after(ENTRIES[entry]) == ["False", "ACTIVE 300000"]


def test_the_environment_has_its_way() -> None:
    code = ENTRIES["pipeline.train"]
    assert environment_after(code, **{POLICY: "PASSIVE"})[1] == "PASSIVE None"
    assert environment_after(code, **{SPINS: "7"})[1] == "None 7"
