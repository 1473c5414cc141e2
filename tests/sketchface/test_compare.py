"""`sketchface compare` on experiments that lie in git and in DVC's cache alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo
from made_evaluations import summary

from pipeline.common.evaluations import Evaluation, write_evaluation
from pipeline.common.records import Method
from pipeline.common.score_frames import long_frame
from pipeline.common.subsets import ALL
from sketchface.cli import main
from sketchface.experiment_tables import _signed

FACES = [f"face-{i:02d}" for i in range(24)]
ALIKE = np.random.default_rng(0).normal(0, 0.05, len(FACES))
"""What makes a face easy or hard, whoever draws it."""
Command = Callable[..., tuple[int, str, str]]


def git(folder: Path, *words: str) -> None:
    own = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    subprocess.run(["git", *own, *words], cwd=folder, check=True, capture_output=True)


def write_scores(project: Path, run: str, seed: int, mean: float, **changes: object) -> None:
    """Write an evaluation: SSIM of every face about `mean`."""
    about = summary(seed, run=run, n=len(FACES), missing=(), **changes)
    own = np.random.default_rng([seed, int(1000 * mean)]).normal(mean, 0.005, len(FACES))
    scores = long_frame(about, Method.SYSTEM, ALL, "ssim", FACES, own + ALIKE)
    draws = long_frame(about, Method.SYSTEM, ALL, "ssim", [], [])
    faces = pd.DataFrame({"id": FACES, "style": pd.array([1] * len(FACES), dtype="Int8")})
    faces = faces.assign(shared=False, traits=[[] for _ in FACES])
    out = project / "data/evaluate" / run / str(seed) / "sketch"
    out.mkdir(parents=True)
    resampled = draws.drop(columns="id").assign(resample=[])
    write_evaluation(Evaluation(out, about, faces, scores, resampled))


EXPERIMENTS: dict[str, tuple[list[str], list[int], float, dict[str, object]]] = {
    "base": (["hida"], [0], 0.5, {}),
    "higher": (["hida"], [0], 0.56, {}),
    "three": (["hida"], [0, 1, 2], 0.5, {}),
    "three-higher": (["hida", "hida-base"], [0, 1, 2], 0.56, {}),
    "other-protocol": (["hida"], [0], 0.5, {"protocol_any_inputs": "made-128:89abcdef"}),
    "pix2pix": (["pix2pix"], [0], 0.44, {}),
}
"""Name -> runs, seeds, mean SSIM, changes of the summary."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A branch for each experiment, and a folder in which none of them is applied."""
    folder = tmp_path_factory.mktemp("project")
    git(folder, "init", "-q", "-b", "main")
    Repo.init(str(folder)).close()
    (folder / ".gitignore").write_text("/data/evaluate\n")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "start")
    for name, (runs, seeds, mean, changes) in EXPERIMENTS.items():
        git(folder, "checkout", "-q", "-b", name, "main")
        for run in runs:
            for seed in seeds:
                write_scores(folder, run, seed, mean, **changes)
        (folder / "params.yaml").write_text(json.dumps({"run": runs, "seeds": seeds}))
        with Repo(str(folder)) as repo:
            repo.add(str(folder / "data/evaluate"))
        git(folder, "add", "params.yaml", "data/evaluate.dvc")
        git(folder, "commit", "-q", "-m", name)
        shutil.rmtree(folder / "data/evaluate")
    git(folder, "checkout", "-q", "main")
    return folder


@pytest.fixture
def compare(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run the command in the project as a user does: exit status, stdout, stderr."""

    def run(*names: str, where: Path = project) -> tuple[int, str, str]:
        monkeypatch.chdir(where)
        monkeypatch.setattr(sys, "argv", ["sketchface", "compare", *names])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        return int(end.value.code or 0), printed.out, printed.err

    return run


def test_a_table_with_verdicts_of_two_trained_networks(compare: Command, project: Path):
    code, out, _ = compare("base", "higher")
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == [
        "hida: base (seed 0) beside higher (seed 0)",
        "24 faces, protocol made-64:0123abcd",
    ]
    label, arrow, *values = lines[4].split()
    assert (label, arrow, values[-1]) == ("SSIM", "↑", "worse")
    ours, theirs, difference = map(float, values[:3])
    assert difference == pytest.approx(ours - theirs, abs=2e-4)
    # Faces differ much more than the two networks do: the comparison is paired.
    assert difference == pytest.approx(-0.06, abs=0.005)
    assert "They are on these trained networks" in lines[-1]
    assert not (project / "data/evaluate").exists()


def test_small_differences_do_not_read_as_nothing():
    printed = [_signed(each) for each in (0.0312, -0.0005, 0.0, -0.0000312, 4.9e-4)]
    assert printed == ["+0.0312", "-0.0005", "+0.0000", "-3.1e-05", "+4.9e-04"]


def test_three_seeds_of_each_say_something_of_systems(compare: Command):
    code, out, _ = compare("three-higher", "three", "--json")
    assert code == 0
    (own,) = json.loads(out)  # `hida-base` has no partner
    assert own["runs"] == ["hida", "hida"]
    assert own["seeds"] == [[0, 1, 2], [0, 1, 2]]
    (ssim,) = own["measures"]
    assert (ssim["metric"], ssim["verdict"], ssim["scope"]) == ("ssim", "better", "systems")
    low, high = ssim["interval"]
    assert low < ssim["difference"] < high


def test_every_two_of_several_and_runs_of_other_names(compare: Command):
    code, out, _ = compare("base", "three", "pix2pix", "--json")
    assert code == 0
    read = [(each["experiments"], each["runs"], each["measures"]) for each in json.loads(out)]
    assert [each[:2] for each in read] == [
        (["base", "three"], ["hida", "hida"]),
        (["base", "pix2pix"], ["hida", "pix2pix"]),
        (["three", "pix2pix"], ["hida", "pix2pix"]),
    ]
    words = [each[2][0]["verdict"] for each in read]
    assert words == ["undecided", "better", "better"]


def test_other_protocols_are_not_ranked(compare: Command):
    code, out, _ = compare("base", "other-protocol")
    assert code == 0
    assert "not comparable: other protocols" in out
    assert "SSIM" not in out


def test_what_cannot_be_read_is_said_in_one_line(compare: Command, project: Path, tmp_path: Path):
    assert compare("base", "nobody") == (
        1,
        "",
        "error: nobody: no experiment, branch or commit of this project; `dvc exp list` names "
        "them\n",
    )
    assert compare("base", "base")[2] == "error: base: give two experiments or more\n"
    git(tmp_path, "clone", "-q", str(project), "clone")  # without the cache
    git(tmp_path / "clone", "fetch", "-q", "origin", "base:base", "higher:higher")
    code, out, err = compare("base", "higher", where=tmp_path / "clone")
    assert (code, out) == (1, "")
    assert err == (
        "error: base: data/evaluate/hida/0 is not in DVC's cache; `dvc repro` where base is "
        "checked out or applied makes it again\n"
    )
