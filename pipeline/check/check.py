"""Check what can be known to be wrong before any work: parameters, runs, what the data offer."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.augment.augment import AugmentSettings
from pipeline.common.edit_table import asked_about_edits
from pipeline.common.fields import FIELDS, NEEDS, OWN, showing
from pipeline.common.parallel import ParallelSettings
from pipeline.common.parameters import RUN_NAME, Parameters
from pipeline.contours.contours import ContourSettings
from pipeline.datasets import adapter
from pipeline.depth.depth import DepthSettings
from pipeline.edits.edits import EditSettings
from pipeline.evaluate.evaluate_settings import EvaluateSettings
from pipeline.landmarks.landmarks import LandmarkSettings
from pipeline.segment.segment import SegmentSettings
from pipeline.style.classifier_training import StyleSettings
from sketchface_models.errors import SketchFaceError
from sketchface_models.labels import PARSING
from sketchface_models.styles import STYLE
from sketchface_models.systems.registry import SYSTEMS, system_class
from sketchface_models.systems.run_settings import Task
from sketchface_models.training.engine_settings import Engine, accelerator

SECTIONS: dict[str, type] = {
    "landmarks": LandmarkSettings,
    "contours": ContourSettings,
    "augment": AugmentSettings,
    "edits": EditSettings,
    "segment": SegmentSettings,
    "depth": DepthSettings,
    "style": StyleSettings,
    "parallel": ParallelSettings,
    "engine": Engine,
    "evaluate": EvaluateSettings,
}
IMAGES = tuple(name for name in FIELDS if name not in ("depth", PARSING))
"""Fields that a system can generate as images: their values are brightness."""
NORMALISED_CODES = ("vae-wgan", "sketch2face")
"""Systems with a batch norm of single numbers, which a batch of one does not have."""
CONTOUR_MOVES = ("contour_shift", "contour_rotation")
"""Keys of `augment` that move the contour alone."""


def check_parameters(params: Parameters) -> list[str]:
    """Validate every section together, then whether the data can feed every run.

    Returns:
        The fields the data set itself offers, sorted.

    Raises:
        SketchFaceError: listing every violation, one a line; or naming the runs that cannot be
            fed and those that can.
    """
    data = adapter(params.value("data.name"))
    sections = _valid_sections(params, data.Settings)
    accelerator(params.section("engine", Engine))
    for name, cls in sections.items():  # every value is read, so that any change reruns the check
        dataclasses.asdict(params.section(name, cls))
    data_settings = params.section("data", data.Settings)
    offered = data.fields(data_settings)
    _refuse(
        [
            *_task_problems(params, sections, offered),
            *_augment_problems(params, sections),
            *_pretrain_problems(params),
            *_compile_problems(params),
            *_batch_problems(params),
        ]
    )
    _check_fed(params, data.field_sets(data_settings))
    return sorted(offered)


def any_run_is_asked_about_edits(params: Parameters) -> bool:
    """Return whether a chosen run needs the edit sets, which take half a minute to render."""
    tasks = [params.value("systems")[run]["task"] for run in params.value("run")]
    return any(asked_about_edits(task["inputs"], task["target"]) for task in tasks)


def lacking(task: Task, field_sets: Sequence[set[str]]) -> list[str]:
    """Return the fields of a task that no face of the data has, or not together with the others.

    Args:
        task: of a run; an unpaired one needs faces of two kinds.
        field_sets: the sets of fields that one face can have together.
    """
    missing: list[str] = []
    for fields in task.domains:
        options: list[list[str]] = [
            [name for name in fields if NEEDS.get(name) not in each] for each in field_sets
        ]
        missing += dict.fromkeys(sorted(options, key=len)[0])
    # A parser that learned from another parser's labels could not become better than that one.
    if task.target == PARSING and not any("labels" in each for each in field_sets):
        missing.append("labels")
    return missing


def _valid_sections(params: Parameters, data: type) -> dict[str, type]:
    """Return the class of each section, all of which are valid."""
    systems = params.value("systems")
    if not isinstance(systems, dict) or not systems:
        raise SketchFaceError("systems: nothing stands there; `make params` composes it")
    runs, pretrain = params.value("run"), params.value("pretrain")
    problems = [
        *_run_problems("run", runs, systems),
        *([] if pretrain == [] else _run_problems("pretrain", pretrain, systems)),
        *_name_problems(systems),
        *_seed_problems(params.value("seeds")),
    ]
    sections = SECTIONS | {"data": data}
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
    _refuse(problems)
    return sections


def _refuse(problems: list[str]) -> None:
    if problems:
        raise SketchFaceError("\n".join(problems))


def _task_problems(
    params: Parameters, sections: dict[str, type], offered: set[str]
) -> Iterator[str]:
    """Yield a line for each run that generates images of what is no image, or reads its target.

    Args:
        params: of the pipeline.
        sections: class of each.
        offered: fields that the data set itself has.
    """
    for run in params.value("systems"):
        section = f"systems.{run}"
        settings: Any = params.section(section, sections[section])
        task: Task = settings.task
        for output in system_class(settings.system).outputs_of(settings).values():
            if output.kind == "image" and output.field not in IMAGES:
                yield f"{section}.task.target: {output.field!r}; allowed: {', '.join(IMAGES)}"
        inputs = [] if task.unpaired else showing(task.target, task.inputs)
        shown = [name for name in inputs if OWN.get(name) not in offered]
        if shown and not task.sees_target:
            yield (
                f"{section}.task.inputs: {shown[0]!r} is, or shows, the target {task.target!r}; "
                f"remove it, or set {section}.task.sees_target: true, and its rows say so"
            )


def _augment_problems(params: Parameters, sections: dict[str, type]) -> Iterator[str]:
    """Yield a line for each run that moves its contours and has none; training refuses it too."""
    for run in params.value("systems"):
        section = f"systems.{run}"
        settings: Any = params.section(section, sections[section])
        if any("contour" in fields for fields in settings.task.domains):
            continue
        moves = {key: getattr(settings.augment, key) for key in CONTOUR_MOVES}
        keys = [f"{section}.augment.{key}: {value!r}" for key, value in moves.items() if value]
        if keys:
            yield f"{', '.join(keys)}; allowed: 0, {run} has no field `contour` to move"


def _pretrain_problems(params: Parameters) -> Iterator[str]:
    """Yield a line for each part of a run that starts from a run that is not pretrained."""
    pretrained = params.value("pretrain")
    for run in params.value("run"):
        section = f"systems.{run}"
        sources = params.value(section).get("pretrain") or {}
        for part, source in sources.items():
            if source.partition(":")[0] not in pretrained:
                yield (
                    f"{section}.pretrain.{part}: {source!r}; allowed: RUN:PART of a run in "
                    f"`pretrain`, which names {', '.join(pretrained) or 'none'}"
                )


def _compile_problems(params: Parameters) -> Iterator[str]:
    """Yield a line for each run that `engine.compile` would leave as it is."""
    if params.value("engine.compile"):
        for run in (*params.value("run"), *params.value("pretrain")):
            if not system_class(params.value(f"systems.{run}.system")).compiled:
                yield f"engine.compile: true; allowed: false, {run} has nothing to compile"


def _batch_problems(params: Parameters) -> Iterator[str]:
    """Yield a line for each run whose codes cannot be normalised over its batch."""
    for run in (*params.value("run"), *params.value("pretrain")):
        section = f"systems.{run}"
        is_normalised = params.value(f"{section}.system") in NORMALISED_CODES
        if is_normalised and params.value(f"{section}.schedule.batch") == 1:
            yield (
                f"{section}.schedule.batch: 1; allowed: 2 or more, {run} normalises each number "
                "of a code over the batch"
            )


def _check_fed(params: Parameters, field_sets: Sequence[set[str]]) -> None:
    """Refuse runs that the data cannot feed.

    Args:
        params: of the pipeline.
        field_sets: the sets of fields that one face can have together.
    """
    tasks = {run: params.section(f"systems.{run}.task", Task) for run in params.value("systems")}
    missing = {run: lacking(task, field_sets) for run, task in tasks.items()}
    unfed = [run for run in (*params.value("run"), *params.value("pretrain")) if missing[run]]
    if unfed:
        needs = "; ".join(f"{run} needs {', '.join(missing[run])}" for run in unfed)
        needs += " of the same face" if len(field_sets) > 1 else ""
        fed = ", ".join(run for run in tasks if not missing[run]) or "none"
        name = params.value("data.name")
        styled = {run: tasks[run].inputs for run in unfed if missing[run] == [STYLE]}
        raise SketchFaceError(
            f"data {name} cannot feed every run: {needs}; it can feed: {fed}"
            + _without_style(styled)
        )


def _without_style(inputs: Mapping[str, Sequence[str]]) -> str:
    """Return the end of a message that says how runs which lack a style alone do without.

    Args:
        inputs: name of each such run -> what it reads.
    """
    others = {run: ",".join(each for each in own if each != STYLE) for run, own in inputs.items()}
    words = [f"-S 'systems.{run}.task.inputs=[{other}]'" for run, other in others.items()]
    return f"; without styles: {' '.join(words)}" if words else ""


def _run_problems(key: str, runs: object, systems: dict[str, Any]) -> Iterator[str]:
    if not isinstance(runs, list) or not runs or len(set(map(str, runs))) != len(runs):
        yield f"{key}: {runs!r}; allowed: a list of different names of systems"
    else:
        for run in runs:
            if str(run) not in systems:
                yield f"{key}: {run!r}; allowed: one of {', '.join(map(str, systems))}"


def _name_problems(systems: dict[str, Any]) -> Iterator[str]:
    for run in systems:
        if not RUN_NAME.fullmatch(str(run)):
            yield f"systems: {run!r}; allowed: names made of [a-z0-9_-]"


def _seed_problems(seeds: object) -> Iterator[str]:
    if (
        not isinstance(seeds, list)
        or not seeds
        or not all(type(seed) is int and seed >= 0 for seed in seeds)
        or len(set(seeds)) != len(seeds)
    ):
        yield f"seeds: {seeds!r}; allowed: a list of different whole numbers >= 0"
