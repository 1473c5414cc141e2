"""`train@RUN-SEED`: train a run. Usage: python -m pipeline.train RUN SEED [--pretrain].

`--pretrain` writes to `data/pretrain`, where `start` takes the starting weights of other runs from.
`--print-config` only prints what `python -m sketchface_models.train` needs.
"""

import argparse
import json
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage
from pipeline.train.training import LiveLogger, live_folder, resume_store, run_config
from sketchface_models.training.run import train

DATA = Path("data")


def main(params: Parameters, run: str, seed: int, folder: str = "train") -> None:
    """Train one run from one seed, into a folder under `data`."""
    config = run_config(params, run, seed)
    pack, out = DATA / "pack" / run, DATA / folder / run / str(seed)
    start = DATA / "start" / run / str(seed)
    with LiveLogger(live_folder(run, seed)) as live:
        observers, sheet_observers = (live.lines,), (live.sheet,)
        train(
            config,
            pack,
            out,
            resume_store(),
            observers,
            sheet_observers,
            start if start.exists() else None,
        )


def print_config(params: Parameters, run: str, seed: int) -> None:
    """Print what `python -m sketchface_models.train` needs to train it elsewhere."""
    print(json.dumps(run_config(params, run, seed), indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Train one run from one seed.")
    parser.add_argument("run", help="a name under `systems` in params.yaml")
    parser.add_argument("seed", type=int)
    parser.add_argument("--pretrain", action="store_true", help="write to data/pretrain")
    parser.add_argument("--print-config", action="store_true", help="only print its configuration")
    arguments = parser.parse_args()
    run, seed = arguments.run, arguments.seed
    if arguments.print_config:
        run_stage(f"train@{run}-{seed}", lambda params: print_config(params, run, seed))
    else:
        stage = "pretrain" if arguments.pretrain else "train"
        run_stage(f"{stage}@{run}-{seed}", lambda params: main(params, run, seed, stage))
