"""Stage `depth`: depth maps from the face mesh."""

from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.depth.depth import DepthSettings, make_depth


def main(params: Parameters) -> None:
    """Read `depth` from the parameters and write `data/depth`."""
    settings = params.section("depth", DepthSettings)
    make_depth(Path("data/faces"), Path("data/landmarks"), Path("data/depth"), settings)


if __name__ == "__main__":
    run_stage("depth", main)
