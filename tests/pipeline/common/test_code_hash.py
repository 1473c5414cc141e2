"""Which files a module runs: followed on a made-up package tree, and on this project."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.common import code_hash as codehash

FILES = {
    "pipeline/__init__.py": "",
    "pipeline/notes.txt": "not data",
    "pipeline/stages/__init__.py": "",
    "pipeline/stages/draw.py": "import os\nfrom pipeline.shapes import circle\n",
    "pipeline/stages/other.py": "import pipeline.unused\n",
    "pipeline/unused.py": "",
    "pipeline/shapes/__init__.py": "",
    "pipeline/shapes/circle.py": "def f():\n    from sketchface_models import maths as m\n",
    "pipeline/shapes/square.py": "",
    "pipeline/shapes/table.json": "[1]",
    "pipeline/shapes/templates/page.html.j2": "x",
    "pipeline/shapes/deep/__init__.py": "",
    "pipeline/shapes/deep/other.json": "[2]",
    "sketchface_models/__init__.py": "",
    "sketchface_models/maths.py": "import numpy, pipeline.draw\n",
}
RUN_BY_DRAW = [
    "pipeline/__init__.py",
    "pipeline/shapes/__init__.py",
    "pipeline/shapes/circle.py",
    "pipeline/shapes/table.json",
    "pipeline/shapes/templates/page.html.j2",
    "pipeline/stages/__init__.py",
    "pipeline/stages/draw.py",
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
    monkeypatch.setattr(codehash, "ROOT", tmp_path)
    yield tmp_path
    forget()


def forget() -> None:
    codehash.import_closure.cache_clear()
    codehash.code_hash.cache_clear()


def hashed(module: str = "pipeline.draw") -> str:
    forget()
    return codehash.code_hash(module)


def test_closure_follows_imports_packages_and_data(tree: Path):
    closure = codehash.import_closure("pipeline.draw")
    assert [str(path.relative_to(tree)) for path in closure] == RUN_BY_DRAW


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
    assert codehash.module_file("numpy.linalg") is None
    assert codehash.module_file("pipeline.nothing_of_that_name") is None
    assert codehash.module_file("pipeline") == codehash.ROOT / "pipeline" / "__init__.py"


def test_a_real_stage():
    names = {
        str(path.relative_to(codehash.ROOT)) for path in codehash.import_closure("pipeline.train")
    }
    assert {
        "pipeline/train/__main__.py",
        "pipeline/train/training.py",
        "sketchface_models/training/trainer.py",
        "sketchface_models/networks/pix2pix.py",
    } <= names
    assert "pipeline/common/shards.py" not in names
