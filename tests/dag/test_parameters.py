"""The committed parameters, and which stages each of them reruns."""

import json
import shutil
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from clone_project import ROOT, Project
from dvc.repo import Repo

from pipeline.compose import compose


def test_committed_parameters_are_the_composed_ones(tmp_path: Path) -> None:
    compose([], tmp_path / "params.yaml")
    assert (tmp_path / "params.yaml").read_text() == (ROOT / "params.yaml").read_text()


@pytest.mark.parametrize("data", ["synthetic", "fs2k", "folder"])
@pytest.mark.parametrize("scale", ["smoke", "quick", "cpu", "gpu", "paper"])
def test_every_choice_composes_and_is_valid(tmp_path: Path, data: str, scale: str) -> None:
    from pipeline.check.check import check_parameters
    from pipeline.common.parameters import Parameters

    # Faces of FS2K have no doodles, a folder's no styles either: they cannot feed all models.
    model = {"synthetic": "all", "fs2k": "hida", "folder": "pix2pix-photo"}[data]
    compose([f"data={data}", f"scale={scale}", f"model={model}"], tmp_path / "params.yaml")
    assert "photo" in check_parameters(Parameters.from_file(tmp_path / "params.yaml"))


def test_the_papers_schedules_count_epochs_of_the_same_faces() -> None:
    """Of FS2K's 1,058 training faces 42 are for validation (docs/results/fs2k.md)."""
    faces = 1058 - 42
    scale = yaml.safe_load((ROOT / "conf/scale/paper.yaml").read_text(encoding="utf-8"))
    for row, epochs in {"pix2pix": 50, "isola": 200, "cyclegan": 200, "hida": 800}.items():
        assert scale[row]["steps"] == epochs * faces / scale[row]["batch"], row
    for batch in (1, 4, 16):
        assert scale["pix2pix"][f"batch_{batch}_steps"] == 50 * faces / batch
    assert set(scale["fs2k"].values()) == {200 * faces}


OF_MADE_LINES = ("contours.roughness", "contours.seed")
"""Read for faces without drawn lines, which built-in faces have."""
STRIDE = 10
"""Of so many parameters one is flipped."""


def leaves(values: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield from leaves(value, (*where, key))
    else:
        yield where, values


def telling(values: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The leaves, but of each system that is not run the first alone: nothing reads the others.

    Of runs of one system, the first stands for all.
    """
    systems = values["systems"]
    of_system = {systems[run]["system"]: run for run in reversed(values["run"])}
    first: set[str] = set()
    for where, value in leaves(values):
        if where[0] == "systems" and where[1] not in of_system.values():
            if where[1] in first or where[1] in values["run"]:
                continue
            first.add(where[1])
        yield where, value


def flipped(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list):
        # Fewer entries: the items that stay are what DVC is asked about. `pretrain` has none.
        if not value:
            return ["hida-base"]
        more = 7 if isinstance(value[0], int) else "photo"
        return value[:-1] if len(value) > 1 else [*value, more]
    return f"{value}-flipped"


def changed_by_params(status: dict[str, Any]) -> set[str]:
    """Stages that DVC would rerun because of a parameter or a moved dependency."""
    return {
        stage
        for stage, entries in status.items()
        if any(isinstance(e, dict) and "changed deps" in e for e in entries)
    }


def test_flipping_a_parameter_reruns_the_stages_that_read_it(project: Project) -> None:
    """For each `STRIDE`-th leaf: stages DVC would rerun == stages that read it."""
    reads: dict[str, set[str]] = {name: {"contours"} for name in OF_MADE_LINES}
    for record in project.reads.glob("*.json"):
        for leaf in json.loads(record.read_text()):
            reads.setdefault(leaf, set()).add(record.stem)
    path = project.root / "params.yaml"
    original = path.read_text()
    names = {stage.name for stage in Repo(str(project.root)).index.stages}
    wrong = {}
    try:
        for where, value in islice(telling(yaml.safe_load(original)), 0, None, STRIDE):
            values = yaml.safe_load(original)
            inner = values
            for key in where[:-1]:
                inner = inner[key]
            inner[where[-1]] = flipped(value)
            path.write_text(yaml.safe_dump(values, sort_keys=False))
            rerun = changed_by_params(project.status()) & names
            leaf = ".".join(where)
            seen = {s for name, stages in reads.items() if covers(name, leaf) for s in stages}
            if leaf in ("run", "seeds"):  # items that went with the flip cannot be asked
                seen = {s for s in seen if "@" not in s}
                rerun = {s for s in rerun if "@" not in s}
            if rerun != seen:
                wrong[leaf] = {"would rerun": sorted(rerun), "read it": sorted(seen)}
    finally:
        path.write_text(original)
    assert not wrong, json.dumps(wrong, indent=2)
    assert reads["data.size"] == {"check", "edits", "faces"}
    assert reads["systems.pix2pix.task.size"] == {"pack@pix2pix", "train@pix2pix-0", "check"}
    assert reads["systems.pix2pix.loss.l1"] == {"train@pix2pix-0", "check"}


def covers(name: str, leaf: str) -> bool:
    """Whether reading `name` (a leaf, or a whole mapping) read `leaf`."""
    return leaf == name or leaf.startswith(name + ".")


def test_all_violations_are_listed_at_once(project: Project, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    values = yaml.safe_load((project.root / "params.yaml").read_text())
    values["data"]["size"] = "large"
    values["augment"]["shift"] = -1
    values["systems"]["pix2pix"]["network"]["width"] = 0
    values["engine"]["devise"] = "gpu"
    values["run"] = ["pix3pix"]
    (copy / "params.yaml").write_text(yaml.safe_dump(values))
    done = Project(copy).run(
        sys.executable, "-m", "pipeline.check", check=False, PYTHONPATH=str(ROOT)
    )
    assert done.returncode == 1
    assert not (copy / "data").exists()
    lines = done.stderr.strip().split("\n")
    width = "systems.pix2pix.network.width"
    for key in ("data.size", "augment.shift", width, "engine.devise", "run"):
        problems = [line for line in lines if line.startswith(f"error: check: {key}: ")]
        assert len(problems) == 1, lines
    assert len(lines) == 5
    shutil.rmtree(copy)


def test_a_run_the_data_cannot_feed_is_refused_before_any_work(tmp_path: Path) -> None:
    compose(["data=folder", f"data.root={tmp_path}", "data.sketches=''"], tmp_path / "params.yaml")
    done = Project(tmp_path).run(
        sys.executable, "-m", "pipeline.check", check=False, PYTHONPATH=str(ROOT)
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cannot feed" in done.stderr
    assert "it can feed: pix2pixhd, pix2pixhd-m1" in done.stderr
