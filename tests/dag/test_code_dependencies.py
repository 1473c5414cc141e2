"""`dvc.yaml` names the code that each stage runs: no more, no less."""

from pathlib import Path

import pytest
import yaml
from clone_project import ROOT

from pipeline.common.code_hash import import_closure

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
CODE = ("pipeline", "sketchface_models", "app")
PLUMBING = {
    # These carry bytes and report errors but make nothing: a change in them need not retrain.
    *(
        "pipeline/common/code_hash.py",
        "pipeline/common/parallel.py",
        "pipeline/common/shards.py",
        "pipeline/common/parameters.py",
    ),
    *("sketchface_models/atomic.py", "sketchface_models/config.py", "sketchface_models/errors.py"),
}


def declared(stage: dict) -> list[Path]:
    # The built-in faces' root is the generator itself.
    deps = [dep.replace("${data.root}", "synthetic_faces") for dep in stage["deps"]]
    return [ROOT / dep for dep in deps if Path(dep).parts[0] in CODE]


@pytest.mark.parametrize("name", STAGES)
def test_declared_code_is_the_import_closure(name: str) -> None:
    closure = import_closure(f"pipeline.{name}")
    listed = declared(STAGES[name])
    missing = [
        str(path.relative_to(ROOT))
        for path in closure
        if not any(path == dep or dep in path.parents for dep in listed)
        and str(path.relative_to(ROOT)) not in PLUMBING
        and path.name != "__init__.py"
    ]
    idle = [
        str(dep.relative_to(ROOT))
        for dep in listed
        if dep.name != "parsers" and not any(path == dep or dep in path.parents for path in closure)
    ]
    assert (missing, idle) == ([], [])
