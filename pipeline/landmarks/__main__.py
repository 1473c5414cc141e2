"""Stage `landmarks`: the 68 landmarks and the mesh of every face."""

from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks


def main(params: Parameters) -> None:
    """Read `landmarks` from the parameters and write `data/landmarks`."""
    settings = params.section("landmarks", LandmarkSettings)
    find_landmarks(Path("data/faces"), Path("data/landmarks"), settings)


if __name__ == "__main__":
    run_stage("landmarks", main)
