"""`pack@RUN`: what one run learns from. Usage: python -m pipeline.pack RUN."""

import argparse
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.pack.pack import write_pack
from sketchface_models.systems.base import Task

DATA = Path("data")


def main(params: Parameters, run: str) -> None:
    """Pack the fields of one run."""
    task = params.section(f"systems.{run}.task", Task)
    write_pack(run, task, DATA, DATA / "pack" / run, params.value("depth"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Pack what one run learns from.")
    parser.add_argument("run", help="a name under `systems` in params.yaml")
    run = parser.parse_args().run
    run_stage(f"pack@{run}", lambda params: main(params, run))
