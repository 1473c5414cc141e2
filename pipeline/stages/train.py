"""`train@RUN-SEED`: learn. Usage: python -m pipeline.stages.train RUN SEED [--print-config]."""

import json
import sys
from pathlib import Path

from pipeline.stage import Parameters, run_stage
from pipeline.training import LiveLogger, resume_store, run_config
from sketchface_models.training.run import train

DATA = Path("data")


def main(params: Parameters, run: str, seed: int, print_config: bool = False) -> None:
    """Train one run from one seed, or print what `python -m sketchface_models.train` needs."""
    config = run_config(params, run, seed)
    if print_config:
        print(json.dumps(config, indent=2))
        return
    out = DATA / "train" / run / str(seed)
    with LiveLogger(Path(".cache", "live", run, str(seed))) as live:
        pack = DATA / "pack" / run
        train(config, pack, out, resume_store(), (live.lines,), (live.sheet,))


if __name__ == "__main__":
    run, seed, *rest = sys.argv[1:]
    run_stage(f"train@{run}-{seed}", lambda params: main(params, run, int(seed), bool(rest)))
