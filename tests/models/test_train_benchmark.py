"""The benchmark of a training step still runs against the engine as it is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import sketchface_models

ROOT = Path(sketchface_models.__file__).resolve().parents[1]


def test_the_benchmark_prints_rates_and_overhead():
    size = ["--size", "64", "--width", "4", "--batch", "2", "--steps", "3"]
    done = subprocess.run(
        [sys.executable, "benchmarks/train_step.py", *size, "--precision", "32-true"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"^(?:bare|engine).* \d+\.\d .*%$", done.stdout, re.MULTILINE)) == 2
    assert re.search(r"^overhead, processor time: -?\d+\.\d %", done.stdout, re.MULTILINE)
