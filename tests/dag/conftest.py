"""A whole project in a temporary folder, run once at smoke scale for all tests that look at it."""

import sys

import pytest
from clone_project import SMALL, Project, fresh_project

RUNS = ["run=[pix2pix,pix2pix-photo,hida]", "pretrain=[]"]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after `dvc repro` of three runs, each stage having noted what it read."""
    project = fresh_project(tmp_path_factory.mktemp("project"))
    project.run(sys.executable, "-m", "pipeline.compose", *SMALL, *RUNS)
    project.run("dvc", "repro", SKETCHFACE_RECORD_READS=str(project.reads), SKETCHFACE_JOBS="1")
    return project
