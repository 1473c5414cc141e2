"""Which files a module runs: followed on a made-up package tree, and on this project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common import code_hash as module

FILES = {
    "pipeline/__init__.py": "",
    "pipeline/notes.txt": "not data",
    "pipeline/draw/__init__.py": "",
    "pipeline/draw/__main__.py": "import os\nfrom pipeline.shapes import circle\n",
    "pipeline/draw/other.py": "import pipeline.unused\n",
    "pipeline/unused.py": "",
    "pipeline/shapes/__init__.py": "",
    "pipeline/shapes/circle.py": "def f():\n    from sketchface_models import maths as m\n",
    "pipeline/shapes/square.py": "",
    "pipeline/shapes/table.json": "[1]",
    "pipeline/shapes/templates/page.html.j2": "x",
    "pipeline/shapes/deep/__init__.py": "",
    "pipeline/shapes/deep/other.json": "[2]",
    "sketchface_models/__init__.py": "",
    "sketchface_models/maths.py": "import numpy, pipeline.draw.__main__\n",
}
RUN_BY_DRAW = [
    "pipeline/__init__.py",
    "pipeline/shapes/__init__.py",
    "pipeline/shapes/circle.py",
    "pipeline/shapes/table.json",
    "pipeline/shapes/templates/page.html.j2",
    "pipeline/draw/__init__.py",
    "pipeline/draw/__main__.py",
    "sketchface_models/__init__.py",
    "sketchface_models/maths.py",
]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    forget()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    yield tmp_path
    forget()


def forget() -> None:
    module._imports.cache_clear()
    module.code_hash.cache_clear()


def hashed(name: str = "pipeline.draw.__main__") -> str:
    forget()
    return module.code_hash(name)


def test_closure_follows_imports_packages_and_data(tree: Path):
    closure = module.import_closure("pipeline.draw.__main__")
    assert [str(path.relative_to(tree)) for path in closure] == sorted(RUN_BY_DRAW)


@pytest.mark.parametrize("name", RUN_BY_DRAW)
def test_hash_changes_with_every_file_of_the_closure(tree: Path, name: str):
    before = hashed()
    (tree / name).write_text(FILES[name] + "\n# more")
    assert hashed() != before


@pytest.mark.parametrize("name", sorted(FILES.keys() - set(RUN_BY_DRAW)))
def test_hash_does_not_change_with_any_other_file(tree: Path, name: str):
    before = hashed()
    (tree / name).write_text(FILES[name] + "\n# more")
    assert hashed() == before


def test_hash_depends_on_names_too(tree: Path):
    before = hashed()
    table = tree / "pipeline" / "shapes" / "table.json"
    table.rename(table.with_name("renamed.json"))
    assert hashed() != before


def test_foreign_names_have_no_file():
    assert module.module_file("numpy.linalg") is None
    assert module.module_file("pipeline.nothing_of_that_name") is None
    assert module.module_file("pipeline") == module.ROOT / "pipeline" / "__init__.py"


def test_a_registry_is_followed_to_what_is_chosen(tree: Path):
    (tree / "pipeline/draw/__main__.py").write_text("from pipeline.shapes import shape_of\n")
    (tree / "pipeline/shapes/__init__.py").write_text("from pipeline.shapes import circle, square")

    def closure(registries: dict[str, list[str]]) -> set[str]:
        forget()
        paths = module.import_closure("pipeline.draw.__main__", registries)
        return {
            path.relative_to(tree / "pipeline").as_posix()
            for path in paths
            if "shapes" in path.parts
        }

    tables = {"shapes/table.json", "shapes/templates/page.html.j2"}
    assert closure({"pipeline.shapes": ["pipeline.shapes.square"]}) == {"shapes/square.py"} | tables
    assert closure({"pipeline.shapes": []}) == set()
    assert {"shapes/__init__.py", "shapes/circle.py", "shapes/square.py"} <= closure({})
