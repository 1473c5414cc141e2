"""Junk under every key of the parameters: `check` accepts it or refuses it in lines."""

from __future__ import annotations

import datetime
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipeline.check.check import check_parameters
from pipeline.common.parameters import Parameters
from pipeline.compose import compose
from sketchface_models.errors import SketchFaceError

JUNK: list[Any] = [
    None, "", -1, 1.5, True, [], [None], [["a"]], {}, {1: 2}, float("nan"), float("-inf"), 10**30,
    "\0", "\ud800", datetime.date(2020, 1, 1), b"x", ["a", "a"], "../..",
]  # fmt: skip
KeyPath = tuple[Any, ...]


def key_paths(value: Any, at: KeyPath = ()) -> Iterator[KeyPath]:
    if at:
        yield at
    if isinstance(value, dict):
        for key in value:
            yield from key_paths(value[key], (*at, key))


def changed(whole: dict, at: KeyPath, junk: Any) -> dict:
    values = pickle.loads(pickle.dumps(whole))
    inside = values
    for key in at[:-1]:
        inside = inside[key]
    inside[at[-1]] = junk
    return values


def one_run_of_each_system(values: dict) -> dict:
    """The parameters with the first run of each system, and those that are named, alone."""
    named = {*values["run"], *values["pretrain"]}
    first = {settings["system"]: name for name, settings in reversed(values["systems"].items())}
    names = named | {*first.values()}
    systems = {name: each for name, each in values["systems"].items() if name in names}
    return values | {"systems": systems}


@pytest.mark.parametrize(("data", "section"), [("synthetic", ""), ("unpaired", "data")])
def test_junk_under_every_key(data: str, section: str, tmp_path: Path) -> None:
    """Two sets have keys of their own below `data`; all others are the same."""
    compose([f"data={data}"], tmp_path / "params.yaml")
    whole = one_run_of_each_system(yaml.safe_load((tmp_path / "params.yaml").read_text()))
    random = np.random.default_rng(0)
    refused = tried = 0
    for at in key_paths(whole):
        if section and at[0] != section:
            continue
        # All of it where sections and choices stand, in the depths one value for half of the keys.
        if len(at) > 2 and random.random() < 0.5:
            continue
        few = 8 if section else 1
        chosen = random.choice(len(JUNK), few) if len(at) > 1 else range(len(JUNK))
        for number in chosen:
            tried += 1
            try:
                parameters = Parameters(changed(whole, at, JUNK[number]))
                check_parameters(parameters)
                parameters.parallel()
            except SketchFaceError as error:
                assert str(error).strip(), json.dumps(at)  # noqa: PT017
                refused += 1
    assert tried > 100
    assert refused > tried / 2
