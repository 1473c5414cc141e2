"""The page docs/data-flow.md: what every stage writes, and who reads it.

Stages, their order and their readers come from `dvc.yaml`, files and their columns from
`written_files`, fields from `pipeline.common.fields`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from pipeline.common.fields import FIELDS
from pipeline.report import write
from sketchface_models.styles import STYLE
from sketchface_models.training.pack_reader import UNCENTRED
from tools.reference import NOTE, ROOT, Undescribed, code, composed, table
from tools.written_files import CURVE_TABLE, OUTPUTS, SCORE_TABLE, File

INTRODUCTION = """\
# Data flow

{note}

What a face looks like on its way from photo to report. Stages stand in the order in which data
flow. `size` is `data.size`, the side of the aligned pictures ({size} pixels by default), and S is a
run's `task.size` ({side} by default). Coordinates are pixels of the aligned picture, x right, y
down. Tables are sharded by `id`: a face's row stands in the shard that its id alone decides.
`sketchface peek DIR` shows what a stage wrote. Columns of the type
*picture* hold `{{bytes, path}}`, as Hugging Face `datasets` reads them.

![A photo with its landmarks, contour, parsing map and depth](pictures/astronaut-understood.png)
"""
WAY = [
    ("a file of the data set", "any picture that can be decoded", "`data.root`"),
    (
        "aligned photo, and sketch where there is one",
        "square, eyes and mouth at fixed places: (size, size, 3) and (size, size) uint8",
        "faces",
    ),
    ("68 landmarks, 478 mesh points", "float32, pixels of the aligned photo", "landmarks"),
    ("contour and rough lines", "(size, size) uint8, dark lines on paper", "contours"),
    ("moved contour of a test face", "(size, size) uint8", "augment"),
    ("parsing map", "(size, size) uint8, 19 classes", "segment"),
    ("depth", "(size, size) uint16, the largest value nearest", "depth"),
    ("a row of each array that its run needs", "(C, S, S) uint8", "pack"),
    (
        "a row of a batch, mirrored and moved",
        "(C, S, S) float32: [-1, 1]; depth and style [0, 1]",
        "train",
    ),
    ("generated picture", "(C, S, S) in [-1, 1], then (size, size) uint8", "evaluate"),
    ("a value of each measure", "float64, a row of `scores.parquet`", "baselines, evaluate"),
    ("part of a mean with its interval", "a row of `scores.csv`, a cell of a table", "report"),
]
"""What a face is, in which form, after which stage."""


@dataclass(frozen=True)
class Stage:
    """A stage of `dvc.yaml`, its run and seed written `RUN` and `SEED`."""

    name: str
    description: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]


def page() -> str:
    """Return docs/data-flow.md.

    Raises:
        Undescribed: listing outputs, columns and keys without a description.
    """
    steps = stages()
    missing = list(_undescribed(steps))
    if missing:
        raise Undescribed("\n".join(missing))
    params = composed()
    size, side = params["data"]["size"], params["systems"][params["run"][0]]["task"]["size"]
    parts = [
        INTRODUCTION.format(note=NOTE, size=size, side=side),
        table(["what there is of a face", "as", "after"], WAY),
        "\n## Stages\n",
        _overview(steps),
        *(_stage(each, steps) for each in steps),
        "\n## Fields\n\nWhat a run can name as input or target. A batch is float32.\n",
        _fields(params["systems"]),
    ]
    return "\n".join(parts) + "\n"


def stages() -> list[Stage]:
    """Return the stages of `dvc.yaml`, in its order."""
    described = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return [
        Stage(name, own.get("desc", ""), _paths(own.get("deps", ())), _paths(own.get("outs", ())))
        for name, own in described.items()
    ]


def _paths(listed: Any) -> tuple[str, ...]:
    """Return deps or outs, which may carry options, as plain paths."""
    paths = [next(iter(each)) if isinstance(each, Mapping) else each for each in listed]
    return tuple(re.sub(r"\$\{item\.(\w+)\}", lambda match: match[1].upper(), p) for p in paths)


def readers(out: str, steps: list[Stage]) -> list[str]:
    """Return the stages that depend on an output, on a part of it, or on the folder round it."""
    return [each.name for each in steps if any(_overlap(dep, out) for dep in each.deps)]


def _overlap(one: str, other: str) -> bool:
    first, second = PurePosixPath(one), PurePosixPath(other)
    return first.is_relative_to(second) or second.is_relative_to(first)


def _undescribed(steps: list[Stage]) -> Iterator[str]:
    outs = {out for each in steps for out in each.outs}
    for out in sorted(outs ^ OUTPUTS.keys()):
        where = "tools/written_files.py OUTPUTS" if out in outs else "dvc.yaml"
        yield f"{out}: not in {where}"
    for each in steps:
        if not each.description:
            yield f"dvc.yaml: {each.name} has no desc"
    for out, files in OUTPUTS.items():
        for file in files:
            for name, (_, meaning) in file.parts.items():
                if not meaning:
                    yield f"{out}/{file.path}: {name} has no description"
    for name, columns, described in (
        ("scores.csv", write.SCORES, SCORE_TABLE),
        ("curves.csv", write.CURVES, CURVE_TABLE),
    ):
        if list(described) != columns:
            yield f"{name}: columns {columns}, described {list(described)}"


def _overview(steps: list[Stage]) -> str:
    rows = [
        [
            f"[{each.name}](#{each.name})",
            each.description,
            ", ".join(map(code, each.outs)),
            ", ".join(_unique(name for out in each.outs for name in readers(out, steps))),
        ]
        for each in steps
    ]
    return table(["stage", "what it does", "writes", "read by"], rows)


def _stage(stage: Stage, steps: list[Stage]) -> str:
    deps = [dep for dep in stage.deps if not dep.startswith("data/code")]
    lines = [f"\n## {stage.name}\n", f"{stage.description}. Reads {', '.join(map(code, deps))}."]
    if not deps:
        lines[-1] = f"{stage.description}. Reads code alone."
    return "\n".join([*lines, *(_output(out, readers(out, steps)) for out in stage.outs)])


def _output(out: str, names: list[str]) -> str:
    by = f"read by {', '.join(names)}." if names else "no stage reads it."
    listed = [f"\n`{out}`: {by}"]
    return "\n".join([*listed, *(_file(file) for file in OUTPUTS[out])])


def _file(file: File) -> str:
    meaning = file.meaning + (f"; only {file.only}" if file.only else "")
    text = f"\n- `{file.path}`: {meaning}" if file.path else f"\n- {meaning}"
    if not file.parts:
        return text
    rows = [[code(name), kind, about] for name, (kind, about) in file.parts.items()]
    return f"{text}\n\n{table(['name', 'type', 'meaning'], rows)}"


def _fields(systems: Mapping[str, Any]) -> str:
    rows = []
    for name, each in FIELDS.items():
        rows.append(
            [
                code(name),
                f"`{each.column}` of {each.stage}",
                f"(N, {each.channels}, S, S) uint8, {each.values}",
                "[0, 1]" if name in UNCENTRED else "[-1, 1]",
                *_runs(name, systems),
            ]
        )
    style = ["`style` of faces", "no array: `styles` in `pack.json`", "(B, styles), [0, 1]"]
    rows.append([code(STYLE), *style, *_runs(STYLE, systems)])
    header = ["field", "column", "in a pack", "in a batch", "input of", "target of"]
    return table(header, rows)


def _runs(name: str, systems: Mapping[str, Any]) -> tuple[str, str]:
    """Return the runs that have a field as an input, and as a target.

    Unpaired runs make each of their fields of the other.
    """
    reading, generating = [], []
    for run, own in systems.items():
        inputs, target = own["task"]["inputs"], own["task"]["target"]
        unpaired = own["task"].get("unpaired", False)
        reading += [run] if name in inputs or (unpaired and name == target) else []
        generating += [run] if name == target or (unpaired and name in inputs) else []
    return ", ".join(reading), ", ".join(generating)


def _unique(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))
