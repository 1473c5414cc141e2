"""The page docs/config.md: every parameter with its default, allowed values and meaning.

Allowed values are the types of the settings' fields, meanings the docstrings behind them, defaults
what `conf/` composes to.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.check.check import SECTIONS
from pipeline.datasets import ADAPTERS
from pipeline.datasets.base import DataSettings
from sketchface_models.config import describe
from sketchface_models.systems.registry import SYSTEMS
from tools.reference import NOTE, ROOT, Setting, Undescribed, code, composed, settings, table

CONF = ROOT / "conf"
INTRODUCTION = """\
# Parameters

{note}

Parameters stand in `conf/`; `make params` composes them into `params.yaml`. For one experiment:

```sh
dvc exp run -S model=hida -S data=fs2k -S data.root=path/to/FS2K -S evaluate.samples=12
```

The stage `check` refuses whatever is not allowed, before any work, in one line for each violation.
It also refuses what is wrong only in combination, such as a style as input of a system that has no
use for it.
"""
SELECTION = {
    "run": ("a list of names under `systems`", "The runs to pack, train, evaluate and report."),
    "seeds": (
        "a list of different whole numbers >= 0",
        "Each run is trained from each of them. Verdicts on systems need more than one.",
    ),
    "pretrain": (
        "a list of names under `systems`",
        "The runs to train first, because others start from their weights.",
    ),
    "contour_moves": (
        "by data set: `shift` in pixels at 512, `rotation` in degrees",
        "How far contours move in training: those of faces that are not aligned by their eyes less "
        "than the paper's. `systems.RUN.augment` takes it from here.",
    ),
    "second_root": (
        "a path",
        "What DVC watches besides `data.root`: the drawings of an unpaired set, else a file that "
        "never matters. Composed; not to be set.",
    ),
}
"""Top-level parameters without a settings class: allowed values, meaning."""
SCALE, MODEL, DATA, SYSTEM = "scale", "model", "data", "systems"


def page() -> str:
    """Return docs/config.md.

    Raises:
        Undescribed: listing the parameters without a docstring, and those on no list.
    """
    values = composed()
    missing = [*_undescribed(), *_unlisted(values)]
    if missing:
        raise Undescribed("\n".join(missing))
    parts = [
        INTRODUCTION.format(note=NOTE),
        "## Which runs\n",
        _selection(values),
        "\n## model\n\nA choice sets `run`, `seeds` and `pretrain`; studies add variants too.\n",
        _models(),
        "\n## data\n\nWhich faces. These parameters belong to every data set:\n",
        _shared_data(),
        *(_data_set(name) for name in ADAPTERS),
        "\n## scale\n\nHow large and how long: a choice sets these, and the systems read them.\n",
        _scales(),
        *(_section(name, cls, values[name]) for name, cls in SECTIONS.items()),
        "\n## systems\n\nEach run under `systems` is a system pointed at a task. A value in "
        f"*italics* comes from `{SCALE}`.\n",
        *(_system(name, values[SYSTEM]) for name in SYSTEMS),
    ]
    return "\n".join(parts) + "\n"


def _classes() -> dict[str, type]:
    """Return every settings class by the section or choice that it belongs to."""
    of_data = {f"{DATA}={name}": adapter.Settings for name, adapter in ADAPTERS.items()}
    of_systems = {f"{SYSTEM}.{name}": cls.Settings for name, cls in SYSTEMS.items()}
    return SECTIONS | of_data | of_systems


def _undescribed() -> Iterator[str]:
    for where, cls in _classes().items():
        for each in settings(cls):
            if not each.meaning:
                yield f"{where}: {each.name} has no docstring behind its field ({cls.__module__})"


def _unlisted(values: Mapping[str, Any]) -> Iterator[str]:
    listed = {*SECTIONS, *SELECTION, DATA, SCALE, SYSTEM}
    for path in sorted(CONF.joinpath(MODEL).glob("*.yaml")):
        if not _purpose(path):
            yield f"{path.relative_to(ROOT)}: no comment at its head"
    for name in values.keys() - listed:
        yield f"{name}: no section of pipeline.check.check.SECTIONS, none of SELECTION"
    for name in sorted(dict(_leaves(values[SCALE], f"{SCALE}.")).keys() - _scale_readers().keys()):
        yield f"{name}: nothing in conf reads it"


def _selection(values: Mapping[str, Any]) -> str:
    rows = [
        [code(name), _value(values[name]), allowed, meaning]
        for name, (allowed, meaning) in SELECTION.items()
    ]
    return table(["parameter", "default", "allowed", "meaning"], rows)


def _models() -> str:
    rows = []
    for path in sorted(CONF.joinpath(MODEL).glob("*.yaml")):
        choice = merged(path)
        listed = [", ".join(map(str, choice[key])) for key in ("run", "seeds", "pretrain")]
        rows.append([code(f"model={path.stem}"), *listed, _purpose(path)])
    return table(["choice", "runs", "seeds", "trained first", "what for"], rows)


def _purpose(path: Path) -> str:
    """Return what a choice of runs is for; where its file does not say, what its one run is."""
    runs = merged(path)["run"]
    if _comment(path) or len(runs) > 1:
        return _comment(path)
    return re.split(r"(?<!al\.)(?<=\.) ", _comment(_system_files()[runs[0]]))[0]


def _shared_data() -> str:
    sets = {name: merged(CONF / DATA / f"{name}.yaml") for name in ADAPTERS}
    rows = [
        [
            code(f"{DATA}.{each.name}"),
            "the set's" if each.name in ("name", "root") else _common(each, sets),
            describe(each.hint),
            each.meaning,
        ]
        for each in settings(DataSettings)
    ]
    return table(["parameter", "default", "allowed", "meaning"], rows)


def _common(setting: Setting, sets: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the default of most data sets, then those of the others by name."""
    values = {name: _value(own.get(setting.name, setting.default)) for name, own in sets.items()}
    ((most, _),) = Counter(values.values()).most_common(1)
    others = [f"{name}: {value}" for name, value in values.items() if value != most]
    return "; ".join([most, *others])


def _data_set(name: str) -> str:
    path = CONF / DATA / f"{name}.yaml"
    values, shared = merged(path), {each.name for each in settings(DataSettings)}
    own = [each for each in settings(ADAPTERS[name].Settings) if each.name not in shared]
    text = f"\n### data={name}\n\n{_comment(path)} `data.root`: {_value(values['root'])}.\n"
    return text + (f"\n{_rows(DATA, own, values)}" if own else "")


def _section(name: str, cls: type, values: Mapping[str, Any]) -> str:
    return f"\n## {name}\n\n{_rows(name, list(settings(cls)), values)}"


def _rows(section: str, listed: list[Setting], values: Mapping[str, Any]) -> str:
    rows = [
        [
            code(f"{section}.{each.name}"),
            _value(_default(each, values)),
            describe(each.hint),
            each.meaning,
        ]
        for each in listed
    ]
    return table(["parameter", "default", "allowed", "meaning"], rows)


def _scales() -> str:
    scales = _scale_values()
    readers = _scale_readers()
    names = sorted(scales, key=lambda name: _length(scales[name]))
    rows = [
        [
            code(key),
            *(_value(scales[name].get(key, "")) if key in scales[name] else "" for name in names),
            ", ".join(map(code, readers.get(key, ()))),
        ]
        for key in sorted({key: None for name in reversed(names) for key in scales[name]})
    ]
    return table(["parameter", *(code(f"scale={name}") for name in names), "read by"], rows)


def _scale_values() -> dict[str, dict[str, Any]]:
    """Return choice of a scale -> dotted name of a parameter -> the value that it sets."""
    values = {}
    for path in CONF.joinpath(SCALE).glob("*.yaml"):
        own = _yaml(path)
        # One that also sets what is no scale is written from the top: `@package _global_`.
        values[path.stem] = dict(_leaves(own) if SCALE in own else _leaves(own, f"{SCALE}."))
    return values


def _length(values: Mapping[str, Any]) -> float:
    """Return the sum of all steps: what scales are put in order by."""
    return sum(value for key, value in values.items() if key.endswith("steps"))


def _scale_readers() -> dict[str, list[str]]:
    """Return dotted name of a value of the scale -> the parameters that are set to it."""
    readers: dict[str, list[str]] = {f"{SCALE}.name": ["dvc exp show"]}
    for path in sorted(CONF.joinpath("system").glob("*.yaml")):
        for name, value in _leaves(merged(path)):
            for key in _scales_named(value):
                readers.setdefault(key, []).append(f"{SYSTEM}.{path.stem}.{name}")
    for path in sorted(CONF.joinpath(MODEL).glob("*.yaml")):
        for name, value in _leaves(_yaml(path)):
            for key in _scales_named(value):
                readers.setdefault(key, []).append(f"{MODEL}={path.stem}: {name}")
    for name, value in _leaves(_yaml(CONF / "config.yaml")):
        for key in _scales_named(value):
            readers.setdefault(key, []).append(name)
    return readers


def _scales_named(value: object) -> list[str]:
    return re.findall(rf"\$\{{({SCALE}\.[\w.-]+)\}}", str(value))


def _system(name: str, systems: Mapping[str, Any]) -> str:
    """Return the table of one system: a column of defaults for each run of it."""
    runs = {run: own for run, own in systems.items() if own["system"] == name}
    if not runs:
        return ""
    files = _system_files()
    from_scale = {
        run: {key for key, value in _leaves(merged(files[run])) if _scales_named(value)}
        for run in runs
    }
    order = list(next(iter(runs.values())))
    listed = sorted(settings(SYSTEMS[name].Settings), key=lambda each: _rank(each, order))
    rows = []
    for each in listed:
        defaults = [
            f"*{_default(each, own)}*"
            if each.name in from_scale[run]
            else _value(_default(each, own))
            for run, own in runs.items()
        ]
        rows.append([code(each.name), *defaults, describe(each.hint), each.meaning])
    lines = [f"- `systems.{run}`: {_comment(files[run])}" for run in runs]
    header = ["below the run", *map(code, runs), "allowed", "meaning"]
    return f"\n### {name}\n\n" + "\n".join(lines) + f"\n\n{table(header, rows)}"


def _rank(setting: Setting, order: list[str]) -> int:
    """Return where a parameter's group stands among the keys of a run, the last if nowhere."""
    group = setting.name.split(".")[0]
    return order.index(group) if group in order else len(order)


def _system_files() -> dict[str, Path]:
    """Return run -> its file in conf/system, as the defaults of conf/config.yaml say."""
    defaults = [item for item in _yaml(CONF / "config.yaml")["defaults"] if isinstance(item, dict)]
    prefix = f"system@{SYSTEM}."
    return {
        key.removeprefix(prefix): CONF / "system" / f"{value}.yaml"
        for item in defaults
        for key, value in item.items()
        if key.startswith(prefix)
    }


def _default(setting: Setting, values: Mapping[str, Any]) -> Any:
    """Return the composed value under a dotted name, or the field's default."""
    value: Any = values
    for part in setting.name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return setting.default
        value = value[part]
    return value


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + str(key), value


def _value(value: Any) -> str:
    """Return a value as YAML writes it, in Markdown."""
    if value is dataclasses.MISSING:
        return "none"
    if value == "":
        return "`''`"
    if isinstance(value, tuple):
        value = list(value)
    return code(
        yaml.safe_dump(value, default_flow_style=True, width=10**6).split("\n...")[0].strip()
    )


def _comment(path: Path) -> str:
    """Return the comment at the head of a YAML file, without Hydra's line and the example."""
    head: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# @package"):
            continue
        if not line.startswith("#") or line.startswith("# dvc"):
            break
        head.append(line.removeprefix("#").strip())
    return " ".join(head)


def merged(path: Path) -> dict[str, Any]:
    """Return a YAML file with what it takes over from its neighbours, and from groups beside it."""
    own = _yaml(path)
    values: dict[str, Any] = {}
    for each in own.pop("defaults", ()):
        if isinstance(each, dict):
            ((group, name),) = each.items()
            if not group.startswith("/"):
                values[group] = merged(path.parent / group / f"{name}.yaml")
        elif each != "_self_":
            values = _updated(values, merged(path.with_name(f"{each}.yaml")))
    return _updated(values, own)


def _updated(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(values)
    for key, change in changes.items():
        old = both.get(key)
        nested = isinstance(old, Mapping) and isinstance(change, Mapping)
        both[key] = _updated(old, change) if nested else change
    return both


def _yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
