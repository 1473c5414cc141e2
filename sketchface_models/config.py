"""Plain mappings (from YAML) into typed, validated, frozen dataclasses.

Fields are declared with the standard `Annotated`, so that a dataclass is its own documentation:

    @dataclass(frozen=True)
    class Augment:
        shift: Annotated[float, at_least(0)]
        mode: Literal["shift", "rotate"]

`load` reports every violation at once, each as one line with the key, the value and what is
allowed. Fields without a default are required; unknown keys are violations.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from sketchface_models.errors import SketchFaceError

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Range:
    """The closed interval a number, or each number of a list, must lie in."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int | float) or (isinstance(value, float) and math.isnan(value)):
            return False
        return (value > self.low if self.low_open else value >= self.low) and value <= self.high

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"{'>' if self.low_open else '>='} {self.low:g}"
        if self.low == -math.inf:
            return f"<= {self.high:g}"
        return f"in {'(' if self.low_open else '['}{self.low:g}, {self.high:g}]"


def at_least(low: float) -> Range:
    """Numbers >= `low`."""
    return Range(low=low)


def above(low: float) -> Range:
    """Numbers > `low`."""
    return Range(low=low, low_open=True)


def between(low: float, high: float) -> Range:
    """Numbers in [`low`, `high`]."""
    return Range(low=low, high=high)


@dataclasses.dataclass(frozen=True)
class NonEmpty:
    """A string or list that must not be empty."""

    def __contains__(self, value: object) -> bool:
        return bool(value)

    def __str__(self) -> str:
        return "not empty"


@dataclasses.dataclass(frozen=True)
class Among:
    """A name registered in a dict, so that a new part is allowed once it is registered."""

    names: Mapping[str, object]

    def __contains__(self, value: object) -> bool:
        return value in self.names

    def __str__(self) -> str:
        return f"that is one of {', '.join(self.names)}"


def violations(cls: type, values: object, where: str = "") -> list[str]:
    """All lines that say how `values` falls short of dataclass `cls`; [] if it does not."""
    return _build(cls, values, where)[1]


def load(cls: type[T], values: object, where: str = "") -> T:
    """Turn a mapping into an instance of dataclass `cls`.

    Raises:
        SketchFaceError: listing every violation, one a line.
    """
    instance, problems = _build(cls, values, where)
    if problems:
        raise SketchFaceError("\n".join(problems))
    return instance


def _build(cls: type[T], values: object, where: str) -> tuple[Any, list[str]]:
    if not isinstance(values, Mapping):
        return None, [_line(where or cls.__name__, values, "a mapping of settings")]
    hints = get_type_hints(cls, include_extras=True)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    problems = [
        _line(_join(where, str(key)), values[key], f"one of the keys {', '.join(fields)}")
        for key in values
        if key not in fields
    ]
    converted = {}
    for name, field in fields.items():
        key = _join(where, name)
        if name in values:
            converted[name], lines = _convert(hints[name], values[name], key)
            problems += lines
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            problems.append(f"{key}: missing; allowed: {describe(hints[name])}")
    if problems:
        return None, problems
    try:
        return cls(**converted), []
    except ValueError as error:  # cross-field checks live in __post_init__; lines begin with a key
        return None, [_join(where, line) for line in str(error).split("\n")]


def _convert(hint: Any, value: Any, key: str) -> tuple[Any, list[str]]:
    """`value` as `hint` demands, and the violations on the way."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        converted, problems = _convert(args[0], value, key)
        if problems:
            return None, _widened(problems, args[0], hint, value, key)
        members = converted if isinstance(converted, tuple) else (converted,)
        for rule in args[1:]:
            subject = (converted,) if isinstance(rule, NonEmpty) else members
            if converted is not None and not all(member in rule for member in subject):
                return None, [_line(key, value, describe(hint))]
        return converted, []
    if origin in (Union, types.UnionType):
        if value is None and type(None) in args:
            return None, []
        chosen = [arg for arg in args if arg is not type(None)]
        converted, problems = _convert(chosen[0], value, key)
        return converted, _widened(problems, chosen[0], hint, value, key)
    if origin is Literal:
        # `type` too: True == 1 in Python, and a YAML `yes` is not the number 1.
        if any(value == arg and type(value) is type(arg) for arg in args):
            return value, []
        return None, [_line(key, value, describe(hint))]
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return None, [_line(key, value, describe(hint))]
        parts = [_convert(args[0], member, f"{key}[{i}]") for i, member in enumerate(value)]
        return tuple(part for part, _ in parts), [line for _, lines in parts for line in lines]
    if origin in (dict, Mapping):
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            return None, [_line(key, value, describe(hint))]
        items = {name: _convert(args[1], item, f"{key}.{name}") for name, item in value.items()}
        lines = [line for _, problems in items.values() for line in problems]
        return {name: item for name, (item, _) in items.items()}, lines
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _build(hint, value, key)
    if hint is float and type(value) is int:
        with contextlib.suppress(OverflowError):
            value = float(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        return None, [_line(key, value, describe(hint))]
    return value, []


def _widened(problems: list[str], inner: Any, hint: Any, value: Any, key: str) -> list[str]:
    """`problems` about this very value with `inner`, saying all that `hint` allows instead."""
    narrow, wide = (_line(key, value, describe(one)) for one in (inner, hint))
    return [wide if line == narrow else line for line in problems]


def describe(hint: Any) -> str:
    """Return what a type hint allows, in words."""
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return f"{describe(args[0])} {' and '.join(str(rule) for rule in args[1:])}"
    if origin in (Union, types.UnionType):
        return " or ".join("null" if arg is type(None) else describe(arg) for arg in args)
    if origin is Literal:
        return "one of " + ", ".join(str(arg) for arg in args)
    if origin in (dict, Mapping):
        return f"a mapping of names, each {describe(args[1])}"
    if origin is tuple:
        return f"a list, each {describe(args[0])}"
    return names.get(hint, "a mapping of settings")


def _line(key: str, value: object, allowed: str) -> str:
    return f"{key}: {value!r}; allowed: {allowed}"


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
