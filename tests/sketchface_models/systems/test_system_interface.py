"""What every system must offer."""

import pytest

from sketchface_models.systems.base import System


def test_a_system_that_lacks_a_method_is_refused_by_name():
    class Unfinished(System):
        def generate(self, batch):
            return batch

    with pytest.raises(TypeError, match=r"optimizers.*training_step"):
        Unfinished()
