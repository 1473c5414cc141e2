"""`check`: refuse wrong parameters, and runs the data cannot feed, before any work."""

from pathlib import Path

from pipeline.check.check import check_parameters
from pipeline.common.parameters import Parameters, run_stage
from sketchface_models.atomic import write_json


def main(params: Parameters) -> None:
    """Check everything; what is written says only what the data offer, so later stages stay."""
    write_json(Path("data/check.json"), {"offers": check_parameters(params)})


if __name__ == "__main__":
    run_stage("check", main)
