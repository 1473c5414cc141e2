"""`train@RUN-SEED`: train a run. Usage: python -m pipeline.train RUN SEED [--pretrain].

`--pretrain` writes to `data/pretrain`, where `start` takes the starting weights of other runs from.
`--print-config` only prints what `python -m sketchface_models.train` needs.
"""

import argparse
import json
from pathlib import Path

from pipeline.common.parameters import Parameters, run_stage

DATA = Path("data")


def main(params: Parameters, run: str, seed: int) -> None:
    """Train one run from one seed."""
    start = DATA / "start" / run / str(seed)
    _train(params, run, seed, "pack", "train", start if start.exists() else None)


def pretrain(params: Parameters, run: str, seed: int) -> None:
    """Train one run, from one seed, that others start from."""
    _train(params, run, seed, "pretrain-pack", "pretrain", None)


def _train(
    params: Parameters, run: str, seed: int, pack: str, out: str, start: Path | None
) -> None:
    # Imported here, so that Ctrl-C ends in one line while torch is loaded, too.
    from pipeline.train.training import LiveLogger, live_folder, resume_store, run_config
    from sketchface_models.training.run import train

    config = run_config(params, run, seed)
    folder = DATA / out / run / str(seed)
    with LiveLogger(live_folder(run, seed)) as live:
        observers = (live.lines,), (live.sheet,)
        train(config, DATA / pack / run, folder, resume_store(), *observers, start)


def print_config(params: Parameters, run: str, seed: int) -> None:
    """Print what `python -m sketchface_models.train` needs to train it elsewhere."""
    from pipeline.train.training import run_config

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
    elif arguments.pretrain:
        run_stage(f"pretrain@{run}-{seed}", lambda params: pretrain(params, run, seed))
    else:
        run_stage(f"train@{run}-{seed}", lambda params: main(params, run, seed))
