"""`check`: refuse wrong parameters, and runs the data cannot feed, before any work."""

from pathlib import Path

from pipeline.check.check import any_run_is_asked_about_edits, check_parameters
from pipeline.check.data_check import check_data
from pipeline.common.parameters import Parameters, run_stage
from sketchface_models.atomic import write_json


def main(params: Parameters) -> None:
    """Check everything, and write only what later stages must notice."""
    offered = check_parameters(params)
    check_data(params)
    write_json(Path("data/check.json"), {"offers": offered})
    write_json(Path("data/asked.json"), {"edits": any_run_is_asked_about_edits(params)})
    write_json(Path("data/pretrain/runs.json"), sorted(params.value("pretrain")))


if __name__ == "__main__":
    run_stage("check", main)
