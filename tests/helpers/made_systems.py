"""A system that generates by a formula, without networks: what tests of `evaluate` derive from."""

from typing import ClassVar

from sketchface_models.systems.base import Output


class FormulaSystem:
    """Generates by `generate`, which a test defines; it shows nothing else."""

    trained = True
    outputs: ClassVar[dict[str, Output]]

    def sample(self, batch, generator):
        return {}

    def in_style_of(self, batch, photos):
        return None

    def features(self, batch):
        return {}
