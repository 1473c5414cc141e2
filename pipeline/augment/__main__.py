"""Stage `augment`: test contours, shifted and rotated."""

from pathlib import Path

from pipeline.augment.augment import AugmentSettings, augment_test_contours
from pipeline.common.parameters import Parameters, run_stage


def main(params: Parameters) -> None:
    """Read `augment` from the parameters and write `data/augment`."""
    settings = params.section("augment", AugmentSettings)
    augment_test_contours(Path("data/faces"), Path("data/contours"), Path("data/augment"), settings)


if __name__ == "__main__":
    run_stage("augment", main)
