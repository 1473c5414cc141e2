"""Which of the project's own files a module runs, and a hash of them.

Finished work may be reused only while the code that made it is the same; DVC's dependencies in
`dvc.yaml` must name the same files (a test compares them).
"""

from __future__ import annotations

import ast
import functools
import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sketchface_models", "face_geometry", "synthetic_faces", "pipeline", "sketchface")
DATA = (".json", ".j2", ".npz", ".safetensors")
"""Suffixes of the data files that stand beside the code that reads them."""


def module_file(name: str) -> Path | None:
    """The file of one of the project's own modules, or None for any other name."""
    if name.split(".")[0] not in PACKAGES:
        return None
    base = ROOT.joinpath(*name.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def import_closure(module: str) -> tuple[Path, ...]:
    """Every file of this project that importing `module` can run, sorted.

    Imports inside functions count too, and so do the data files beside them or in a folder of
    their own (such as `templates/`).
    """
    found: dict[Path, None] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = module_file(name)
        if path is None or path in found:
            continue
        found[path] = None
        parts = name.split(".")
        waiting += [".".join(parts[:depth]) for depth in range(1, len(parts))]
        waiting += _imports(path)
    folders = {path.parent for path in found}
    return tuple(sorted({*found, *(file for folder in folders for file in _data_files(folder))}))


@functools.cache
def code_hash(module: str) -> str:
    """SHA-256 (hex) over the names and bytes of `import_closure(module)`."""
    digest = hashlib.sha256()
    for path in import_closure(module):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _data_files(folder: Path) -> list[Path]:
    found = []
    for path in folder.iterdir():
        if path.suffix in DATA:
            found.append(path)
        elif path.is_dir() and not (path / "__init__.py").exists():
            found += _data_files(path)
    return found


def _imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names
