"""Everything that can be known to be wrong before any work: parameters, runs, data offered."""

from __future__ import annotations

import dataclasses
import re

from pipeline.augment.augment import AugmentSettings
from pipeline.common.fields import FIELDS, NEEDS
from pipeline.common.parallel import ParallelSettings
from pipeline.common.parameters import Parameters
from pipeline.contours.contours import ContourSettings
from pipeline.datasets import adapter
from pipeline.depth.depth import DepthSettings
from pipeline.evaluate.evaluate import EvaluateSettings
from pipeline.landmarks.landmarks import LandmarkSettings
from pipeline.segment.segment import SegmentSettings
from pipeline.style.training import StyleSettings
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.base import Task
from sketchface_models.systems.registry import SYSTEMS, system_class
from sketchface_models.training.settings import Engine, accelerator

SECTIONS: dict[str, type] = {
    "landmarks": LandmarkSettings,
    "contours": ContourSettings,
    "augment": AugmentSettings,
    "segment": SegmentSettings,
    "depth": DepthSettings,
    "style": StyleSettings,
    "parallel": ParallelSettings,
    "engine": Engine,
    "evaluate": EvaluateSettings,
}
PICTURES = tuple(name for name in FIELDS if name not in ("depth", "parsing"))
"""What a run can draw: fields whose values are brightness. A parser draws labels."""
RUN_NAME = re.compile(r"[a-z0-9_-]+")


def check_parameters(params: Parameters) -> list[str]:
    """Validate every section together, then whether the data can feed every run.

    Returns:
        The fields the data set itself offers, sorted.

    Raises:
        SketchFaceError: listing every violation, one a line; or naming the runs that cannot be
            fed and those that can.
    """
    data = adapter(params.value("data.name"))
    systems = params.value("systems")
    if not isinstance(systems, dict) or not systems:
        raise SketchFaceError("systems: nothing stands there; `make params` composes it")
    problems = _selection_problems(params.value("run"), params.value("seeds"), systems)
    sections = SECTIONS | {"data": data.Settings}
    for run, section in systems.items():
        name = section.get("system") if isinstance(section, dict) else None
        if isinstance(name, str) and name in SYSTEMS:
            sections[f"systems.{run}"] = system_class(name).Settings
        else:
            problems.append(f"systems.{run}.system: {name!r}; allowed: one of {', '.join(SYSTEMS)}")
    try:
        params.check(sections)
    except SketchFaceError as error:
        problems += str(error).split("\n")
    if problems:
        raise SketchFaceError("\n".join(problems))
    accelerator(params.section("engine", Engine))
    for name, cls in sections.items():
        dataclasses.asdict(params.section(name, cls))
    data_settings = params.section("data", data.Settings)
    offered = data.offers(data_settings)
    faces = data.pairings(data_settings) if hasattr(data, "pairings") else [offered]
    tasks = {run: params.section(f"systems.{run}.task", Task) for run in systems}
    labels = [
        f"systems.{run}.task.target: {task.target!r}; allowed: {', '.join(PICTURES)}"
        for run, task in tasks.items()
        if task.target not in PICTURES and systems[run]["system"] != "parser"
    ]
    if labels:
        raise SketchFaceError("\n".join(labels))
    _check_fed(params.value("data.name"), params.value("run"), tasks, faces)
    return sorted(offered)


def lacking(task: Task, offered: set[str]) -> list[str]:
    """The fields of a task that data offering `offered` cannot give."""
    names = (*task.inputs, task.target)
    found = [name for name in names if NEEDS.get(name) not in offered]
    # A parser that learned from a parser's labels would be as good as the other at best.
    return found + (["labels"] if task.target == "parsing" and "labels" not in offered else [])


def _check_fed(name: str, runs: list[str], tasks: dict[str, Task], faces: list[set[str]]) -> None:
    """`faces`: what there are faces of, each with all the fields of one set together."""

    def wanting(run: str) -> list[str]:
        return min((lacking(tasks[run], offered) for offered in faces), key=len)

    hungry = {run: wanting(run) for run in runs if wanting(run)}
    if hungry:
        wants = "; ".join(f"{run} needs {', '.join(fields)}" for run, fields in hungry.items())
        wants += " of the same face" if len(faces) > 1 else ""
        fed = [run for run in tasks if not wanting(run)]
        raise SketchFaceError(
            f"data {name} cannot feed every run: {wants}; it can feed: {', '.join(fed) or 'none'}"
        )


def _selection_problems(runs: object, seeds: object, systems: dict[str, object]) -> list[str]:
    problems = []
    if not isinstance(runs, list) or not runs or len(set(map(str, runs))) != len(runs):
        problems.append(f"run: {runs!r}; allowed: a list of different names of systems")
    else:
        problems += [
            f"run: {run!r}; allowed: one of {', '.join(map(str, systems))}"
            for run in runs
            if str(run) not in systems
        ]
    problems += [
        f"systems: {run!r}; allowed: names made of [a-z0-9_-]"
        for run in systems
        if not RUN_NAME.fullmatch(str(run))
    ]
    if (
        not isinstance(seeds, list)
        or not seeds
        or not all(type(seed) is int and seed >= 0 for seed in seeds)
        or len(set(seeds)) != len(seeds)
    ):
        problems.append(f"seeds: {seeds!r}; allowed: a list of different whole numbers >= 0")
    return problems
