"""How many images a second the feed gives: `python benchmarks/feed.py --size 128 --batch 8`.

One thread reads, moves and normalises noise of a photo (3 channels) and a sketch (1 channel);
read ahead, several do.
--training is the rate it must outrun; `train_step.py levers` prints both together.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from contenders import random_pack
from timing import Turn, in_turn, timed

from sketchface_models.systems.run_settings import Augment, Task
from sketchface_models.training.feed import Feed
from sketchface_models.training.pack_reader import Pack, normalise

CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=128, help="side of the pictures")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--faces", type=int, default=800, help="in the pack")
    parser.add_argument("--jitter", type=float, default=0.06)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=20, help="steps in a turn")
    parser.add_argument("--training", type=float, default=115.0, help="images/s to outrun")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        task = Task(("photo",), "sketch", options.size)
        pack = Pack(random_pack(Path(name, "pack"), task, options.faces))
        moving = Feed(pack, options.batch, Augment(flip=True, jitter=options.jitter), 0)
        still = Feed(pack, options.batch, Augment(flip=False, jitter=0.0), 0)
        with closing(moving.prefetched(0)) as ahead:
            works = {
                "feed, nothing moved": each_step(still.raw),
                "feed": each_step(moving.raw),
                "feed, normalise": each_step(lambda step: normalise(moving.raw(step), CPU)),
                "feed read ahead": lambda: next(ahead),
            }
            turns: dict[str, Turn] = {
                name: lambda work=work: timed(work, CPU, options.steps)  # type: ignore[misc]
                for name, work in works.items()
            }
            times = in_turn(turns, options.rounds)
    print(f"{options.size} px, batch {options.batch}, {options.faces} faces")
    print(f"{'':28}{'us/image':>10}{'images/s':>10}{'x training':>12}")
    for name, seconds in times.items():
        speed = options.batch / statistics.median(turn.wall for turn in seconds)
        print(f"{name:28}{1e6 / speed:10.1f}{speed:10.0f}{speed / options.training:12.0f}")


def each_step(work: Callable[[int], Any]) -> Callable[[], Any]:
    steps = itertools.count()
    return lambda: work(next(steps))


if __name__ == "__main__":
    main()
