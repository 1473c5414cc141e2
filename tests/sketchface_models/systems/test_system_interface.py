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
def test_a_run_says_what_its_output_is_before_anything_is_built(run: str):
    config = PARAMS["systems"][run]
    cls = system_class(config["system"])
    target = config["task"]["target"]
    kind = "labels" if target == "parsing" else "image"
    assert cls.outputs_of(load(cls.Settings, config)) == {target: Output(target, kind)}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_describes_itself_for_the_report(name: str):
    assert len(SYSTEMS[name].description.split()) > 20
