"""Which of the project's own files a module runs, and a hash of them.

Finished work may be reused only while the code that made it is the same. Stored shards are keyed
by `code_hash`; the `code` stage lists the same files without `PLUMBING` for the stages of
`dvc.yaml`.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("sketchface_models", "face_geometry", "synthetic_faces", "pipeline", "sketchface")
DATA = (".json", ".j2", ".npz", ".safetensors")
"""Suffixes of the data files that stand beside the code that reads them."""
PLUMBING = frozenset(
    {
        "pipeline/common/code_hash.py",
        "pipeline/common/parallel.py",
        "pipeline/common/parameters.py",
        "pipeline/common/progress.py",
        "pipeline/common/shard_jobs.py",
        "pipeline/common/shards.py",
        "sketchface_models/atomic.py",
        "sketchface_models/config.py",
        "sketchface_models/errors.py",
    }
)
"""Files that carry bytes and report errors but compute nothing: no stage reruns for a change in
them. The keys of stored shards include them all the same, as `shards.py` writes the bytes."""
NO_REGISTRIES: Mapping[str, Sequence[str]] = MappingProxyType({})


def module_file(name: str) -> Path | None:
    """Return the file of one of the project's own modules, or None for any other name."""
    if name.split(".")[0] not in PACKAGES:
        return None
    base = ROOT.joinpath(*name.split("."))
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def import_closure(
    module: str, registries: Mapping[str, Sequence[str]] = NO_REGISTRIES
) -> tuple[Path, ...]:
    """Return every file of this project that importing `module` can run, sorted.

    Imports inside functions count too, and so do the data files beside the code or in a folder of
    their own (such as `templates/`).

    Args:
        module: dotted name.
        registries: modules that import everything that can be chosen by name, and in place of each
            the modules that are chosen. The registry's own file is left out: it computes nothing.
    """
    files: set[Path] = set()
    pending, done = [module], set()
    while pending:
        name = pending.pop()
        path = module_file(name)
        if path is None or name in done:
            continue
        done.add(name)
        parts = name.split(".")
        pending += [".".join(parts[:depth]) for depth in range(1, len(parts))]
        if name in registries:
            pending += registries[name]
        else:
            files.add(path)
            pending += _imports(path)
    folders = {path.parent for path in files}
    return tuple(sorted({*files, *(file for folder in folders for file in _data_files(folder))}))


@functools.cache
def code_hash(module: str) -> str:
    """Return the SHA-256 (hex) over the names and bytes of `import_closure(module)`."""
    digest = hashlib.sha256()
    for path in import_closure(module):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@functools.cache
def _imports(path: Path) -> tuple[str, ...]:
    """Return the dotted names that a Python file may import: `from a import b` means a and a.b."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.append(node.module)
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def _data_files(folder: Path) -> list[Path]:
    files = []
    for path in folder.iterdir():
        if path.suffix in DATA:
            files.append(path)
        elif path.is_dir() and not (path / "__init__.py").exists():
            files += _data_files(path)
    return files
