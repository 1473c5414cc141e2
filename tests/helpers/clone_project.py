"""Copies of this repository in temporary folders, each with its own git and DVC."""

import os
import shutil
import subprocess
import sys
from contextlib import chdir
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo
from dvc.utils.serialize import _yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSED = {
    *("pix2pix", "pix2pix-photo", "pix2pix-photo-transposed", "pix2pixhd", "spade"),
    *("sketch2face", "vae-wgan-photo", "vae-wgan-doodle", "hida", "hida-base", "pictures"),
}
"""Systems of a small project: DVC reads all parameters several times for each stage."""
SMALL = [
    "scale=smoke",
    *(
        f"~system@systems.{name}"
        for name in yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["systems"]
        if name not in COMPOSED
    ),
    "data.count=24",
    "data.test_count=8",
    "data.size=128",
    "data.shards=2",
    "evaluate.samples=4",
    "style.steps=20",
    "engine.validate_every=6",
    "engine.checkpoint_every=5",
]


class Project:
    """A clone's working tree with its own git and DVC."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.reads = root / ".reads"

    def run(
        self, *command: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess:
        """Run a command in the project with this interpreter first on the path."""
        done = subprocess.run(
            command,
            cwd=self.root,
            env=self._environment(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            pytest.fail(f"{' '.join(command)}: {done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done

    def start(self, *command: str, **environment: str) -> subprocess.Popen:
        """Start a command likewise, leader of a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.root,
            env=self._environment(environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def copy(self, folder: Path) -> "Project":
        """This project with all that it has made, in a folder that is not there yet."""
        shutil.copytree(self.root, folder, symlinks=True)
        return Project(folder)

    def status(self) -> dict[str, Any]:
        """What `dvc status` says, by stage.

        DVC parses params.yaml anew for each stage, which takes most of its time; here once.
        """
        parse = lru_cache(maxsize=4)(_yaml.parse_yaml)
        with chdir(self.root), pytest.MonkeyPatch.context() as patch:
            patch.setattr(_yaml, "parse_yaml", lambda *args, **typ: deepcopy(parse(*args, **typ)))
            return Repo().status()

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {"PATH": path, "PYTHONPATH": str(self.root)} | more


def tracked_files() -> list[str]:
    """What a fresh clone would hold: tracked files, and new ones that git does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def fresh_project(folder: Path) -> Project:
    """A committed copy of this repository."""
    for name in tracked_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    (folder / "dvc.lock").unlink(missing_ok=True)
    project = Project(folder)
    project.run("git", "init", "-q", "-b", "main")
    project.run("git", "config", "user.name", "Test")
    project.run("git", "config", "user.email", "test@example.org")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "copy")
    return project
