"""`baselines@RUN`: score what needs no learning. Usage: python -m pipeline.baselines RUN."""

import argparse
from pathlib import Path

from pipeline.baselines.baselines import write_baselines
from pipeline.common.parameters import Parameters, run_stage

DATA = Path("data")


def main(params: Parameters, run: str) -> None:
    """Score the baselines of one run."""
    seed = params.value("evaluate.seed")
    write_baselines(DATA, DATA / "pack" / run, DATA / "baselines" / run, seed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Score the baselines of one run.")
    parser.add_argument("run", help="a name under `systems` in params.yaml")
    run = parser.parse_args().run
    run_stage(f"baselines@{run}", lambda params: main(params, run))
