"""One listing for each stage: the files of this project that it runs, each with its hash.

A listing has the form of `sha256sum`'s output (`sha256sum -c data/code/faces` checks one). It holds
what `import_closure` finds, and the tables and templates beside that code, without

- `PLUMBING` and packages' `__init__.py` with a docstring alone, which compute nothing;
- weights and their cards, which are data: the stages that read them name their folder in
  `dvc.yaml`;
- the systems and data sets that were not chosen: `faces` runs the adapter that `data.name` names,
  and `train`, `start` and `evaluate` run the one system that `systems.RUN.system` names.

The module of a system or an adapter bears the name by which it is chosen.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from pipeline.common.code_hash import (
    NO_REGISTRIES,
    PLUMBING,
    ROOT,
    import_closure,
    module_file,
)
from pipeline.common.parameters import RUN_NAME
from sketchface_models.atomic import atomic_dir

SYSTEMS, SYSTEM_REGISTRY = "sketchface_models.systems", "sketchface_models.systems.registry"
DATASETS = "pipeline.datasets"
BY_DATA = "faces"
BY_RUN = ("evaluate", "start", "train")
"""Stages that run the system of one run."""


def code_listings(data: object, systems: object) -> dict[str, str]:
    """Return the listings by the name of their file: STAGE, or STAGE/RUN.

    Names that mean nothing are passed over here; the `check` stage refuses them.

    Args:
        data: `data.name` of the parameters.
        systems: `systems` of the parameters.
    """
    runs = {str(run): _system_of(section) for run, section in _runs(systems)}
    listings = {}
    for stage in stages():
        if stage in BY_RUN:
            for run, system in runs.items():
                listings[f"{stage}/{run}"] = listing(stage, {SYSTEM_REGISTRY: [system]})
        elif stage == BY_DATA:
            listings[stage] = listing(stage, _adapters(f"{DATASETS}.{data}"))
        else:
            listings[stage] = listing(stage)
    return listings


def stages() -> list[str]:
    """Return the stages but this one: the packages of the pipeline that are commands."""
    commands = (path.parent.name for path in (ROOT / "pipeline").glob("*/__main__.py"))
    return sorted(name for name in commands if name != "code")


def listing(stage: str, registries: Mapping[str, Sequence[str]] = NO_REGISTRIES) -> str:
    """Return one listing: a line for each file, with its hash and its path from the root.

    Args:
        stage: a package of the pipeline.
        registries: see `import_closure`.
    """
    paths = {
        path.relative_to(ROOT).as_posix(): path
        for path in import_closure(f"pipeline.{stage}.__main__", registries)
        if not _is_weights(path) and not _is_bare_package(path)
    }
    return "".join(
        f"{_hash(path)}  {name}\n" for name, path in paths.items() if name not in PLUMBING
    )


def write_listings(listings: Mapping[str, str], out: Path) -> None:
    """Write the folder of listings atomically."""
    with atomic_dir(out) as folder:
        for name, text in listings.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")


def _runs(systems: object) -> Iterator[tuple[str, object]]:
    """Yield the runs whose names can name a file."""
    for run, section in systems.items() if isinstance(systems, Mapping) else ():
        if RUN_NAME.fullmatch(str(run)):
            yield str(run), section


def _system_of(section: object) -> str:
    """Return the module of a run's system."""
    name = section.get("system") if isinstance(section, Mapping) else None
    return f"{SYSTEMS}.{str(name).replace('-', '_')}"


def _adapters(module: str) -> Mapping[str, Sequence[str]]:
    """Return the registry of data sets with the chosen one; with all where that one is unknown."""
    return {DATASETS: [module]} if module_file(module) else NO_REGISTRIES


def _is_weights(path: Path) -> bool:
    """Return whether a file lies in a folder of weights."""
    return path.suffix != ".py" and any(path.parent.glob("*.safetensors"))


@cache
def _is_bare_package(path: Path) -> bool:
    """Return whether a file is a package's `__init__.py` and has nothing but a docstring."""
    return path.name == "__init__.py" and len(ast.parse(path.read_text("utf-8")).body) <= 1


@cache
def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
