"""The whole pipeline at smoke scale: its results, and that nothing is done twice."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from clone_project import SMALL, Project, fresh_project

from pipeline.common.parameters import Parameters
from pipeline.common.shards import iter_rows
from sketchface_models.training.pack_reader import Pack

RUNS = {"pix2pix", "pix2pix-photo", "hida"}
"""Those of the fixture `project`."""


def test_the_pipeline_ends_in_a_report(project: Project) -> None:
    metrics = json.loads((project.root / "reports/metrics.json").read_text())
    assert set(metrics) == RUNS
    for name in ("report.md", "scores.csv", "curves.csv", "index.html"):
        assert (project.root / "reports" / name).stat().st_size > 0


def test_nothing_is_done_twice(project: Project) -> None:
    began = time.monotonic()
    done = project.run("dvc", "repro")
    print(f"no-op dvc repro: {time.monotonic() - began:.1f} s")
    assert "up to date" in done.stdout
    assert "Running stage" not in done.stdout


def test_every_face_is_accounted_for(project: Project) -> None:
    index = pq.read_table(project.root / "data/faces/index.parquet").to_pylist()
    assert len(index) == 32
    assert {row["split"] for row in index} == {"train", "val", "test"}
    faces = [row["id"] for row in iter_rows(project.root / "data/landmarks", ["id"])]
    lost = pq.read_table(project.root / "data/landmarks/quarantine.parquet")["id"].to_pylist()
    assert sorted(faces + lost) == sorted(row["id"] for row in index)
    assert len(faces) >= 29


def test_packs_hold_inputs_and_target_alone(project: Project) -> None:
    pack = Pack(project.root / "data/pack/pix2pix")
    assert set(pack.arrays) == {"lines", "sketch"}
    files = {path.name for path in pack.folder.iterdir()}
    assert files == {"pack.json", "lines.npy", "sketch.npy"}


def test_metrics_and_plots_are_declared(project: Project) -> None:
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)
    assert "ssim" in json.dumps(shown)
    project.run(sys.executable, "-m", "tools.offline_plots")
    project.run("dvc", "plots", "show", "-o", str(project.root / ".plots"))
    page = (project.root / ".plots/index.html").read_text()
    assert page.count("vegaEmbed('#") == 2
    # It carries the program that draws, and loads nothing.
    assert "window.vegaEmbed=" in page
    assert not re.findall(r"<(?:script|link)[^>]*(?:src|href)=|(?:src|href)=\"?https?:", page)


def test_one_model_alone_and_the_way_back(project: Project) -> None:
    """`dvc exp run -S model=...` reruns nothing that stands, and leaves a report of that run."""
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "first report")
    overrides = [word for override in SMALL for word in ("-S", override)]
    done = project.run("dvc", "exp", "run", *overrides, "-S", "model=pix2pix-photo")
    assert "Running stage 'train" not in done.stdout
    metrics = json.loads((project.root / "reports/metrics.json").read_text())
    assert set(metrics) == {"pix2pix-photo"}
    project.run("git", "restore", "--staged", "--worktree", ".")
    project.run("dvc", "checkout", "-q", "--allow-missing")
    assert "up to date" in project.run("dvc", "repro").stdout


def test_training_elsewhere_needs_only_pack_and_config(project: Project) -> None:
    config = project.run(
        sys.executable, "-m", "pipeline.train", "pix2pix-photo", "0", "--print-config"
    ).stdout
    (project.root / "config.json").write_text(config)
    project.run(
        *(sys.executable, "-m", "sketchface_models.train", "config.json"),
        *("data/pack/pix2pix-photo", "elsewhere"),
    )
    name = "weights/model.safetensors"
    there = (project.root / "elsewhere" / name).read_bytes()
    assert there == (project.root / "data/train/pix2pix-photo/0" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.xdist_group("default run")
def test_what_the_default_run_has_besides_reaches_the_report(tmp_path: Path) -> None:
    """Its other systems are those of the fixture `project`."""
    project = fresh_project(tmp_path)
    compose = (sys.executable, "-m", "pipeline.compose", *SMALL)
    project.run(*compose)
    runs = Parameters.from_file(project.root / "params.yaml").value("run")
    others = [run for run in runs if run not in RUNS]
    assert others == ["pix2pixhd", "spade", "sketch2face"]
    project.run(*compose, f"run=[{','.join(others)}]")
    project.run("dvc", "repro", SKETCHFACE_JOBS="1")
    metrics = json.loads((project.root / "reports/metrics.json").read_text())
    assert list(metrics) == others


def test_a_temporary_experiment_leaves_the_workspace_alone(project: Project) -> None:
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "as it stands", check=False)
    before = (project.root / "params.yaml").read_bytes()
    overrides = [word for override in SMALL for word in ("-S", override)]
    choice = ("-S", "model=pix2pix-photo", "-S", "seeds=[1]")
    project.run("dvc", "exp", "run", "--temp", "--name", "other-seed", *overrides, *choice)
    assert (project.root / "params.yaml").read_bytes() == before
    shown = json.loads(project.run("dvc", "exp", "show", "--json").stdout)
    assert "other-seed" in json.dumps(shown)
    assert not list((project.root / ".cache/resume").glob("*/state*"))  # it finished


def test_a_killed_experiment_goes_on_where_it_stood(project: Project) -> None:
    """kill -9 on a temporary experiment and all its processes; the workspace's run takes over."""
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "before the kill", check=False)
    steps = "systems.pix2pix-photo.schedule.steps=100"
    choice = [*SMALL, "model=pix2pix-photo", "seeds=[7]", steps]
    words = (word for override in choice for word in ("-S", override))
    command = ["dvc", "exp", "run", *words, "train@pix2pix-photo-7"]
    running = project.start(*command, "--temp")
    store = project.root / ".cache/resume"
    try:
        wait_for(lambda: any(store.glob("*/state*")), running)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    project.run(*command)
    notes = json.loads((project.root / "data/train/pix2pix-photo/7/logs/run.json").read_text())
    assert 0 < notes["resumed_at"] < 100
    curve = (project.root / "data/train/pix2pix-photo/7/logs/steps.jsonl").read_text()
    assert [json.loads(line)["step"] for line in curve.splitlines()] == list(range(100))
    project.run("git", "checkout", "-q", ".")
    project.run("dvc", "checkout", "-q")


def wait_for(done: Callable[[], bool], running: subprocess.Popen, seconds: float = 240) -> None:
    """Until `done()`, while `running` runs."""
    end = time.monotonic() + seconds
    while not done():
        assert running.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end, "nothing to see in time"
        time.sleep(0.05)
