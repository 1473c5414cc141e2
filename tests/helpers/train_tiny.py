"""Train a tiny system as a program: train_tiny.py CONFIG.json PACK OUT STORE [MISCHIEF STEP].

MISCHIEF is kill, limit (the disk is full) or interrupt (Ctrl-C).

A program of its own because Fabric starts the other processes by running it again.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

import torch
from tiny_systems import SYSTEMS

from sketchface_models.errors import INTERRUPTED_STATUS, SketchFaceError
from sketchface_models.systems import registry
from sketchface_models.training.log import Lines
from sketchface_models.training.run import train


def main() -> None:
    config, pack, out, store, *mischief = sys.argv[1:]
    registry.SYSTEMS.update(SYSTEMS)
    torch.set_num_threads(1)
    kind, step = (mischief[0], int(mischief[1])) if mischief else ("", -1)

    def observe(lines: Lines) -> None:
        nonlocal kind
        if lines[-1][0] < step:
            return
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
            kind = ""
        if kind == "limit":  # the disk is full
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))

    observers = (observe,) if mischief else ()
    try:
        train(json.loads(Path(config).read_text()), Path(pack), Path(out), Path(store), observers)
    except SketchFaceError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt as interruption:
        print(interruption, file=sys.stderr)
        sys.exit(INTERRUPTED_STATUS)


if __name__ == "__main__":
    main()
