"""`docs/your-own-method.md` works as it stands: from its code blocks to rows in the report."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
from clone_project import ROOT, SMALL, Project

PAGE = (ROOT / "docs/your-own-method.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"`((?:conf|sketchface_models)/[\w./-]+\.(?:py|yaml))`")


def apply_page(root: Path) -> list[str]:
    """Carry out the page's steps in a project; returns the files that they wrote or changed."""
    changed = []
    for block in BLOCK.finditer(PAGE):
        kind, text = block.groups()
        path = root / NAMED.findall(PAGE[: block.start()])[-1]  # the file that was named last
        if kind == "diff":
            replace(path, text)
        elif kind in ("python", "yaml"):
            assert not path.exists()
            path.write_text(text, encoding="utf-8")
        if kind != "bash":
            changed.append(path.relative_to(root).as_posix())
    return changed


def replace(path: Path, diff: str) -> None:
    """Apply one change: lines with a minus or blank make place for those with a plus or blank."""
    lines = diff.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if line[0] in " -")
    new = "".join(f"{line[1:]}\n" for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} has no longer what the page changes: {old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def with_method(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the finished project in which the page was followed to its end."""
    mine = project.copy(tmp_path_factory.mktemp("method") / "project")
    apply_page(mine.root)
    mine.run(sys.executable, "-m", "pipeline.compose", *SMALL, "model=residual")
    mine.run("dvc", "repro", SKETCHFACE_JOBS="1")
    return mine


def test_the_page_touches_the_files_it_says(tmp_path: Path) -> None:
    for folder in ("sketchface_models/systems", "conf"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    assert sorted(set(apply_page(tmp_path))) == [
        *("conf/config.yaml", "conf/model/residual.yaml", "conf/system/residual.yaml"),
        *("sketchface_models/systems/registry.py", "sketchface_models/systems/residual.py"),
    ]


def test_the_new_system_has_a_row_in_the_report(with_method: Project) -> None:
    report = (with_method.root / "reports/report.md").read_text(encoding="utf-8")
    rows = {line.split("|")[1].split(",")[0].strip() for line in report.splitlines() if "|" in line}
    assert {"**residual**", "**pix2pix-photo**"} <= rows
    scores = pd.read_csv(with_method.root / "reports/scores.csv")
    assert {"residual", "pix2pix-photo"} == set(scores["run"])


def test_other_systems_are_not_trained_again(project: Project, with_method: Project) -> None:
    def weights(root: Path) -> bytes:
        return (root / "data/train/pix2pix-photo/0/weights/model.safetensors").read_bytes()

    old = project.root / "data/train/pix2pix-photo/0/weights/model.safetensors"
    new = with_method.root / "data/train/pix2pix-photo/0/weights/model.safetensors"
    assert weights(with_method.root) == weights(project.root)
    assert new.stat().st_mtime == old.stat().st_mtime
