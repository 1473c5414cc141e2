"""`start@RUN-SEED`: starting weights of a run. Usage: python -m pipeline.start RUN SEED."""

import argparse
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.train.training import run_config
from sketchface_models.systems.registry import build
from sketchface_models.training.pack import Pack
from sketchface_models.training.start import write_start

DATA = Path("data")


def main(params: Parameters, run: str, seed: int) -> None:
    """Write the starting weights of one run."""
    system = build(run_config(params, run, seed)["model"], Pack(DATA / "pack" / run).channels)
    write_start(system, DATA / "pretrain", seed, DATA / "start" / run / str(seed))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the starting weights of one run.")
    parser.add_argument("run", help="a name under `systems` in params.yaml")
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    run, seed = arguments.run, arguments.seed
    run_stage(f"start@{run}-{seed}", lambda params: main(params, run, seed))
