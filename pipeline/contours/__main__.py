"""Stage `contours`: landmark contours and rough lines."""

from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.contours.contours import ContourSettings, draw_contours


def main(params: Parameters) -> None:
    """Read `contours` from the parameters and write `data/contours`."""
    settings = params.section("contours", ContourSettings)
    draw_contours(Path("data/faces"), Path("data/landmarks"), Path("data/contours"), settings)


if __name__ == "__main__":
    run_stage("contours", main)
