"""Plain mappings into typed dataclasses, with every violation at once."""

import math
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Annotated, Literal

import pytest

from sketchface_models.config import NonEmpty, above, at_least, between, load, violations
from sketchface_models.errors import SketchFaceError


@dataclass(frozen=True)
class Inner:
    low: Annotated[float, at_least(0)]
    high: Annotated[float, between(0, 10)]
    note: str = "none"

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError(f"low: {self.low:g}; allowed: at most high ({self.high:g})")


@dataclass(frozen=True)
class Outer:
    count: Annotated[int, above(0)]
    mode: Literal["shift", "rotate", 3]
    on: bool
    inner: Inner
    names: Annotated[tuple[str, ...], NonEmpty()] = ("a",)
    sizes: Annotated[tuple[int, ...], at_least(1)] = ()
    limit: Annotated[int, at_least(0)] | None = None
    inners: tuple[Inner, ...] = ()
    extra: Inner = field(default_factory=lambda: Inner(0.0, 1.0))


def values(**changes: object) -> dict[str, object]:
    good = {"count": 1, "mode": "shift", "on": True, "inner": {"low": 1, "high": 2.5}}
    return good | changes


def test_loads_defaults_and_converts():
    outer = load(Outer, values(names=["x", "y"], inners=[{"low": 0, "high": 1}], limit=None))
    assert outer == Outer(
        1, "shift", True, Inner(1.0, 2.5), ("x", "y"), (), None, (Inner(0.0, 1.0),)
    )
    assert type(outer.inner.low) is float
    with pytest.raises(FrozenInstanceError):
        outer.count = 2


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"count": 0}, "count: 0; allowed: a whole number > 0"),
        ({"count": True}, "count: True; allowed: a whole number > 0"),
        ({"count": 1.0}, "count: 1.0; allowed: a whole number > 0"),
        ({"count": "1"}, "count: '1'; allowed: a whole number > 0"),
        ({"count": None}, "count: None; allowed: a whole number > 0"),
        ({"mode": "spin"}, "mode: 'spin'; allowed: one of shift, rotate, 3"),
        ({"mode": 3.0}, "mode: 3.0; allowed: one of shift, rotate, 3"),
        ({"on": 1}, "on: 1; allowed: true or false"),
        ({"on": "yes"}, "on: 'yes'; allowed: true or false"),
        ({"names": []}, "names: []; allowed: a list, each a text not empty"),
        ({"names": "xy"}, "names: 'xy'; allowed: a list, each a text not empty"),
        ({"names": ["x", 1]}, "names[1]: 1; allowed: a text"),
        ({"sizes": [4, 0]}, "sizes: [4, 0]; allowed: a list, each a whole number >= 1"),
        ({"limit": -1}, "limit: -1; allowed: a whole number >= 0 or null"),
        ({"limit": "no"}, "limit: 'no'; allowed: a whole number >= 0 or null"),
        ({"inner": 3}, "inner: 3; allowed: a mapping of settings"),
        ({"inner": {"low": 0}}, "inner.high: missing; allowed: a number in [0, 10]"),
        ({"inner": {"low": 0, "high": 11}}, "inner.high: 11; allowed: a number in [0, 10]"),
        ({"inner": {"low": 0, "high": True}}, "inner.high: True; allowed: a number in [0, 10]"),
        ({"inner": {"low": math.nan, "high": 1}}, "inner.low: nan; allowed: a number >= 0"),
        ({"inner": {"low": math.inf, "high": 1}}, "inner.low: inf; allowed: a number >= 0"),
        (
            {"inner": {"low": 0, "high": 1, "hihg": 2}},
            "inner.hihg: 2; allowed: one of the keys low, high, note",
        ),
        ({"inner": {"low": 3, "high": 2}}, "inner.low: 3; allowed: at most high (2)"),
        ({"inners": [{"low": 0, "high": 99}]}, "inners[0].high: 99; allowed: a number in [0, 10]"),
        (
            {"other": 1},
            "other: 1; allowed: one of the keys "
            "count, mode, on, inner, names, sizes, limit, inners, extra",
        ),
    ],
)
def test_each_violation_is_one_line_with_key_value_and_what_is_allowed(change, line: str):
    assert violations(Outer, values(**change)) == [line]


def test_all_violations_are_listed_at_once_under_their_section():
    wrong = {"count": -1, "on": True, "inner": {"high": "x", "z": 1}, "sizes": 3, "y": 2}
    assert sorted(violations(Outer, wrong, "systems.a")) == [
        "systems.a.count: -1; allowed: a whole number > 0",
        "systems.a.inner.high: 'x'; allowed: a number in [0, 10]",
        "systems.a.inner.low: missing; allowed: a number >= 0",
        "systems.a.inner.z: 1; allowed: one of the keys low, high, note",
        "systems.a.mode: missing; allowed: one of shift, rotate, 3",
        "systems.a.sizes: 3; allowed: a list, each a whole number >= 1",
        "systems.a.y: 2; allowed: one of the keys "
        "count, mode, on, inner, names, sizes, limit, inners, extra",
    ]
    with pytest.raises(SketchFaceError) as caught:
        load(Outer, wrong, "systems.a")
    assert str(caught.value).split("\n") == violations(Outer, wrong, "systems.a")


def test_a_section_that_is_no_mapping():
    assert violations(Outer, None, "systems.a") == [
        "systems.a: None; allowed: a mapping of settings"
    ]
    assert violations(Outer, [1]) == ["Outer: [1]; allowed: a mapping of settings"]


def test_a_number_too_large_for_a_float_is_a_violation_too():
    (line,) = violations(Inner, {"low": 10**400, "high": 1})
    assert line.endswith("allowed: a number >= 0")


def test_borders_of_ranges():
    assert 0 in at_least(0)
    assert 0 not in above(0)
    assert 1e-300 in above(0)
    assert all(value in between(0, 1) for value in (0, 0.5, 1))
    assert not any(value in between(0, 1) for value in (-1e-9, 1.0000001, math.nan, "0", None))
