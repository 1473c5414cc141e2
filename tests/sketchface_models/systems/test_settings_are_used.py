"""Every setting of the model side is read somewhere."""

import ast
import dataclasses
from pathlib import Path
from typing import get_type_hints

import pytest

import sketchface_models
from sketchface_models.systems.registry import SYSTEMS
from sketchface_models.systems.run_settings import Augment, Schedule, Task
from sketchface_models.training.engine_settings import Engine

PACKAGE = Path(sketchface_models.__file__).parent
SOURCES = sorted([*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "pipeline").rglob("*.py")])
ACCESSED = {
    node.attr
    for path in SOURCES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.Attribute)
}


def nested(cls: type) -> list[type]:
    """The class and all dataclasses among its fields, at any depth."""
    inner = [hint for hint in get_type_hints(cls).values() if dataclasses.is_dataclass(hint)]
    return [cls, *(deep for each in inner for deep in nested(each))]


@pytest.mark.parametrize(
    "cls",
    [Task, Augment, Schedule, Engine, *(c for s in SYSTEMS.values() for c in nested(s.Settings))],
)
def test_every_field_is_accessed_by_name(cls: type) -> None:
    names = {field.name for field in dataclasses.fields(cls)} - {"system"}  # chooses the class
    assert names - ACCESSED == set()
