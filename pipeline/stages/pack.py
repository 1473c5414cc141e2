"""`pack@RUN`: what one run learns from. Usage: python -m pipeline.stages.pack RUN."""

import sys
from pathlib import Path

from pipeline.pack import write_pack
from pipeline.stage import Parameters, run_stage
from sketchface_models.systems.base import Task

DATA = Path("data")


def main(params: Parameters, run: str) -> None:
    """Pack the fields of one run."""
    task = params.section(f"systems.{run}.task", Task)
    write_pack(run, task, DATA, DATA / "pack" / run)


if __name__ == "__main__":
    run_stage(f"pack@{sys.argv[1]}", lambda params: main(params, sys.argv[1]))
