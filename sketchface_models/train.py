"""Train on any machine that has torch: `python -m sketchface_models.train CONFIG PACK OUT`.

CONFIG is the JSON that `python -m pipeline.train RUN SEED --print-config` prints, PACK a
pack folder, OUT the folder that receives `weights/` and `logs/`. An interrupted run goes on where
its last checkpoint stands when started again with the same CONFIG and PACK. A run that
starts from others needs its folder of starting weights (`--start`). For several processes
say so in CONFIG (`engine.devices`), or start it by `torchrun --nproc_per_node 4 -m
sketchface_models.train ...` or `srun`; on several machines OUT and the store must be common to all.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from sketchface_models.errors import INTERRUPTED_STATUS, SketchFaceError
from sketchface_models.openmp import keep_threads_awake


def main() -> None:
    """Parse the command line and train."""
    keep_threads_awake()
    from sketchface_models.training.run import train

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("config", type=Path, help="JSON file with run, seed, model and engine")
    parser.add_argument("pack", type=Path, help="folder that the pack stage wrote")
    parser.add_argument("out", type=Path, help="folder for weights/ and logs/")
    parser.add_argument("--start", type=Path, help="folder that the start stage wrote")
    parser.add_argument("--store", type=Path, default=Path(".cache/resume"), help="resume states")
    arguments = parser.parse_args()
    try:
        try:
            config = json.loads(arguments.config.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SketchFaceError(
                f"{arguments.config}: not a readable JSON file ({error})"
            ) from None
        train(config, arguments.pack, arguments.out, arguments.store, start=arguments.start)
    except SketchFaceError as error:
        sys.exit("\n".join(f"error: {line}" for line in str(error).split("\n")))
    except KeyboardInterrupt as interruption:
        print(str(interruption) or "stopped before training began", file=sys.stderr)
        sys.exit(INTERRUPTED_STATUS)


if __name__ == "__main__":
    main()
