"""Every parameter has a range, and leaving it is refused by name."""

import dataclasses
import functools
import math

import numpy as np
import pytest

from sketchface_models.errors import SketchFaceError
from synthetic_faces import render_parameters
from synthetic_faces.face_parameters import Mole, Parameters
from synthetic_faces.people.proportions import DISTRIBUTIONS
from synthetic_faces.people.sampling import sample_person
from synthetic_faces.ranges import (
    ALLOWED_WORDS,
    EXPRESSION,
    IDENTITY,
    LEAVES,
    RANGES,
    changed,
    check,
    rounded,
    vector,
)

BASE = sample_person(0, 0)


def put(name: str, value: object) -> Parameters:
    """BASE with one leaf replaced, unchecked."""
    if name in LEAVES:
        group, field = name.split(".")
        leaf = value
    else:
        group, field, part = name.split(".")
        if LEAVES[f"{group}.{field}"].most:
            leaf = (Mole(0.1, 0.5, 0.015)._replace(**{part: value}),)
        else:
            old = getattr(getattr(BASE, group), field)
            channel = ("red", "green", "blue").index(part)
            leaf = tuple(value if k == channel else old[k] for k in range(3))
    inner = dataclasses.replace(getattr(BASE, group), **{field: leaf})
    return dataclasses.replace(BASE, **{group: inner})


def said(name: str) -> str:
    """How an error names a leaf: members of lists by number."""
    group, field, *part = name.split(".")
    return (
        f"{group}.{field}.0.{part[0]}"
        if LEAVES.get(f"{group}.{field}") and (part and LEAVES[f"{group}.{field}"].most)
        else name
    )


@pytest.mark.parametrize("name", sorted(RANGES))
def test_every_number_out_of_range_is_refused_by_name(name):
    allowed = RANGES[name]
    for value in (allowed.low - 0.01, allowed.high + 0.01, math.nan, "wide", None, True):
        with pytest.raises(SketchFaceError) as refused:
            check(put(name, value))
        assert str(refused.value).startswith(f"{said(name)}: ")
        assert f"{allowed.low:g} to {allowed.high:g}" in str(refused.value)
        assert "\n" not in str(refused.value)
    for value in (allowed.low, allowed.high):
        check(put(name, value))


@pytest.mark.parametrize("name", sorted(ALLOWED_WORDS))
def test_every_unknown_word_is_refused_by_name(name):
    with pytest.raises(SketchFaceError) as refused:
        check(put(name, "nonesuch"))
    assert str(refused.value) == f"{name}: 'nonesuch'; allowed: {', '.join(ALLOWED_WORDS[name])}"
    with pytest.raises(SketchFaceError, match=f"^{name}: "):
        check(put(name, np.array(ALLOWED_WORDS[name])))
    for word in ALLOWED_WORDS[name]:
        check(put(name, word))


def test_rendering_refuses_what_is_out_of_range():
    with pytest.raises(SketchFaceError, match=r"^shape\.width: 3; allowed: 0\.85 to 1\.15$"):
        render_parameters(put("shape.width", 3.0), 0, 0, 32)


def test_too_many_moles_are_refused():
    with pytest.raises(SketchFaceError, match=r"^skin\.moles: "):
        check(put("skin.moles", (Mole(0.0, 0.5, 0.01),) * 4))
    with pytest.raises(SketchFaceError, match=r"^skin\.moles\.1: "):
        check(put("skin.moles", (Mole(0.0, 0.5, 0.01), (0.0, 0.5))))


@functools.cache
def people():
    return [sample_person(1, id) for id in range(600)]


def test_sampled_parameters_are_in_range_and_rounded():
    for one in people()[:400]:
        check(one)
        for value in vector(one).values():
            if not isinstance(value, str):
                assert type(value) in (int, float)
                assert value == round(value, 6)


def test_sampled_faces_fill_a_third_of_every_range():
    """Over 300 faces, every parameter of identity spans more than 35 % of its range."""
    table = [vector(one) for one in people()[:300]]
    for name in DISTRIBUTIONS:
        values = np.array([one[name] for one in table])
        assert np.ptp(values) > 0.35 * (RANGES[name].high - RANGES[name].low), name


def test_identity_has_thirty_parameters_and_none_of_the_expression():
    assert len(IDENTITY) >= 30
    assert not set(IDENTITY) & set(EXPRESSION)
    assert set(EXPRESSION) <= set(RANGES)
    assert set(DISTRIBUTIONS) <= set(IDENTITY)


def test_changed_changes_the_named_parameters_and_nothing_else():
    new = changed(BASE, {"mouth.smile": 0.8, "eyes.iris.green": 77, "hair.style": "bob"})
    old, fresh = vector(BASE), vector(new)
    assert fresh["mouth.smile"] == 0.8
    assert fresh["eyes.iris.green"] == 77
    assert new.eyes.iris == (BASE.eyes.iris[0], 77, BASE.eyes.iris[2])
    differ = {name for name in old if old[name] != fresh[name]}
    assert differ <= {"mouth.smile", "eyes.iris.green", "hair.style"}
    both = changed(BASE, {"skin.tone.red": 10.0, "skin.tone.blue": 20.0}).skin.tone
    assert both == (10.0, BASE.skin.tone[1], 20.0)


@pytest.mark.parametrize(
    "name", ["mouth", "mouth.grin", "smile", "skin.moles.x", "", "eyes.iris.alpha", 5]
)
def test_changed_refuses_names_that_do_not_exist(name):
    with pytest.raises(SketchFaceError, match="no such parameter"):
        changed(BASE, {name: 0.1})


def test_changed_refuses_what_is_out_of_range():
    with pytest.raises(SketchFaceError, match=r"^mouth\.smile: 2; allowed: -0\.6 to 1$"):
        changed(BASE, {"mouth.smile": 2.0})


def test_vectors_have_the_same_names():
    names = [list(vector(sample_person(0, id))) for id in range(30)]
    assert all(each == names[0] for each in names)
    assert set(RANGES) - set(names[0]) == {"skin.moles.x", "skin.moles.y", "skin.moles.radius"}


def test_rounding_reaches_everything():
    @dataclasses.dataclass(frozen=True)
    class Nested:
        inner: tuple[Mole, ...]
        word: str

    cut = rounded(Nested((Mole(1 / 3, -1e-9, 2.0),), "as it is"))
    assert cut == Nested((Mole(0.333333, 0.0, 2.0),), "as it is")
    assert math.copysign(1, cut.inner[0].y) == 1


def test_proportions_correlate_as_their_distributions_say():
    """The correlations that `identity` promises show in what it samples."""
    table = [vector(one) for one in people()]

    def correlation(a: str, b: str) -> float:
        return float(np.corrcoef([r[a] for r in table], [r[b] for r in table])[0, 1])

    assert correlation("mouth.upper", "mouth.lower") > 0.5
    assert correlation("nose.width", "nose.height") > 0.15
    assert correlation("shape.fullness", "shape.neck") > 0.1
    assert correlation("shape.chin_length", "shape.width") < -0.02
    assert correlation("shape.brow_ridge", "shape.jaw") > 0.2
    assert correlation("skin.age", "mouth.upper") < -0.1
    assert abs(correlation("skin.tone.red", "nose.width")) < 0.12
