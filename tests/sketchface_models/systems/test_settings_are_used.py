"""Every setting of the model side is looked at somewhere: none stands for show."""

import ast
import dataclasses
from pathlib import Path

import pytest

import sketchface_models
from sketchface_models.systems.base import Augment, Schedule, Task
from sketchface_models.systems.registry import SYSTEMS
from sketchface_models.training.settings import Engine

SOURCES = sorted(Path(sketchface_models.__file__).parent.rglob("*.py"))
ACCESSED = {
    node.attr
    for path in SOURCES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Attribute)
}


def nested(cls: type) -> list[type]:
    inner = [f.type for f in dataclasses.fields(cls)]
    module = vars(__import__(cls.__module__, fromlist=["_"]))
    found = [
        module[t] for t in inner if isinstance(t, str) and dataclasses.is_dataclass(module.get(t))
    ]
    return [cls, *(deep for each in found for deep in nested(each))]


@pytest.mark.parametrize(
    "cls",
    [Task, Augment, Schedule, Engine, *(c for s in SYSTEMS.values() for c in nested(s.Settings))],
)
def test_every_field_is_accessed_by_name(cls: type) -> None:
    names = {field.name for field in dataclasses.fields(cls)} - {"system"}  # chooses the class
    assert names - ACCESSED == set()
