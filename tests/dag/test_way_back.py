"""README's way back from experiments, in a small DVC project that is cloned without its cache.

The project stands for this one: what its stages write differs from machine to machine, as rounding
does, so the committed dvc.lock names what is in nobody else's cache.
"""

from pathlib import Path

import pytest
import yaml
from clone_project import Project
from readme_commands import command

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("way back")]

STAGE = "echo {name} >> $RAN && mkdir -p {folder} && cat {inputs} > {out} && echo $MACHINE >> {out}"


def stage(name: str, inputs: str, out: str, cache: bool) -> dict[str, object]:
    folder = str(Path(out).parent)
    return {
        "cmd": STAGE.format(name=name, folder=folder, inputs=inputs, out=out),
        "deps": [inputs],
        "params": ["rate"],
        "outs": [out if cache else {out: {"cache": False}}],
    }


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with committed results of machine one."""
    project = Project(tmp_path_factory.mktemp("upstream"))
    stages = {
        "train": stage("train", "code.txt", "data/train/weights", True),
        "report": stage("report", "data/train/weights", "reports/report.md", False),
    }
    project.run("git", "init", "-q", "-b", "main")
    project.run("dvc", "init", "-q")
    project.run("dvc", "config", "core.analytics", "false")
    (project.root / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    (project.root / "params.yaml").write_text("rate: 1\n")
    (project.root / "code.txt").write_text("code\n")
    (project.root / ".gitignore").write_text("/data/\n")
    project.run("dvc", "repro", "-q", MACHINE="one", RAN=str(project.root.parent / "ran-upstream"))
    commit(project)
    return project


def commit(project: Project) -> None:
    project.run("git", "config", "user.name", "Test")
    project.run("git", "config", "user.email", "test@example.org")
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "results")


class Clone:
    """A fresh clone on machine two, whose cache is empty."""

    def __init__(self, upstream: Project, folder: Path) -> None:
        self.project = Project(folder / "clone")
        self.ran = folder / "ran"
        upstream.run("git", "clone", "-q", str(upstream.root), str(self.project.root))
        for key, value in (("user.name", "Test"), ("user.email", "test@example.org")):
            self.project.run("git", "config", key, value)

    def run(self, *words: str) -> str:
        return self.project.run(*words, MACHINE="two", RAN=str(self.ran)).stdout

    def shell(self, beginning: str) -> str:
        """Run README's command that begins so."""
        return self.run("bash", "-c", command(beginning))

    def back(self) -> None:
        self.shell("git restore --staged --worktree .")
        assert self.run("git", "status", "--porcelain") == ""
        assert self.read("params.yaml") == "rate: 1\n"

    def experiment(self, name: str, rate: int) -> None:
        self.run("dvc", "exp", "run", "-q", "-n", name, "-S", f"rate={rate}")
        assert self.read("params.yaml") == f"rate: {rate}\n"

    def trainings(self) -> int:
        return self.ran.read_text().split().count("train") if self.ran.exists() else 0

    def read(self, path: str) -> str:
        return (self.project.root / path).read_text()


@pytest.fixture
def clone(upstream: Project, tmp_path: Path) -> Clone:
    return Clone(upstream, tmp_path)


def test_back_in_a_clone_that_has_run_experiments_alone(clone: Clone):
    clone.experiment("other", 2)
    assert clone.read("data/train/weights") == "code\ntwo\n"
    clone.back()
    assert not (clone.project.root / "data/train/weights").exists()
    # Nothing of the experiment is lost, nor does it have to be run again.
    clone.run("dvc", "exp", "apply", "other")
    assert clone.read("data/train/weights") == "code\ntwo\n"
    assert "up to date" in clone.run("dvc", "repro")
    # And back from what was applied.
    clone.back()
    clone.shell("rm dvc.lock")
    assert clone.trainings() == 2  # with the committed settings, which nothing had run here yet
    assert clone.read("data/train/weights") == "code\ntwo\n"


def test_back_in_a_clone_that_has_run_make_repro(clone: Clone):
    clone.run("dvc", "repro", "-q")
    assert clone.trainings() == 1
    # As README says, git shows that this machine computes otherwise.
    changed = clone.run("git", "status", "--porcelain").split()
    assert set(changed[1::2]) == {"dvc.lock", "reports/report.md"}
    clone.experiment("other", 2)
    assert clone.trainings() == 2
    clone.back()
    clone.shell("rm dvc.lock")
    assert clone.read("data/train/weights") == "code\ntwo\n"
    assert clone.trainings() == 2  # from the cache


def test_back_where_the_own_results_are_committed(clone: Clone):
    clone.run("dvc", "repro", "-q")
    clone.run("git", "commit", "-q", "-m", "Run here", "dvc.lock", "reports")
    clone.experiment("other", 2)
    clone.back()
    assert clone.read("data/train/weights") == "code\ntwo\n"
    assert "up to date" in clone.run("dvc", "repro")
    assert clone.trainings() == 2
