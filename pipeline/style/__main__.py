"""Stage `style`: a classifier that tells in which style a sketch is drawn."""

from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.style.training import StyleSettings, train_styles


def main(params: Parameters) -> None:
    """Read `style` from the parameters and write `data/style`."""
    settings = params.section("style", StyleSettings)
    train_styles(Path("data/faces"), Path("data/landmarks"), Path("data/style"), settings)


if __name__ == "__main__":
    run_stage("style", main)
