"""The parameters of a stage: typed, with a record of which of them were read.

A stage's `__main__.py` is

    def main(params: Parameters) -> None:
        settings = params.section("contours", ContourSettings)
        draw_contours(Path("data/faces"), Path("data/landmarks"), Path("data/contours"), settings)

    if __name__ == "__main__":
        run_stage("contours", main)
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from pipeline.common.parallel import ParallelSettings, parallel_as
from sketchface_models.atomic import atomic_file
from sketchface_models.config import load, violations
from sketchface_models.errors import INTERRUPTED_STATUS, SketchFaceError

T = TypeVar("T")

RUN_NAME = re.compile(r"[a-z0-9_-]+")
"""What runs may be called: their names stand in paths and in the names of stages."""


class Parameters:
    """`params.yaml`, as typed objects that record which values are read.

    `reads` collects the dotted names of the leaves that the stage's code read, whatever `dvc.yaml`
    declares; a test changes every parameter and compares the two.
    """

    def __init__(self, values: Mapping[str, Any], source: str = "params.yaml") -> None:
        self._values = values
        self._source = source
        self.reads: set[str] = set()

    @classmethod
    def from_file(cls, path: Path | str = "params.yaml") -> Parameters:
        """Read a parameters file.

        Raises:
            SketchFaceError: if it is missing or not a YAML mapping.
        """
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SketchFaceError(f"{path}: missing; `make params` composes it") from None
        except yaml.YAMLError as error:
            raise SketchFaceError(
                f"{path}: not valid YAML ({' '.join(str(error).split())})"
            ) from None
        if not isinstance(values, dict):
            raise SketchFaceError(f"{path}: not a mapping; `make params` composes it")
        return cls(values, str(path))

    def section(self, name: str, cls: type[T]) -> T:
        """Return the mapping under the dotted `name` as an instance of dataclass `cls`.

        Raises:
            SketchFaceError: listing every violation, one a line.
        """
        instance = load(cls, self._lookup(name), name)
        return _recorded(instance, name, self.reads)

    def value(self, name: str) -> Any:
        """Return the value under the dotted `name`."""
        self.reads.add(name)
        return self._lookup(name)

    def parallel(self) -> ParallelSettings:
        """Return the `parallel` section, or its defaults. No result depends on it.

        Raises:
            SketchFaceError: listing every violation, one a line.
        """
        return load(ParallelSettings, self._values.get("parallel", {}), "parallel")

    def check(self, sections: Mapping[str, type]) -> None:
        """Validate several sections together, so that all violations are listed at once.

        Raises:
            SketchFaceError: listing every violation, one a line.
        """
        problems = [
            line
            for name, cls in sections.items()
            for line in violations(cls, self._lookup(name), name)
        ]
        if problems:
            raise SketchFaceError("\n".join(problems))

    def _lookup(self, name: str) -> Any:
        value: Any = self._values
        for part in name.split("."):
            if not isinstance(value, Mapping) or part not in value:
                raise SketchFaceError(
                    f"{name}: missing in {self._source}; `make params` composes it"
                )
            value = value[part]
        return value


def run_stage(name: str, main: Callable[[Parameters], None]) -> None:
    """Run a stage as a command.

    A user's error ends in one line and status 1, Ctrl-C in one line and status 130, neither in a
    traceback.
    """
    params = None
    try:
        params = Parameters.from_file()
        with parallel_as(params.parallel()):
            main(params)
    except SketchFaceError as error:
        for line in str(error).split("\n"):
            print(f"error: {name}: {line}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:  # disk full, no permission: the message names file and reason
        print(f"error: {name}: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as interruption:
        line = str(interruption) or f"{name}: stopped; the same command goes on with what is left"
        print(line, file=sys.stderr)
        sys.exit(INTERRUPTED_STATUS)
    finally:
        folder = os.environ.get("SKETCHFACE_RECORD_READS")
        if folder and params:
            with atomic_file(Path(folder, f"{name}.json")) as path:
                path.write_text(json.dumps(sorted(params.reads)))


def _recorded(instance: T, where: str, reads: set[str]) -> T:
    """Return a copy of a dataclass instance that adds `where.field` to `reads` at each access.

    Only access by name counts. `repr`, which is part of every shard's key, does not count, nor does
    pickling for a worker process, which receives the plain instance. With one job
    (`SKETCHFACE_JOBS=1`) all work is done in this process, and its accesses count.
    """
    cls = type(instance)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]

    def getattribute(self: Any, attribute: str) -> Any:
        value = object.__getattribute__(self, attribute)
        if attribute in names and not dataclasses.is_dataclass(value):
            reads.add(f"{where}.{attribute}")
        return value

    body = {
        "__getattribute__": getattribute,
        "__repr__": lambda self: repr(instance),
        "__reduce__": lambda self: (_identity, (instance,)),
        "__module__": cls.__module__,
    }
    recorded: Any = object.__new__(type(cls.__name__, (cls,), body))
    for name in names:
        value = object.__getattribute__(instance, name)
        if dataclasses.is_dataclass(value):
            value = _recorded(value, f"{where}.{name}", reads)
        object.__setattr__(recorded, name, value)
    return recorded


def _identity(instance: T) -> T:
    return instance
