"""The range of every parameter, by dotted name; checks and changes by name.

    check(parameters)                                   # refuses what lies outside, by name
    changed(parameters, {"mouth.smile": 0.8})           # a checked copy
    vector(parameters)["eyes.iris.red"]                 # one flat, named vector

A list of things (`skin.moles`) is one leaf to `changed`; its members are checked one by one, and
`vector` lists as many of them as there may be, 0 where there are fewer.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NamedTuple, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np

from sketchface_models.config import Range, between
from sketchface_models.errors import SketchFaceError
from synthetic_faces.face_parameters import RGB, OneOf, Parameters, UpTo

T = TypeVar("T")
PARAMETER_DECIMALS = 6
CHANNELS = ("red", "green", "blue")


class Leaf(NamedTuple):
    """One parameter: its name, and what it may be.

    parts: names and ranges of its numbers; a plain number is one part without a name.
    most: largest number of members of a list; else 0.
    """

    group: str
    field: str
    whole: bool
    words: tuple[str, ...]
    parts: tuple[tuple[str, Range], ...]
    most: int


def _leaf(group: str, field: str, hint: Any) -> Leaf:
    rules: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        rules = tuple(rest)
    if hint == RGB:
        parts = tuple((channel, between(0, 255)) for channel in CHANNELS)
        return Leaf(group, field, False, (), parts, 0)
    if not rules:
        raise TypeError(f"{group}.{field}: declare what is allowed with Annotated")
    rule = rules[0]
    if isinstance(rule, OneOf):
        return Leaf(group, field, False, rule.words, (), 0)
    if isinstance(rule, UpTo):
        member = get_type_hints(get_args(hint)[0], include_extras=True)
        parts = tuple((name, get_args(part)[1]) for name, part in member.items())
        return Leaf(group, field, False, (), parts, rule.most)
    return Leaf(group, field, hint is int, (), (("", rule),), 0)


def _leaves() -> dict[str, Leaf]:
    leaves = {}
    for group, cls in get_type_hints(Parameters).items():
        for field, hint in get_type_hints(cls, include_extras=True).items():
            leaves[f"{group}.{field}"] = _leaf(group, field, hint)
    return leaves


LEAVES: dict[str, Leaf] = _leaves()
"""Every field of `Parameters` by name."""
RANGES: dict[str, Range] = {
    f"{name}.{part}" if part else name: allowed
    for name, leaf in LEAVES.items()
    for part, allowed in leaf.parts
}
"""Range of every number, by dotted name; those of lists hold for each member."""
ALLOWED_WORDS: dict[str, tuple[str, ...]] = {
    name: leaf.words for name, leaf in LEAVES.items() if leaf.words
}
"""What each parameter that is a word may be."""
EXPRESSION = (
    *("mouth.smile", "mouth.opening", "brows.raise_inner", "brows.raise_outer", "brows.frown"),
    *("eyes.gaze_x", "eyes.gaze_y", "eyes.lid_right", "eyes.lid_left"),
)
"""Parameters of the expression; the others of shape, eyes, brows, nose, mouth are identity."""
IDENTITY = tuple(
    name
    for name in RANGES
    if name.split(".")[0] in ("shape", "eyes", "brows", "nose", "mouth")
    and name not in EXPRESSION
    and name not in ("eyes.shadow", "eyes.lashes", "mouth.lipstick")
    and not name.startswith("mouth.tint")
)
"""The parameters of identity, without make-up, skin and hair."""


def check(parameters: Parameters) -> None:
    """Check that every parameter has an allowed value.

    Raises:
        SketchFaceError: naming the first one that is not: `shape.width: 3; allowed: 0.85 to 1.15`.
    """
    for name, leaf in LEAVES.items():
        value = getattr(getattr(parameters, leaf.group), leaf.field)
        if leaf.words:
            if not isinstance(value, str) or value not in leaf.words:
                raise SketchFaceError(f"{name}: {value!r}; allowed: {', '.join(leaf.words)}")
        elif leaf.most:
            if not isinstance(value, tuple) or len(value) > leaf.most:
                raise SketchFaceError(f"{name}: {value!r}; allowed: a tuple of up to {leaf.most}")
            for number, member in enumerate(value):
                _check_parts(f"{name}.{number}", leaf, member)
        else:
            _check_parts(name, leaf, value)


def _check_parts(name: str, leaf: Leaf, value: Any) -> None:
    numbers = (value,) if leaf.parts[0][0] == "" else value
    if not isinstance(numbers, tuple) or len(numbers) != len(leaf.parts):
        names = ", ".join(part for part, _ in leaf.parts)
        raise SketchFaceError(f"{name}: {value!r}; allowed: ({names})")
    for number, (part, allowed) in zip(numbers, leaf.parts):
        kinds = int if leaf.whole else int | float
        fine = isinstance(number, kinds) and not isinstance(number, bool)
        if not fine or not allowed.low <= number <= allowed.high:
            part_name = f"{name}.{part}" if part else name
            text = f"{number:g}" if isinstance(number, float) else repr(number)
            span = f"{allowed.low:g} to {allowed.high:g}"
            kind = "a whole number, " if leaf.whole else ""
            raise SketchFaceError(f"{part_name}: {text}; allowed: {kind}{span}")


def changed(parameters: Parameters, values: Mapping[str, Any]) -> Parameters:
    """Return a checked copy in which the named parameters have other values.

    A colour may be changed whole (`eyes.iris`) or by channel (`eyes.iris.red`). Values are rounded
    as those of sampled faces are.

    Raises:
        SketchFaceError: for a name that does not exist and for what `check` refuses.
    """
    groups: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        head, _, channel = str(name).rpartition(".")
        if name in LEAVES:
            leaf, fresh = LEAVES[name], rounded(value)
        elif head in LEAVES and name in RANGES and not LEAVES[head].most:
            leaf = LEAVES[head]
            old = groups.get(leaf.group, {}).get(
                leaf.field, getattr(getattr(parameters, leaf.group), leaf.field)
            )
            fresh = tuple(rounded(value) if c == channel else o for c, o in zip(CHANNELS, old))
        else:
            raise SketchFaceError(
                f"{name}: no such parameter; see synthetic_faces/face_parameters.py"
            )
        groups.setdefault(leaf.group, {})[leaf.field] = fresh
    parts = {
        group: dataclasses.replace(getattr(parameters, group), **fields)
        for group, fields in groups.items()
    }
    result = dataclasses.replace(parameters, **parts)
    check(result)
    return result


def vector(parameters: Parameters) -> dict[str, float | str]:
    """Return all parameters, flat, by dotted name; names and order are the same for all faces."""
    return dict(_flat(parameters))


def _flat(parameters: Parameters) -> Iterator[tuple[str, float | str]]:
    for name, leaf in LEAVES.items():
        value = getattr(getattr(parameters, leaf.group), leaf.field)
        if leaf.words:
            yield name, value
        elif leaf.most:
            for number in range(leaf.most):
                member = value[number] if number < len(value) else (0.0,) * len(leaf.parts)
                for (part, _), part_value in zip(leaf.parts, member):
                    yield f"{name}.{number}.{part}", part_value
        elif leaf.parts[0][0]:
            for (part, _), part_value in zip(leaf.parts, value):
                yield f"{name}.{part}", part_value
        else:
            yield name, value


def rounded(value: T) -> T:
    """Return a copy with floats rounded to `PARAMETER_DECIMALS` places.

    The last bits differ between machines' libraries.

    value: a dataclass, a tuple or a number, however nested.
    """
    return cast(T, _rounded(value))


def _rounded(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(float(value), PARAMETER_DECIMALS) + 0.0 if math.isfinite(value) else value
    if isinstance(value, tuple):
        members = [_rounded(member) for member in value]
        return type(value)(*members) if hasattr(value, "_fields") else tuple(members)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return dataclasses.replace(
            value, **{name: _rounded(getattr(value, name)) for name in names}
        )
    return value
