"""Stage `segment`: parsing maps."""

from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.segment.segment import SegmentSettings, segment


def main(params: Parameters) -> None:
    """Read `segment` from the parameters and write `data/segment`."""
    settings = params.section("segment", SegmentSettings)
    segment(Path("data/faces"), Path("data/landmarks"), Path("data/segment"), settings)


if __name__ == "__main__":
    run_stage("segment", main)
