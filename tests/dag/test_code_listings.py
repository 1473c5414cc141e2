"""Which stages a change of code reruns: those that can reach it, and no others."""

import sys
from collections.abc import Callable, Iterator

import pytest
import yaml
from clone_project import ROOT, Project

from pipeline.code.listings import BY_RUN, code_listings, stages

DEFINED = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
WEIGHTS = "sketchface_models/pretrained/parsers"
SHARED = {"pretrain": "train", "pretrain-pack": "pack"}
"""Stages that run the command of another."""
RUNS = {"pix2pix-0", "pix2pix-photo-0", "hida-0"}


def test_every_stage_depends_on_its_listing_alone():
    assert set(stages()) == DEFINED.keys() - {"code", *SHARED}
    for name, stage in DEFINED.items():
        listings = [dep for dep in stage["deps"] if dep.startswith("data/code/")]
        code = SHARED.get(name, name)
        own = f"data/code/{code}" + ("/${item.run}" if code in BY_RUN else "")
        assert listings == ([] if name == "code" else [own])


def test_stages_that_load_a_parser_depend_on_its_weights():
    systems = yaml.safe_load((ROOT / "params.yaml").read_text())["systems"]
    loading = {
        name.split("/")[0]
        for name, listing in code_listings("synthetic", systems).items()
        if "sketchface_models/pretrained/parsers.py" in listing
    }
    depending = {name for name, stage in DEFINED.items() if WEIGHTS in stage["deps"]}
    running = loading - {"check", "start", "report"}  # which run no network
    assert depending == running | {"pretrain"}  # whose code is that of `train`


def test_a_listing_has_the_form_that_sha256sum_checks(project: Project):
    for name in ("faces", "train/hida"):
        project.run("sha256sum", "--check", "--quiet", f"data/code/{name}")


@pytest.fixture(scope="module")
def stale_after(project: Project) -> Iterator[Callable[[str], set[str]]]:
    """For a file that ends in one more comment: stages that DVC would rerun after `code`.

    Others may follow from what these write.
    """
    command = (sys.executable, "-m", "pipeline.code")

    def stale(name: str) -> set[str]:
        path = project.root / name
        before = path.read_text()
        try:
            path.write_text(f"{before}\n# One more comment.\n")
            project.run(*command)
            return set(project.status()) - {"code"}
        finally:
            path.write_text(before)

    yield stale
    project.run(*command)


def of_runs(*runs: str) -> set[str]:
    """The stages that execute a run's system, and those that know every system."""
    return {f"{stage}@{run}" for stage in BY_RUN for run in runs} | {"check", "report"}


def test_a_system_reruns_its_own_runs_alone(stale_after: Callable[[str], set[str]]):
    assert stale_after("sketchface_models/systems/pix2pix.py") == of_runs("pix2pix-0")


def test_a_network_reruns_the_systems_that_use_it(stale_after: Callable[[str], set[str]]):
    assert stale_after("sketchface_models/networks/hida/generator.py") == of_runs("hida-0")


def test_what_two_systems_share_reruns_both(stale_after: Callable[[str], set[str]]):
    stale = stale_after("sketchface_models/networks/training_mode.py")
    assert stale == of_runs("pix2pix-0", "pix2pix-photo-0")


def test_the_trainer_reruns_every_training(stale_after: Callable[[str], set[str]]):
    assert stale_after("sketchface_models/training/trainer.py") == {f"train@{run}" for run in RUNS}


def test_a_new_system_reruns_no_other(stale_after: Callable[[str], set[str]]):
    assert stale_after("sketchface_models/systems/registry.py") == {"check", "report"}


def test_the_report_reruns_alone(stale_after: Callable[[str], set[str]]):
    assert stale_after("pipeline/report/page.py") == {"report"}


def test_another_data_set_reruns_nothing(stale_after: Callable[[str], set[str]]):
    assert stale_after("pipeline/datasets/fs2k.py") == {"check"}
