"""`train@RUN-SEED`: train a run. Usage: python -m pipeline.train RUN SEED [--print-config]."""

import argparse
import json
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.train.training import LiveLogger, live_folder, resume_store, run_config
from sketchface_models.training.run import train

DATA = Path("data")


def main(params: Parameters, run: str, seed: int) -> None:
    """Train one run from one seed."""
    config = run_config(params, run, seed)
    pack, out = DATA / "pack" / run, DATA / "train" / run / str(seed)
    with LiveLogger(live_folder(run, seed)) as live:
        train(config, pack, out, resume_store(), (live.lines,), (live.sheet,))


def print_config(params: Parameters, run: str, seed: int) -> None:
    """Print what `python -m sketchface_models.train` needs to train it elsewhere."""
    print(json.dumps(run_config(params, run, seed), indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one run from one seed.")
    parser.add_argument("run", help="a name under `systems` in params.yaml")
    parser.add_argument("seed", type=int)
    parser.add_argument("--print-config", action="store_true", help="only print its configuration")
    arguments = parser.parse_args()
    run, seed = arguments.run, arguments.seed
    action = print_config if arguments.print_config else main
    run_stage(f"train@{run}-{seed}", lambda params: action(params, run, seed))
