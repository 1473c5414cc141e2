"""What every system must offer."""

from pathlib import Path

import pytest
import yaml

from sketchface_models.config import load
from sketchface_models.systems.base import Output, System
from sketchface_models.systems.registry import SYSTEMS, system_class

PARAMS = yaml.safe_load((Path(__file__).resolve().parents[3] / "params.yaml").read_text("utf-8"))


def test_a_system_that_lacks_a_method_is_refused_by_name():
    class Unfinished(System):
        def generate(self, batch):
            return batch

    with pytest.raises(TypeError, match=r"optimizers.*training_step"):
        Unfinished()


@pytest.mark.parametrize("run", PARAMS["systems"])
def test_a_run_says_what_its_outputs_are_before_anything_is_built(run: str):
    """One for a paired run, the target; for an unpaired one each domain's, the target's first."""
    config = PARAMS["systems"][run]
    cls, task = system_class(config["system"]), config["task"]
    fields = [task["target"], *(task["inputs"] if task.get("unpaired") else [])]
    outputs = cls.outputs_of(load(cls.Settings, config))
    assert list(outputs) == fields
    for field, output in outputs.items():
        assert output == Output(field, "labels" if field == "parsing" else "image")


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_describes_itself_for_the_report(name: str):
    assert len(SYSTEMS[name].description.split()) > 20
