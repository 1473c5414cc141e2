"""`pack@RUN`: what one run learns from. Usage: python -m pipeline.pack RUN [--pretrain].

`--pretrain` writes to `data/pretrain-pack`, for a run that others start from.
"""

import argparse
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.pack.pack import write_pack
from sketchface_models.systems.run_settings import Task

DATA = Path("data")


def main(params: Parameters, run: str, folder: str = "pack") -> None:
    """Pack the fields of one run, into a folder under `data`."""
    task = params.section(f"systems.{run}.task", Task)
    write_pack(run, task, DATA, DATA / folder / run, params.value("depth"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Pack what one run learns from.")
    parser.add_argument("run", help="a name under `systems` in params.yaml")
    parser.add_argument("--pretrain", action="store_true", help="write to data/pretrain-pack")
    arguments = parser.parse_args()
    run, stage = arguments.run, "pretrain-pack" if arguments.pretrain else "pack"
    run_stage(f"{stage}@{run}", lambda params: main(params, run, stage))
