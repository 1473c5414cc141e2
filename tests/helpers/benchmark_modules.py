"""The modules of benchmarks/, which import each other by name."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

import sketchface_models

ROOT = Path(sketchface_models.__file__).resolve().parents[1]
BENCHMARKS = ROOT / "benchmarks"


@contextmanager
def benchmark_modules(*names: str) -> Iterator[list[ModuleType]]:
    """Import modules by their names; within the block they find each other."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield [import_module(name) for name in names]
    finally:
        sys.path.remove(str(BENCHMARKS))
