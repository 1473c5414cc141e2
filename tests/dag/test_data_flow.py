"""The page of the data flow names the files, columns and keys that the pipeline writes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pyarrow.parquet as pq
import pytest
from clone_project import Project

from tools.written_files import OUTPUTS, File

PLACEHOLDER = re.compile(r"RUN|SEED|OUTPUT|FIELD|STAGE|STEP|NNNN")


def described() -> Iterator[tuple[File, re.Pattern[str]]]:
    """Every file of the page with the pattern that its paths match."""
    for out, files in OUTPUTS.items():
        for file in files:
            path = str(PurePosixPath(out, file.path))
            parts = [re.escape(part) for part in PLACEHOLDER.split(path)]
            yield file, re.compile("[^/]+".join(parts))


def written(root: Path) -> list[str]:
    folders = [root / "data", root / "reports"]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    names = [path.relative_to(root).as_posix() for path in paths if path.name != ".gitignore"]
    assert names
    return sorted(names)


def test_every_written_file_is_on_the_page(project: Project) -> None:
    patterns = [pattern for _, pattern in described()]
    unknown = [
        name for name in written(project.root) if not any(each.fullmatch(name) for each in patterns)
    ]
    assert unknown == []


def test_every_file_of_the_page_is_written(project: Project) -> None:
    names = written(project.root)
    absent = [
        pattern.pattern
        for file, pattern in described()
        if not file.only and not any(pattern.fullmatch(name) for name in names)
    ]
    assert absent == []


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".csv"])
def test_columns_and_keys_are_those_of_the_page(project: Project, suffix: str) -> None:
    names = [name for name in written(project.root) if name.endswith(suffix)]
    compared = 0
    for file, pattern in described():
        for name in (name for name in names if file.parts and pattern.fullmatch(name)):
            path = project.root / name
            compared += 1
            if suffix == ".parquet":
                assert pq.read_schema(path).equals(file.schema), name
            elif suffix == ".json":
                keys = json.loads(path.read_text(encoding="utf-8")).keys()
                assert keys <= file.parts.keys(), name
                # Keys of some runs alone say so.
                always = {key for key, (_, what) in file.parts.items() if "; of " not in what}
                assert always - keys == set(), name
            else:
                assert path.read_text(encoding="utf-8").splitlines()[0].split(",") == [*file.parts]
    assert compared
