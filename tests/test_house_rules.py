"""Imports go one way and in no circle, a name means one thing, and nothing is ever unpickled."""

import ast
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sketchface_models

ROOT = Path(sketchface_models.__file__).resolve().parents[1]
PACKAGES = ("sketchface_models", "face_geometry", "synthetic_faces", "pipeline", "sketchface")
"""In the order of imports: each may import those before it."""
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


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_one_way(package: str):
    """sketchface -> pipeline -> synthetic_faces -> face_geometry -> sketchface_models."""
    above = PACKAGES[PACKAGES.index(package) + 1 :]
    assert offences(package, lambda name: name not in above) == []


def test_the_packages_are_what_gets_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    include = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {pattern.rstrip(".*") for pattern in include} == set(PACKAGES)
    assert set(project["tool"]["mypy"]["packages"]) == set(PACKAGES)


DISTRIBUTIONS = {
    "cv2": "opencv-contrib-python",
    "hydra": "hydra-core",
    "markdown_it": "markdown-it-py",
    "PIL": "pillow",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
"""Import name -> the distribution that brings it, where they differ by more than a dash."""


def declared(*extras: str) -> set[str]:
    """Distributions that `pip install sketchface[extras]` asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][e] for e in extras)]
    return {re.match(r"[\w.-]+", each)[0].lower() for names in lists for each in names}


def test_every_library_that_is_imported_is_declared():
    installed = declared("pipeline", "onnx", "cluster", "face-alignment")
    known = {*PACKAGES, *sys.stdlib_module_names}
    names = {name for p in PACKAGES for path in FILES[p] for _, name in imported(parse(path))}
    wanted = {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in names - known}
    assert wanted - installed == set()


def module_name(path: Path) -> str:
    """Dotted name of a file, `package.__init__` for a package's own module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def resolved(name: str) -> str:
    """The module that importing `name` reads: itself, the package's own, or where `name` stands."""
    while name:
        path = ROOT.joinpath(*name.split("."))
        if path.with_suffix(".py").is_file():
            return name
        if (path / "__init__.py").is_file():
            return f"{name}.__init__"
        name = name.rpartition(".")[0]
    return ""


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """Our modules that a file imports, in functions too, but not for type checking alone."""
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from filter(None, map(resolved, names))


def circles(edges: dict[str, set[str]], within: str) -> list[str]:
    """One circle in each folder below `within` whose folders and modules import in a circle.

    Args:
        edges: full name of a module -> those it imports.
        within: dotted name of a folder; its nodes are the folders and the modules in it.
    """
    depth = within.count(".") + 1
    graph: dict[str, set[str]] = {}
    for module, targets in edges.items():
        if module.startswith(f"{within}."):
            node = module.split(".")[depth]
            inside = {t.split(".")[depth] for t in targets if t.startswith(f"{within}.")}
            graph.setdefault(node, set()).update(inside - {node})
    try:
        TopologicalSorter(graph).prepare()
        wrong = []
    except CycleError as error:
        wrong = [f"{within}: {' <- '.join(error.args[1])}"]
    folders = {m.split(".")[depth] for m in edges if m.startswith(f"{within}.")} - {
        m.split(".")[depth] for m in edges if m.startswith(f"{within}.") and m.count(".") == depth
    }
    return wrong + [each for f in sorted(folders) for each in circles(edges, f"{within}.{f}")]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_folders_or_modules_import_in_a_circle(package: str):
    edges = {module_name(path): set(imported_modules(parse(path))) for path in FILES[package]}
    assert circles(edges, package) == []


def test_circles_are_found_at_every_level():
    straight = {"p.a.x": {"p.b.y"}, "p.b.y": {"p.c"}, "p.c": set()}
    assert circles(straight, "p") == []
    assert circles(straight | {"p.c": {"p.a.z"}, "p.a.z": set()}, "p") != []
    assert circles({"p.a.x": {"p.a.y"}, "p.a.y": {"p.a.x"}}, "p") == ["p.a: x <- y <- x"]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_relative_imports(package: str):
    """The import closure in `pipeline.common.code_hash` follows absolute ones."""
    assert offences(package, lambda name: name != ".") == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_library_imports_tests_tools_or_benchmarks(package: str):
    wrong = {"tests", "tools", "benchmarks", "pytest"}
    assert offences(package, lambda name: name not in wrong) == []


SHARED_NAMES = {
    "base": "the interface that the other files of a folder implement",
    "registry": "the list of what a folder offers, by name",
    "cyclegan": "one method: its generator and its system",
    "hida": "one method: its losses and its system",
    "isola": "one method: its networks and its system",
    "pix2pix": "one method: its networks and its system",
    "pix2pixhd": "one method: its networks and its system",
    "spade": "one method: its networks and its system",
    "sketch2face": "one method: its networks and its system",
    "feed": "the training feed, and the benchmark of it",
    "landmarks": "the stage's main module, and the benchmark of the stage",
}
"""Modules that bear one name because they are one idea in several places."""


def test_modules_of_one_name_are_one_idea():
    entry_points = {"__init__", "__main__"}
    names = Counter(path.stem for paths in FILES.values() for path in paths)
    shared = {name for name, count in names.items() if count > 1} - entry_points
    assert shared == set(SHARED_NAMES), "rename one of them, or say here why they share a name"


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


FOREIGN_WEIGHTS = (
    ROOT / "pipeline" / "landmarks" / "face_alignment.py",
    ROOT / "sketchface_models" / "pretrained" / "published.py",
)
"""Read weights that their authors publish in torch's own format alone."""


@pytest.mark.parametrize("package", FILES)
def test_nothing_is_ever_unpickled(package: str):
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES[package]
        if path not in FOREIGN_WEIGHTS
        for line in unpickles(parse(path))
    ]
    assert found == []


@pytest.mark.parametrize("path", FOREIGN_WEIGHTS, ids=lambda path: path.stem)
def test_foreign_weights_are_read_by_the_reader_that_makes_tensors_alone(path: Path):
    calls = [
        node
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"
    ]
    assert len(calls) == 1
    keywords = {word.arg: ast.unparse(word.value) for word in calls[0].keywords}
    assert keywords["weights_only"] == "True"
