"""Imports go one way, and nothing is ever unpickled: read from the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sketchface_models

ROOT = Path(sketchface_models.__file__).resolve().parents[0]
PACKAGES = ("sketchface_models", "face_geometry", "synthetic_faces", "pipeline", "sketchface")
FILES = {
    package: sorted(ROOT.joinpath(package).rglob("*.py"))
    for package in (*PACKAGES, "benchmarks", "tools")
}
PICKLES = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal"}
UNPICKLING_CALLS = {
    "torch": {"load", "save", "hub"},
    "joblib": {"load", "dump"},
    "pd": {"read_pickle"},
    "pandas": {"read_pickle"},
    "np": {"fromregex"},
}


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level name of every import, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." if node.level else str(node.module).split(".")[0]


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def offences(package: str, allowed) -> list[str]:
    assert FILES[package]
    return [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in FILES[package]
        for line, name in imported(parse(path))
        if not allowed(name)
    ]


def test_the_model_library_imports_five_things():
    allowed = {"sketchface_models", "torch", "numpy", "lightning_fabric", "safetensors"}
    allowed |= set(sys.stdlib_module_names)
    assert offences("sketchface_models", allowed.__contains__) == []


def test_the_pipeline_never_imports_the_app():
    assert offences("pipeline", lambda name: name != "app") == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_relative_imports(package: str):
    """The import closure in `pipeline.common.code_hash` follows absolute ones."""
    assert offences(package, lambda name: name != ".") == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_library_imports_tests_tools_or_benchmarks(package: str):
    wrong = {"tests", "tools", "benchmarks", "pytest"}
    assert offences(package, lambda name: name not in wrong) == []


def unpickles(tree: ast.AST) -> list[int]:
    """Lines that import a pickle module, or call something that may unpickle."""
    lines = [line for line, name in imported(tree) if name in PICKLES]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in UNPICKLING_CALLS:
            names = {alias.name for alias in node.names}
            lines += [node.lineno] if names & UNPICKLING_CALLS[node.module] else []
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            lines += [node.lineno] if node.attr in UNPICKLING_CALLS.get(node.value.id, ()) else []
        if isinstance(node, ast.Attribute) and node.attr == "read_pickle":
            lines.append(node.lineno)
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            harmless = isinstance(node.value, ast.Constant) and node.value.value is False
            lines += [] if harmless else [node.lineno]
    return sorted(set(lines))


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    from cloudpickle import loads",
        "torch.load(path, weights_only=True)",
        "from torch import load",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "joblib.load(path)",
        "frame.read_pickle(path)",
    ],
)
def test_the_search_finds_what_it_looks_for(source: str):
    assert unpickles(ast.parse(source))


def test_the_search_lets_the_harmless_pass():
    harmless = "np.load(p)\nnp.load(p, allow_pickle=False)\njson.load(f)\nload(cls, values)\n"
    assert unpickles(ast.parse(harmless + "def __reduce__(self): pass\n")) == []


FOREIGN_WEIGHTS = ROOT / "pipeline" / "landmarks" / "face_alignment.py"
"""Reads weights that their authors publish in torch's own format alone."""


@pytest.mark.parametrize("package", FILES)
def test_nothing_is_ever_unpickled(package: str):
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES[package]
        if path != FOREIGN_WEIGHTS
        for line in unpickles(parse(path))
    ]
    assert found == []


def test_foreign_weights_are_read_by_the_reader_that_makes_tensors_alone():
    calls = [
        node
        for node in ast.walk(parse(FOREIGN_WEIGHTS))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert len(calls) == 1
    keywords = {word.arg: ast.unparse(word.value) for word in calls[0].keywords}
    assert keywords["weights_only"] == "True"
