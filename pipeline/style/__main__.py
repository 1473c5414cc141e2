"""Stage `style`: train a classifier of the styles that sketches are drawn in."""

from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.style.classifier_training import StyleSettings, train_styles


def main(params: Parameters) -> None:
    """Read `style` from the parameters and write `data/style`."""
    settings = params.section("style", StyleSettings)
    train_styles(Path("data/faces"), Path("data/landmarks"), Path("data/style"), settings)


if __name__ == "__main__":
    run_stage("style", main)
