"""What both reference pages are made with: docstrings of fields, settings one by one, tables."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import tempfile
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_type_hints

import yaml

from pipeline.compose import compose

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "make docs"
NOTE = f"*Made by `{COMMAND}` from the code; a change here is lost.*"


class Undescribed(Exception):
    """Columns, files or parameters without a description, one a line."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """One parameter: a field of a settings class that is no settings class itself."""

    name: str
    """Dotted, below the section."""
    hint: Any
    default: Any
    """`dataclasses.MISSING` where there is none."""
    meaning: str
    """Its docstring; empty where there is none."""


@cache
def composed() -> dict[str, Any]:
    """Return the parameters that `make params` composes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "params.yaml")
        compose([], path)
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def settings(cls: type, prefix: str = "") -> Iterator[Setting]:
    """Yield the parameters of a settings class, those of settings inside it in their place."""
    hints, docs = get_type_hints(cls, include_extras=True), field_docs(cls)
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        if dataclasses.is_dataclass(hint):
            yield from settings(hint, f"{prefix}{field.name}.")
        else:
            yield Setting(prefix + field.name, hint, _default(field), docs.get(field.name, ""))


def _default(field: dataclasses.Field[Any]) -> Any:
    made = field.default_factory
    return field.default if made is dataclasses.MISSING else made()


def field_docs(cls: type) -> dict[str, str]:
    """Return the docstring behind each field of a dataclass and of its bases, as one line."""
    docs: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if dataclasses.is_dataclass(base):
            docs |= dict(_docs_in_source(base))
    return docs


def _docs_in_source(cls: type) -> Iterator[tuple[str, str]]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
    assert isinstance(definition, ast.ClassDef)
    for field, doc in pairwise(definition.body):
        match field, doc:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, " ".join(text.split())


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: object) -> str:
    """Return text in Markdown's code style; empty text stays empty."""
    return f"`{text}`" if str(text) else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
