"""`start@RUN-SEED`: starting weights of a run. Usage: python -m pipeline.start RUN SEED."""

import argparse
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.start.start import start_run

DATA = Path("data")


def main(params: Parameters, run: str, seed: int) -> None:
    """Write the starting weights of one run."""
    section = params.value(f"systems.{run}")
    out = DATA / "start" / run / str(seed)
    start_run(section, DATA / "pack" / run, DATA / "pretrain", seed, out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the starting weights of one run.")
    parser.add_argument("run", help="a name under `systems` in params.yaml")
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    run, seed = arguments.run, arguments.seed
    run_stage(f"start@{run}-{seed}", lambda params: main(params, run, seed))
